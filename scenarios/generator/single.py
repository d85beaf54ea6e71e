"""One fault of one kind: where it strikes, how badly, what ends it. Tables: `families.py`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hms.documents import Problem
from hms.scenarios import families as drawn
from hms.scenarios.fault_kinds import COMPONENT, EDGE, FAULT_KINDS
from hms.scenarios.model import Component, Fault, Scenario
from hms.scenarios.topology import reachable

Uniform = Callable[[str], float]
Target = str | tuple[str, str] | None


def draw_fault(
    scenario: Scenario, start_s: float, family: str, taken: Fault | None, u: Uniform
) -> Fault:
    """One fault of a family, not on the target of another."""
    target = pick(without(targets(scenario, family), taken), u("target"))
    ending = _draw_ending(family, u)
    if FAULT_KINDS[family].target == EDGE:
        assert isinstance(target, tuple)
        parameters = _draw_magnitudes(family, u)
        return Fault(family, edge=target, start_s=start_s, parameters=parameters, **ending)
    assert isinstance(target, str)
    parameters = _draw_magnitudes(family, u)
    struck = 0
    if FAULT_KINDS[family].target == COMPONENT:
        component = scenario.components[target]
        struck = struck_replicas(component.replicas, u("replicas"))
        parameters |= _own_magnitudes(family, component, u)
    return Fault(family, target, None, struck, start_s, parameters=parameters, **ending)


def _draw_ending(family: str, u: Uniform) -> dict[str, Any]:
    """What ends the fault: an act, or time."""
    spec = drawn.FAMILIES[family]
    if spec.duration_s is None or u("ending") < spec.only_an_act_ends_it:
        return {"duration_s": math.inf, "until": FAULT_KINDS[family].ends[0]}
    return {"duration_s": spec.duration_s.at(u("duration"))}


def _draw_magnitudes(family: str, u: Uniform) -> dict[str, float]:
    """The parameters that the table gives a range for; the others are as usual."""
    ranges = drawn.FAMILIES[family].magnitudes
    usual = {spec.field: spec.default for spec in FAULT_KINDS[family].parameters}
    usual = {name: value for name, value in usual.items() if not math.isnan(value)}
    return usual | {name: between.at(u(name)) for name, between in ranges.items()}


def _own_magnitudes(family: str, component: Component, u: Uniform) -> dict[str, float]:
    """The parameters that follow from more than one range."""
    if family == "crash":
        return {"restarts_by_itself": float(u("by itself") < drawn.RESTARTS_BY_ITSELF)}
    if family == "memory_leak":
        free_mb = component.memory_limit_mb - component.memory_mb
        return {"mb_per_s": free_mb / drawn.SECONDS_TO_LIMIT.at(u("seconds to limit"))}
    if family == "bad_deploy":
        kind = u("what is bad")
        if kind < drawn.BAD_DEPLOY_ERRS:
            return {"slow_factor": 1.0}
        if kind < drawn.BAD_DEPLOY_ERRS + drawn.BAD_DEPLOY_SLOW:
            return {"error_share": 0.0}
    return {}


def struck_replicas(replicas: int, u: float) -> int:
    """How many replicas are struck: one, half of them, or all."""
    if u < drawn.ONE_REPLICA:
        return 1
    if u < drawn.ONE_REPLICA + drawn.HALF_OF_THEM:
        return (replicas + 1) // 2
    return replicas


def targets(scenario: Scenario, family: str) -> Sequence[Target]:
    """What a family may strike, in the order of names: only what the load reaches."""
    kind = FAULT_KINDS[family]
    reached = reachable(scenario)
    if kind.target == EDGE:
        return sorted((e.caller, e.callee) for e in scenario.edges if e.caller in reached)
    if kind.target == COMPONENT:
        able = (scenario.components[name] for name in sorted(reached))
        return [c.name for c in able if family != "memory_leak" or c.memory_limit_mb > c.memory_mb]
    return sorted({load.entry for load in scenario.workload})


def without(targets: Iterable[Target], taken: Fault | None) -> list[Target]:
    """Targets other than the one that is struck already."""
    struck = (taken.component, taken.edge) if taken is not None else ()
    return [target for target in targets if target not in struck]


def pick(choices: Sequence[Any], u: float) -> Any:
    """One of the choices."""
    return choices[int(u * len(choices))]


def no_target(scenario: Scenario, family: str) -> Problem:
    """Why a family cannot be drawn."""
    need = {
        COMPONENT: "a component that the load reaches",
        EDGE: "an edge between two components that the load reaches",
    }.get(FAULT_KINDS[family].target, "a workload")
    if family == "memory_leak":
        need += ", with `memory_limit_mb` above `memory_mb`"
    what = f"nothing in `{scenario.name}` can suffer a {family} fault"
    return Problem(("failures", "families"), what, need)
