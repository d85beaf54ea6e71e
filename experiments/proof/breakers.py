"""Did each breaker baseline open where a fault is above its threshold? Else it is a caricature.

The rule is about wrong answers only, the one fault whose share at the breaker is known before
anything runs: an edge's breaker sees the share of calls that a fault makes fail, a breaker for
each replica sees it at the struck replicas alone.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hms.agents.policy.kinds import OPEN, SCOPE_REPLICA, WINDOW_COUNT
from hms.scenarios.model import Edge, Fault, Scenario
from hms.scenarios.topology import mean_calls, middle, visits_per_request

if TYPE_CHECKING:
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.agents.policy.parameters import BreakerParameters
    from hms.experiments.proof.stacks import Stack

CLEARLY = 1.3
"""A fault counts as above a threshold when its share is so many times it, or every call."""
CHANCES = 20.0
"""Expected rows of failures long enough, at least, before a breaker must have seen one."""
LASTS_S = 60.0


def probe_of(scenario: Scenario) -> Scenario:
    """The system with wrong answers of every replica of the component that is called most."""
    rates = _rates(scenario)
    inner = [edge for edge in scenario.edges if scenario.components[edge.caller].kind != "client"]
    if not inner:
        return replace(scenario, faults=())
    edge = max(inner, key=lambda one: (rates[one.name], one.name))
    start_s = scenario.warm_up_s + 15.0
    fault = Fault(
        "error", edge.callee, None, 0, start_s,
        duration_s=min(LASTS_S, scenario.horizon_s - start_s), parameters={"share": 1.0},
    )  # fmt: skip
    return replace(scenario, faults=(fault,))


def is_breaker(stack: Stack) -> bool:
    """Whether its policy switches a breaker on anywhere."""
    policy = stack.policy
    return policy is not None and policy.groups["breaker"].enabled


def must_open(policy: HealingPolicy, scenario: Scenario) -> bool:
    """Whether some fault of the scenario is clearly above the threshold of a breaker it meets."""
    from hms.scenarios.where import edge_where

    rates = _rates(scenario)
    for fault in scenario.faults:
        share = _error_share(fault)
        if share <= 0.0 or fault.component is None:
            continue
        for edge in scenario.edges:
            if edge.callee != fault.component:
                continue
            if scenario.components[edge.caller].kind == "client":
                continue
            callee = scenario.components[edge.callee]
            breaker = policy.for_edge(edge_where(edge, callee)).breaker
            lasts_s = min(fault.duration_s, scenario.horizon_s - fault.start_s)
            struck = fault.replicas or callee.replicas
            if _opens(breaker, share, struck, callee.replicas, rates[edge.name], lasts_s):
                return True
    return False


def _opens(
    breaker: BreakerParameters,
    share: float,
    struck: int,
    replicas: int,
    rate_rps: float,
    lasts_s: float,
) -> bool:
    if not breaker.enabled or rate_rps <= 0.0:
        return False
    per_replica = breaker.scope == SCOPE_REPLICA
    if per_replica:
        room = math.floor(breaker.ejected_share_max * replicas + 1e-9)
        if replicas < 2 or not (room or breaker.always_eject_one):
            return False
        rate_rps /= replicas
    else:
        share *= struck / replicas
    if breaker.consecutive_failures > 0:
        rows = share**breaker.consecutive_failures * rate_rps * lasts_s
        if rows >= CHANCES:
            return True
    if breaker.failure_rate > 1.0 or share < min(1.0, CLEARLY * breaker.failure_rate):
        return False
    if breaker.window_kind == WINDOW_COUNT:
        needs_s = 2.0 * max(breaker.minimum_calls, breaker.window_calls) / rate_rps
        return needs_s <= lasts_s
    held = rate_rps * breaker.window_s
    return held >= CLEARLY * breaker.minimum_calls and lasts_s >= 2.0 * breaker.window_s


def _error_share(fault: Fault) -> float:
    name = {"error": "share", "bad_deploy": "error_share"}.get(fault.kind, "")
    return float(fault.parameters.get(name, 0.0)) if name else 0.0


def _rates(scenario: Scenario) -> dict[str, float]:
    """Calls a second on each edge without faults."""
    offered_rps = sum(middle(load.rate_rps) for load in scenario.workload)
    visits = visits_per_request(scenario)

    def rate_rps(edge: Edge) -> float:
        caller = scenario.components[edge.caller]
        return offered_rps * visits[edge.caller] * mean_calls(caller, edge)

    return {edge.name: rate_rps(edge) for edge in scenario.edges}


def opened(lines: list[str]) -> bool:
    """Whether an event log has a breaker that opened or a replica that was ejected."""
    return any(_opening(line.split()) for line in lines)


def _opening(words: list[Any]) -> bool:
    if len(words) != 5:
        return False
    after = float(words[4])
    return (words[2] == "phase" and after == OPEN) or (words[2] == "ejected" and after > 0.0)
