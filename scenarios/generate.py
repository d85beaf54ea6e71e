"""Draws concrete failures of a system: what breaks, where, when and how badly.

Every draw is keyed by (seed, split, family, index, purpose) through a hash, never taken from a
stream: process, order of work and Python's own hash seed change nothing, and a new draw moves
no other. How large faults are is in `families.py`, what they mean in docs/scenario-format.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hms.documents import Problem, nearest
from hms.errors import ScenarioError
from hms.scenarios import families as drawn
from hms.scenarios.fault_kinds import COMPONENT, EDGE, FAULT_KINDS
from hms.scenarios.file_keys import FileKey
from hms.scenarios.model import Component, Fault, Range, Scenario
from hms.scenarios.read_fields import Fields, shown
from hms.scenarios.split import IncidentId, SplitSizes, keyed_uniform
from hms.scenarios.split import list_incidents as _list_incidents
from hms.scenarios.topology import reachable

Uniform = Callable[[str], float]
Target = str | tuple[str, str] | None

QUANTITIES = ("drawn", "midpoint")
_PLAN_KEYS = ("start_s", "at_once", "families", "never_trained")


@dataclass(frozen=True, slots=True)
class FailurePlan:
    """The `failures` section of an experiment file.

    Attributes:
        start_s: when faults start.
        at_once: share of incidents with one and with two faults, summing to 1.
        families: trained, validated and held out; taken in turn.
        never_trained: held out only, in a set of their own.
        quantities: "drawn" (each range once an incident) or "midpoint"; the experiment file
            has it under `topology`.
    """

    start_s: Range
    at_once: Mapping[int, float]
    families: tuple[str, ...]
    never_trained: tuple[str, ...] = ()
    quantities: str = "drawn"

    @staticmethod
    def parse(data: Any, quantities: str = "drawn") -> tuple[FailurePlan | None, list[Problem]]:
        """A plan from the section's mapping; None with all problems if there are any."""
        problems: list[Problem] = []
        reader = Fields({}, problems)
        section = reader.mapping(data, (), "`failures`")
        reader.refuse_unknown(section, _PLAN_KEYS, (), "`failures`")
        start_s = _read_start(section.get("start_s"), reader)
        names = _read_families(section.get("families"), "families", reader)
        never = _read_families(section.get("never_trained"), "never_trained", reader)
        if not names:
            reader.wrong(("families",), "no families", ", ".join(drawn.FAMILIES))
        for name in sorted(set(names) & set(never)):
            reader.wrong(("never_trained",), f"`{name}` is trained too", "one of the two lists")
        at_once = _read_at_once(section.get("at_once", {1: 1.0}), reader)
        if quantities not in QUANTITIES:
            what = f"`quantities` is {shown(quantities)}"
            near = nearest(quantities, QUANTITIES)
            reader.wrong(("quantities",), what, "drawn or midpoint", near)
        if problems:
            return None, problems
        return FailurePlan(start_s, at_once, names, never, quantities), []


def _read_start(data: Any, reader: Fields) -> Range:
    """`start_s`: a range or a single value."""
    spec = FileKey("start_s", high=1e7, unit="s", may_range=True)
    if data is None:
        reader.wrong(("start_s",), "`start_s` is missing", "{between: [45, 90]}")
    value = None if data is None else reader.value(data, spec, ("start_s",))[0]
    return value if isinstance(value, Range) else Range(value or 0.0, value or 0.0)


def _read_families(data: Any, key: str, reader: Fields) -> tuple[str, ...]:
    """A list of families, each once."""
    names: list[str] = []
    for index, name in enumerate(reader.list_of(data, (key,), f"`{key}`")):
        if not isinstance(name, str) or name not in drawn.FAMILIES:
            near = nearest(str(name), drawn.FAMILIES)
            what = f"unknown family of faults {shown(name)}"
            reader.wrong((key, index), what, ", ".join(drawn.FAMILIES), near)
        elif name in names:
            reader.wrong((key, index), f"`{name}` is there twice", "each family once")
        else:
            names.append(name)
    return tuple(names)


def _read_at_once(data: Any, reader: Fields) -> dict[int, float]:
    """`at_once`: shares of incidents with one and with two faults."""
    shares: dict[int, float] = {}
    expected = "shares for 1 and 2 that sum to 1, as {1: 0.7, 2: 0.3}"
    if not isinstance(data, dict):
        reader.wrong(("at_once",), f"`at_once` is {shown(data)}", expected)
        return {1: 1.0}
    spec = FileKey("at_once", high=1.0)
    for count, share in data.items():
        if isinstance(count, bool) or count not in (1, 2):
            reader.wrong(("at_once", count), f"{shown(count)} faults at once", expected)
            continue
        shares[int(count)] = reader.scalar(share, spec, ("at_once", count)) or 0.0
    if abs(math.fsum(shares.values()) - 1.0) > 1e-9:
        reader.wrong(("at_once",), f"shares sum to {math.fsum(shares.values()):g}", expected)
    return shares


