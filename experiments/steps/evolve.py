"""Step 4: the search. NSGA-II on training failures until the budget of incidents is spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hms.experiments.job import Job
from hms.experiments.plan import Budget, SearchPlan

if TYPE_CHECKING:
    from hms.evolution.genome import Space
    from hms.evolution.settings import SearchSettings
    from hms.scenarios.model import Scenario

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
        incidents_per_genome=budget.incidents_per_genome or plan.incidents_per_genome,
        start_from=plan.start_from,
        objectives=plan.objectives,
        racing=plan.racing,
        rotation_share=plan.rotation_share,
        polish_share=plan.polish_share,
    )


def search_space(plan: SearchPlan, budget: Budget, topology: Scenario) -> Space:
    """What the search may vary: with overrides, those that hold somewhere in the system."""
    from hms.evolution.genes import slots_for
    from hms.evolution.genome import Space
    from hms.scenarios.where import component_where, edge_where

    wanted = plan.overrides if budget.overrides is None else budget.overrides
    if not wanted:
        return Space()
    parts = topology.components
    served = [part for part in parts.values() if part.kind != "client"]
    places = [component_where(part) for part in served]
    places += [edge_where(edge, parts[edge.callee]) for edge in topology.edges]
    return Space(slots_for(places))


def evolve_policies(job: Job) -> str:
    """Set `job.search` and `job.history`, and log each generation as it is done.

    `job.searching` is there from the first generation on: whoever stops the run keeps its front.
    """
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

    space = search_space(plan, job.budget, job.topology)
    job.searching = Search(job.settings, job.backend, job.seed, space)
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
