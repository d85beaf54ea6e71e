"""What a run that was stopped keeps: all results that are ready, and the front of its search.

The front is there as policy files, too, one for each policy: incidents were spent on them, and any
of them can be simulated, compared or exported. Their `about` says that no champion was chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import hms
from hms.agents.policy.healing_policy import HealingPolicy
from hms.documents import dump_yaml
from hms.experiments.job import Job
from hms.experiments.steps.write import front_frame, history_frame, write_frame

if TYPE_CHECKING:
    from hms.evolution.individual import Individual
    from hms.evolution.search import SearchResult

FRONT = "front"


def write_partial_results(job: Job) -> list[str]:
    """Write what there is.

    Returns:
        The files' names, the front's policies as one.
    """
    written = []
    if job.history:
        write_frame(job, "generations", history_frame(job))
        written.append("results/generations.parquet")
    found = _search_so_far(job)
    if found is not None and found.front:
        objectives = job.plan.search.objectives
        write_frame(job, "front", front_frame(found, objectives, getattr(job, "finalists", ())))
        for place, one in enumerate(found.front, start=1):
            name = f"{FRONT}/{place:02d}-{one.sha256[:8]}.yaml"
            job.directory.write(name, dump_yaml(_marked(one, job, found).to_mapping(sparse=True)))
        written += ["results/front.parquet", f"{FRONT}/ with {len(found.front)} policies"]
    for name in ("validation", "held_out"):
        if hasattr(job, name):
            write_frame(job, name, getattr(job, name))
            written.append(f"results/{name}.parquet")
    if hasattr(job, "champion"):
        job.directory.write("policy.yaml", dump_yaml(job.champion.to_mapping(sparse=True)))
        written.append("policy.yaml")
    return written


def _search_so_far(job: Job) -> SearchResult | None:
    """What the search found, or has found when it was stopped; None before its beginning."""
    if hasattr(job, "search"):
        return job.search
    return job.searching.result() if hasattr(job, "searching") else None


def _marked(one: Individual, job: Job, found: SearchResult) -> HealingPolicy:
    """A policy of the front that says what it is not."""
    about = {
        "name": job.plan.name,
        "made_by": f"hms {hms.__version__}",
        "interrupted": f"on the front after {found.incidents:,} of {job.budget.incidents:,}"
        " incidents; no champion was chosen",
    }
    policy = one.policy
    return HealingPolicy(about, policy.groups, policy.recovery, policy.overrides)
