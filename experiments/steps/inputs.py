"""After step 1: the run's own copy of what it was given, so that it can be run again or resumed."""

from __future__ import annotations

from typing import Any

from hms.documents import dump_yaml
from hms.experiments.job import Job
from hms.experiments.resume import BUDGET, EXPERIMENT

SCENARIO = "scenario.yaml"


def write_inputs(job: Job) -> None:
    """The experiment and the system as they are used: `hms run` takes them again."""
    from hms.scenarios.load import save_scenario

    save_scenario(job.topology, job.directory.path / SCENARIO)
    experiment = job.plan.to_mapping(SCENARIO)
    experiment["budgets"] |= _own_budget(job)
    job.directory.write(EXPERIMENT, dump_yaml(experiment))
    job.directory.write(BUDGET, budget_word(job) + "\n")


def budget_word(job: Job) -> str:
    """What `--budget` takes with the run's copy of the experiment."""
    return job.budget.name if job.budget.name in job.plan.budgets else "small"


def _own_budget(job: Job) -> dict[str, Any]:
    """A budget of the user's own number replaces `small` in the copy."""
    if job.budget.name in job.plan.budgets:
        return {}
    return {"small": job.budget.to_mapping()}