def list_incidents(plan: FailurePlan, sizes: SplitSizes) -> list[IncidentId]:
    """All incidents of an experiment; see `split.list_incidents`."""
    return _list_incidents(plan.families, plan.never_trained, sizes)


def untargetable(scenario: Scenario, plan: FailurePlan) -> list[Problem]:
    """A problem for each family of the plan that finds nothing to strike in the system."""
    return [
        _no_target(scenario, family)
        for family in (*plan.families, *plan.never_trained)
        if not _targets(scenario, family)
    ]


def draw_failures(
    scenario: Scenario, failures: FailurePlan, split: str, family: str, index: int, seed: str
) -> Scenario:
    """One incident: the scenario without ranges, its faults drawn and in place.

    Faults that the scenario's file holds already stay; `IncidentId(...).seed(seed)` is the seed
    for its engine.

    Raises:
        ScenarioError: nothing in the system can suffer a fault of this family.
    """
    incident = IncidentId(split, family, index)

    def u(purpose: str) -> float:
        return keyed_uniform(seed, incident, purpose)

    if failures.quantities == "drawn":
        concrete = scenario.drawn(lambda path: u(f"quantity {path}"))
    else:
        concrete = scenario.midpoint()
    if not _targets(concrete, family):
        raise ScenarioError([_no_target(concrete, family)], None)
    first = _draw_fault(concrete, failures, family, None, lambda name: u(f"first {name}"))
    faults = [first]
    if u("at once") >= failures.at_once.get(1, 0.0):
        second = _second_family(concrete, failures, first, u("second family"))
        if second:
            faults.append(
                _draw_fault(concrete, failures, second, first, lambda name: u(f"second {name}"))
            )
    return replace(concrete, faults=(*concrete.faults, *faults))


def _second_family(scenario: Scenario, failures: FailurePlan, first: Fault, u: float) -> str:
    """Another trained family that still finds a target, or "" where there is none."""
    others = sorted(name for name in failures.families if name != first.kind)
    able = [name for name in others if _without(_targets(scenario, name), first)]
    return _pick(able, u) if able else ""


def _draw_fault(
    scenario: Scenario, failures: FailurePlan, family: str, taken: Fault | None, u: Uniform
) -> Fault:
    """One fault of a family, not on the target of another."""
    target = _pick(_without(_targets(scenario, family), taken), u("target"))
    start_s = failures.start_s.at(u("start"))
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
        struck = _struck(component.replicas, u("replicas"))
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


def _struck(replicas: int, u: float) -> int:
    """How many replicas are struck: one, half of them, or all."""
    if u < drawn.ONE_REPLICA:
        return 1
    if u < drawn.ONE_REPLICA + drawn.HALF_OF_THEM:
        return (replicas + 1) // 2
    return replicas


def _targets(scenario: Scenario, family: str) -> Sequence[Target]:
    """What a family may strike, in the order of names: only what the load reaches."""
    kind = FAULT_KINDS[family]
    reached = reachable(scenario)
    if kind.target == EDGE:
        return sorted((e.caller, e.callee) for e in scenario.edges if e.caller in reached)
    if kind.target == COMPONENT:
        able = (scenario.components[name] for name in sorted(reached))
        return [c.name for c in able if family != "memory_leak" or c.memory_limit_mb > c.memory_mb]
    return sorted({load.entry for load in scenario.workload})


def _without(targets: Iterable[Target], taken: Fault | None) -> list[Target]:
    """Targets other than the one that is struck already."""
    struck = (taken.component, taken.edge) if taken is not None else ()
    return [target for target in targets if target not in struck]


def _pick(choices: list[Any], u: float) -> Any:
    return choices[int(u * len(choices))]


def _no_target(scenario: Scenario, family: str) -> Problem:
    """Why a family cannot be drawn."""
    need = {
        COMPONENT: "a component that the load reaches",
        EDGE: "an edge between two components that the load reaches",
    }.get(FAULT_KINDS[family].target, "a workload")
    if family == "memory_leak":
        need += ", with `memory_limit_mb` above `memory_mb`"
    what = f"nothing in `{scenario.name}` can suffer a {family} fault"
    return Problem(("failures", "families"), what, need)
