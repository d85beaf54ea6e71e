"""Safety breaches of one run on the fluid engine: its own count, its event log, its last states.

The engine counts acts that must not happen as they are done (docs/formats.md, "What is measured").
Beside it, and apart from its code: more disruptive acts of a component in the event log than its
guard allows; a broken rule of `policy/invariants.py` in the state that any agent or caller
ends in; a result that is no amount. A durable row for each act has no meaning in a simulation: the
runtime's own tests check it.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from hms.agents.policy import invariants
from hms.agents.policy.guard import TEN_MINUTES_S
from hms.agents.policy.kinds import (
    CUSTOM_ACT,
    RESTART,
    SLACK,
    SLOTS_PER_COMPONENT,
    WINDOW_SLOTS,
)
from hms.errors import HmsError
from hms.scenarios.event_log import EVENTS_MAX, RULE_ACT

if TYPE_CHECKING:
    from hms.scenarios.compile import CompiledScenario
    from hms.scenarios.model import Scenario
    from hms.scenarios.outcome import Outcome
    from hms.scenarios.policy_tables import PolicyTables

FORBIDDEN, GUARD, INVARIANT = "forbidden act", "guard limit exceeded", "invariant broken"
KINDS = (FORBIDDEN, GUARD, INVARIANT)
CHECKED = {
    FORBIDDEN: "the engine's column `breaches`: an act that took the last serving replica of a"
    " component while clients' SLO was kept, or beyond the guard",
    GUARD: "disruptive acts in ten minutes and at once, from event logs",
    INVARIANT: "rules of policy/invariants.py in every last state; outcomes that are no amounts",
}
NOT_CHECKED = "an act without a durable row: a simulation has none; tests/healing checks it"


def checked_run(
    compiled: CompiledScenario, tables: PolicyTables, scenario: Scenario
) -> tuple[Outcome, dict[str, int]]:
    """One run and how often each kind of breach was found in it."""
    from hms.scenarios.engines.fluid import engine, loop
    from hms.scenarios.engines.fluid.results import outcome_of

    state = engine.state_of(compiled, tables, fast_forward=True, record=True)
    loop.run_to_end(state)
    outcome = outcome_of(compiled, state)
    if int(state.world["events_n"][0]) > EVENTS_MAX:
        raise HmsError(f"{scenario.name}: an event log ran over, so that no breach can be told")
    acts = disruptive_acts(engine.events_of(state), float(state.world["dt"][0]))
    found = {
        FORBIDDEN: int(outcome.breaches),
        GUARD: over_guard(acts, tables, compiled, scenario),
        INVARIANT: broken_rules(state) + no_amounts(outcome),
    }
    return outcome, found


def disruptive_acts(events: list[Any], tick_s: float) -> list[tuple[float, int]]:
    """(seconds, component) of each restart or roll-back."""
    return [
        (tick * tick_s, entity // SLOTS_PER_COMPONENT)
        for tick, entity, rule, _, after in events
        if rule == RULE_ACT and int(after) in (RESTART, CUSTOM_ACT)
    ]


def over_guard(
    acts: list[tuple[float, int]],
    tables: PolicyTables,
    compiled: CompiledScenario,
    scenario: Scenario,
) -> int:
    """Acts beyond what a bound guard allows."""
    found = 0
    for component in sorted({place for _, place in acts}):
        guard = tables.guard[component]
        if not guard["bound"]:
            continue
        times = [t for t, place in acts if place == component]
        startup_s = float(scenario.components[compiled.names[component]].startup_s)  # type: ignore[arg-type]
        for number, t in enumerate(times):
            before = times[: number + 1]
            lately = sum(t - other < TEN_MINUTES_S - SLACK for other in before)
            at_once = sum(t - other < startup_s - SLACK for other in before)
            over = lately > int(guard["acts_per_10_min"]) or at_once > int(guard["at_once"])
            found += int(over)
    return found


def broken_rules(state: Any) -> int:
    """Rules of `policy/invariants.py` that a last state breaks."""
    return sum(rule != invariants.WHOLE for rule in _rules(state))


def _rules(state: Any) -> Iterator[int]:
    for k in np.flatnonzero(state.edges["agent"] == 1):
        caller = state.callers[k]
        breaker, settings = _plain(caller["breaker"]), _plain(caller["breaker_p"])
        yield invariants.breaker_rule(breaker, settings, WINDOW_SLOTS, settings.half_open_calls)
        yield invariants.retry_rule(_plain(caller["retry"]), _plain(caller["retry_p"]))
    for i in np.flatnonzero(state.comps["agent"] == 1):
        agent = state.agents[i]
        yield invariants.guard_rule(_plain(agent["guard"]), _plain(agent["guard_p"]))
        yield invariants.ladder_rule(_plain(agent["recovery"]))
        yield invariants.detection_rule(_plain(agent["detection"]))


def no_amounts(outcome: Outcome) -> int:
    """Measures that are not finite or below zero."""
    row = outcome.row()
    return int((~np.isfinite(row)).sum() + (row < -1e-9).sum())


def _plain(record: Any) -> Any:
    """A record as an object with attributes, as the rules read them."""
    found = {}
    for name in record.dtype.names:
        value = record[name]
        if value.dtype.names:
            found[name] = _plain(value)
        else:
            found[name] = value.tolist()
    return SimpleNamespace(**found)
