"""Step 4: the search. NSGA-II on training failures until the budget of incidents is spent."""

from __future__ import annotations

from typing import Any

from hms.experiments.job import Job

TRACKED = "evolve"


def evolve_policies(job: Job) -> str:
    """Set `job.search` and `job.history`, and log each generation as it is done."""
    from hms.evolution.search import evolve
    from hms.evolution.settings import SearchSettings

    plan = job.plan.search
    job.settings = SearchSettings(
        incidents=job.budget.incidents,
        families=job.sets["train"].families,
        population=plan.population,
        incidents_per_genome=plan.incidents_per_genome,
        start_from=plan.start_from,
        objectives=plan.objectives,
    )
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

    job.search = evolve(job.settings, job.backend, job.seed, after_generation)
    job.spent["search"] = job.search.incidents
    job.tracker.end(TRACKED)
    return (
        f"{job.search.incidents:,} incidents, {len(job.search.archive)} policies,"
        f" {len(job.search.front)} on the front"
    )
