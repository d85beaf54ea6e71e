"""Step 2: the failures. Draw and compile training, validation and held-out scenarios."""

from __future__ import annotations

from hms.errors import ScenarioError
from hms.experiments.job import Job


def compile_scenarios(job: Job) -> str:
    """Set `job.sets`: everything is drawn by (split, family, index) and the seed alone.

    Raises:
        ScenarioError: a family of failures finds nothing to strike in this system.
    """
    from hms.experiments.scenario_sets import compile_sets
    from hms.scenarios.generate import list_incidents, untargetable

    plan = job.plan.failures
    problems = untargetable(job.topology, plan)
    if problems:
        raise ScenarioError(problems, job.plan.file)
    incidents = list_incidents(plan, job.budget.sizes)
    job.progress.expect(len(incidents))
    for done, sets in enumerate(compile_sets(job.topology, plan, incidents, job.seed)):
        job.sets = sets
        job.progress.advance(done + 1.0)
    counts = [f"{len(chosen.ids)} {name.replace('_', ' ')}" for name, chosen in sets.items()]
    return ", ".join(counts)
