"""Step 5, second part: do single requests rank the finalists as the means of the search do?

The search's engine computes with means; the `request` engine draws every request and shares none
of its closures. Where both rank the finalists alike, the choice did not hang on an approximation.
What comes out is told and decides nothing: a champion chosen by two scores is selected twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.evolution.backends import Backend
    from hms.evolution.proof.engines import Ranks
    from hms.experiments.job import Job

SCENARIOS = 24
"""Validation failures; the proof's own comparison takes more (evolution/proof/engines.py)."""
LEAST_INCIDENTS = 40_000
"""A search's budget from which on it is worth half a minute of CPU."""
CHUNK_INCIDENTS = 2
"""Of a task: an incident of the demo takes some 110 ms request by request."""


def spread(count: int, wanted: int = SCENARIOS) -> list[int]:
    """At most `wanted` of `count` indices, evenly spread: every family keeps its part."""
    places = np.linspace(0, count - 1, min(wanted, count)).round()
    return [int(place) for place in np.unique(places)]


def ask_requests(job: Job, stacks: dict[str, HealingPolicy], chosen: str) -> Ranks | None:
    """Run finalists and best baseline request by request; None for a small budget.

    Args:
        stacks: the finalists by name.
        chosen: the champion's name among them.
    """
    from hms.evolution.backends import RayBackend
    from hms.experiments.simulation import simulate_requests

    if job.budget.incidents < LEAST_INCIDENTS or job.cluster is None:
        return None
    cases = job.sets["validation"].cases
    simulate = simulate_requests(job.plan.prices)
    best = job.choice.best_baseline
    everyone = {**stacks, best: job.baselines[best]}
    simulate([everyone[best]], cases[:1], np.zeros((1, 2), dtype=np.int64))  # compile once, here
    backend = RayBackend(
        job.cluster.ray, {"validation": cases}, simulate, chunk_incidents=CHUNK_INCIDENTS
    )
    scenarios = spread(len(cases))
    job.spent["validation, request by request"] = len(everyone) * len(scenarios)
    return both_engines(job.validation, everyone, backend, scenarios, chosen, best)


def both_engines(
    validation: pd.DataFrame,
    stacks: dict[str, HealingPolicy],
    backend: Backend,
    scenarios: Sequence[int],
    chosen: str,
    best: str,
) -> Ranks:
    """Each stack's downtime on these validation failures, by means and request by request.

    Args:
        validation: rows of all stacks, each in the set's order, from the search's engine.
        backend: simulates single requests.
    """
    from hms.evolution.objectives import column
    from hms.evolution.proof.engines import rank_agreement

    rows = backend.evaluate(list(stacks.values()), scenarios, "validation")
    requests = dict(zip(stacks, rows[:, :, column("downtime_s")], strict=True))
    means = {
        name: validation.loc[validation["stack"] == name, "downtime_s"].to_numpy()[list(scenarios)]
        for name in stacks
    }
    return rank_agreement(means, requests, chosen, best)


def opinion(found: Ranks) -> str:
    """One sentence for the report, true for either outcome."""
    from hms.evolution.proof.engines import TAU_LEAST

    by_means, by_requests = found.gain_s
    rank = "rank" if found.tau >= TAU_LEAST - 1e-9 else "do not rank"
    return (
        f"Request by request, on {found.scenarios} of these failures, the finalists and "
        f"{found.best} {rank} as they do by means (Kendall's tau {found.tau:.2f}); the chosen one "
        f"gains {by_requests:.1f} s of downtime on {found.best}, {by_means:.1f} s by means"
    )
