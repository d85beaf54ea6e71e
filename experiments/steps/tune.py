"""Step 5: baselines that the run tunes itself, each at the search's own budget of incidents."""

from __future__ import annotations

from typing import Any

from hms.experiments.job import Job


def is_asked_to_tune(job: Job) -> bool:
    """Whether the experiment names a tuned baseline at this budget."""
    return bool(tuned_names(job))


def tuned_names(job: Job) -> list[str]:
    """The tuned baselines that the experiment names at this budget."""
    from hms.evolution.baselines import TUNED

    return [name for name in job.plan.compare.stacks(job.budget.incidents) if name in TUNED]


def tune_baselines(job: Job) -> str:
    """Add the tuned baselines that the experiment names to `job.baselines`, and what they cost."""
    from hms.documents import dump_yaml
    from hms.evolution.tuning import tune_stack
    from hms.experiments.steps.evolve import search_space

    wanted = tuned_names(job)
    job.progress.expect(len(wanted) * job.budget.incidents)
    space = search_space(job.plan.search, job.budget, job.topology)
    before = 0
    for name in wanted:

        def told(row: dict[str, Any], name: str = name, before: int = before) -> None:
            best_s = row["best_cost_s"]
            note = f"{name}, turn {row['turn']}, {best_s:+.1f} s against the ladder"
            job.progress.advance(before + row["incidents"], note)

        found = tune_stack(name, job.settings, job.backend, job.seed, told, space=space)
        before += job.budget.incidents
        job.baselines = {**job.baselines, name: found.policy}
        job.spent[name] = found.incidents
        text = dump_yaml(found.policy.to_mapping(sparse=True))
        job.directory.write(f"tuned/{name}.yaml", text)
    return ", ".join(f"{name} {job.spent[name]:,} incidents" for name in wanted)
