"""How incidents are simulated: the function that Ray's tasks run, and single recorded runs.

A case is a compiled scenario and the topology that a policy is tabulated for. A row is what
`scenarios.outcome.COLUMNS` says, with disruption at the experiment's prices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hms.agents.policy.healing_policy import HealingPolicy
from hms.experiments.plan import Prices
from hms.scenarios.outcome import COLUMNS

if TYPE_CHECKING:
    from hms.experiments.scenario_sets import ScenarioSet
    from hms.scenarios.compile import CompiledScenario
    from hms.scenarios.model import Scenario
    from hms.scenarios.outcome import Outcome

Floats = NDArray[np.float64]
Pairs = NDArray[np.int64]

PRICED = {
    "out_of_service": "out_of_service_s",
    "added_replica": "added_replica_s",
    "quality_loss": "quality_loss_s",
    "lost_in_flight": "lost_in_flight_s",
}
"""Which column each price is for."""

REQUEST_EVENTS = 20_000_000
"""Ten times what the demo's busiest incident takes request by request."""


@dataclass(frozen=True, slots=True)
class Case:
    """One incident as a worker needs it; all cases of a set share one topology."""

    compiled: CompiledScenario
    topology: Scenario


def simulate(
    policies: Sequence[HealingPolicy], cases: Sequence[Case], pairs: Pairs, prices: Prices
) -> Floats:
    """Rows of the pairs (policy index, case index), shape (pairs, columns)."""
    from hms.scenarios.engines.fluid import engine
    from hms.scenarios.policy_tables import tables

    topology = cases[0].topology
    rows = engine.run_batch(
        [case.compiled for case in cases],
        [tables(policy, topology) for policy in policies],
        [(int(policy), int(case)) for policy, case in pairs],
    )
    return priced(np.asarray(rows), prices)


def simulate_pairs(
    prices: Prices,
) -> Callable[[Sequence[HealingPolicy], Sequence[Case], Pairs], Floats]:
    """`simulate` at these prices, in a form that Ray can ship."""
    return partial(simulate, prices=prices)


def run_requests(
    policies: Sequence[HealingPolicy], cases: Sequence[Case], pairs: Pairs, prices: Prices
) -> Floats:
    """The same rows, request by request; a run that spends its events ends there."""
    from hms.scenarios.engines.request.build import Budget
    from hms.scenarios.engines.request.engine import run
    from hms.scenarios.policy_tables import tables

    budget = Budget(events=REQUEST_EVENTS)
    tabled = [tables(policy, cases[0].topology) for policy in policies]
    found = [
        run(cases[case].compiled, tabled[policy], budget=budget).row()
        for policy, case in pairs.tolist()
    ]
    return priced(np.array(found), prices)


def simulate_requests(
    prices: Prices,
) -> Callable[[Sequence[HealingPolicy], Sequence[Case], Pairs], Floats]:
    """`run_requests` at these prices, in a form that Ray can ship."""
    return partial(run_requests, prices=prices)


def priced(rows: Floats, prices: Prices) -> Floats:
    """The rows with disruption_s as the sum of its parts at these prices."""
    result = rows.copy()
    disruption_s = np.zeros(len(rows))
    for price, column in PRICED.items():
        disruption_s += getattr(prices, price) * rows[:, COLUMNS.index(column)]
    result[:, COLUMNS.index("disruption_s")] = disruption_s
    return result


def recorded(
    policy: HealingPolicy, compiled: CompiledScenario, topology: Scenario
) -> Outcome:
    """One run with its timeline and event log."""
    from hms.scenarios.engines.fluid import engine
    from hms.scenarios.policy_tables import tables

    return engine.run(compiled, tables(policy, topology), record=True)


def recorded_today(compiled: CompiledScenario, topology: Scenario) -> Outcome:
    """The same under today's settings, each edge with its own: no policy could say them all."""
    from hms.experiments.todays_settings import todays_tables
    from hms.scenarios.engines.fluid import engine

    return engine.run(compiled, todays_tables(topology), record=True)


def warm_up(sets: Mapping[str, ScenarioSet]) -> None:
    """Compile the engine, or load it from its cache, by running one incident."""
    for found in sets.values():
        if found.compiled:
            pairs = np.zeros((1, 2), dtype=np.int64)
            cases = [Case(found.compiled[0], found.scenarios[0])]
            simulate([HealingPolicy()], cases, pairs, Prices())
            return
