"""Step 4: the search. NSGA-II on training failures until the budget of incidents is spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hms.experiments.job import Job
from hms.experiments.plan import Budget, SearchPlan

if TYPE_CHECKING:
    from hms.evolution.settings import SearchSettings

TRACKED = "evolve"


def search_settings(
    plan: SearchPlan, budget: Budget, families: tuple[str, ...]
) -> SearchSettings:
    """The search of one budget.

    Args:
        families: of the training scenarios, in their order.

    Raises:
        ValueError: the budget is too small to compare anything.
    """
    from hms.evolution.settings import SearchSettings

    return SearchSettings(
        incidents=budget.incidents,
        families=families,
        population=plan.population,
        incidents_per_genome=plan.incidents_per_genome,
        start_from=plan.start_from,
        objectives=plan.objectives,
    )


def evolve_policies(job: Job) -> str:
    """Set `job.search` and `job.history`, and log each generation as it is done.

    `job.searching` is there from the first generation on: whoever stops the run keeps its front.
    """
    from hms.evolution.genome import Space
    from hms.evolution.search import Search
    from hms.experiments.resume import checkpoint_of

    plan = job.plan.search
    job.settings = search_settings(plan, job.budget, job.sets["train"].families)
    job.progress.expect(job.budget.incidents)
    job.tracker.begin(TRACKED, TRACKED, {"hms.kind": "search"})

    def after_generation(row: dict[str, Any]) -> None:
        job.history.append(row)
        best_s = row[f"best_{plan.objectives[0]}"]
        job.progress.advance(
            row["incidents"], f"generation {row['generation']}, best {best_s:.1f} s down"
        )
        numbers = {key: value for key, value in row.items() if isinstance(value, int | float)}
        job.tracker.metrics(TRACKED, numbers, step=len(job.history))

    job.searching = Search(job.settings, job.backend, job.seed, Space())
    checkpoint = checkpoint_of(job)
    if checkpoint.exists:
        job.searching.restore(checkpoint)
        for kept in job.searching.result().history:
            after_generation(kept)
    while (row := job.searching.advance()) is not None:
        job.searching.save(checkpoint)
        after_generation(row)
    job.search = job.searching.result()
    job.spent["search"] = job.search.incidents
    job.tracker.end(TRACKED)
    return (
        f"{job.search.incidents:,} incidents, {len(job.search.archive)} policies,"
        f" {len(job.search.front)} on the front"
    )
