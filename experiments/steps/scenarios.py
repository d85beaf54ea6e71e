"""Step 2: the failures. Draw and compile training, validation and held-out scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hms.documents import Problem, load_yaml, located
from hms.errors import ExperimentError
from hms.experiments.job import Job

if TYPE_CHECKING:
    from hms.experiments.plan import ExperimentPlan
    from hms.scenarios.model import Scenario


def compile_scenarios(job: Job) -> str:
    """Set `job.sets`: everything is drawn by (split, family, index) and the seed alone.

    Raises:
        ExperimentError: its failures find nothing to strike in this system, or come too late.
    """
    from hms.experiments.scenario_sets import compile_sets
    from hms.scenarios.generate import list_incidents

    plan = job.plan.failures
    require_strikable(job.topology, job.plan)
    incidents = list_incidents(plan, job.budget.sizes)
    job.progress.expect(len(incidents))
    for done, sets in enumerate(compile_sets(job.topology, plan, incidents, job.seed)):
        job.sets = sets
        job.progress.advance(done + 1.0)
    counts = [f"{len(chosen.ids)} {name.replace('_', ' ')}" for name, chosen in sets.items()]
    return ", ".join(counts)


def require_strikable(topology: Scenario, plan: ExperimentPlan) -> None:
    """Refuse failures that this system would never see.

    Raises:
        ExperimentError: a family finds nothing to strike, or a failure may start at the horizon
            or after it.
    """
    from hms.scenarios.generate import untargetable

    problems = untargetable(topology, plan.failures)
    if plan.failures.start_s.high >= topology.horizon_s:
        what = f"failures start as late as {plan.failures.start_s.high:g} s"
        expected = f"before the horizon of {topology.horizon_s:g} s"
        problems.append(Problem(("failures", "start_s"), what, expected))
    if problems:
        file = Path(plan.file)
        if file.is_file():
            problems = located(problems, load_yaml(file, error=ExperimentError))
        raise ExperimentError(problems, plan.file)
