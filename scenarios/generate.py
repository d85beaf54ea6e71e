"""Draws concrete failures of a system: what breaks, where, when and how badly.

Every draw is keyed by (seed, split, family, index, purpose) through a hash, never taken from a
stream: process, order of work and Python's own hash seed change nothing, and a new draw moves
no other. How large faults are is in `families.py`, what they mean in docs/scenario-format.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hms.documents import Problem, nearest
from hms.errors import ScenarioError
from hms.scenarios.families import FAMILIES
from hms.scenarios.file_keys import FileKey
from hms.scenarios.generator.composed import COMPOSED, compose
from hms.scenarios.generator.single import draw_fault, no_target, pick, targets, without
from hms.scenarios.model import Fault, Range, Scenario
from hms.scenarios.read_fields import Fields, shown
from hms.scenarios.split import IncidentId, SplitSizes, keyed_uniform
from hms.scenarios.split import list_incidents as _list_incidents

EVERY_FAMILY = (*FAMILIES, *COMPOSED)
"""Names that an experiment may use."""

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
            reader.wrong(("families",), "no families", ", ".join(EVERY_FAMILY))
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
        if not isinstance(name, str) or name not in EVERY_FAMILY:
            near = nearest(str(name), EVERY_FAMILY)
            what = f"unknown family of faults {shown(name)}"
            reader.wrong((key, index), what, ", ".join(EVERY_FAMILY), near)
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
        _cannot(scenario, family)
        for family in (*plan.families, *plan.never_trained)
        if not can_strike(scenario, family)
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
    if not can_strike(concrete, family):
        raise ScenarioError([_cannot(concrete, family)], None)

    def start_s(which: str) -> float:
        return failures.start_s.at(u(f"{which} start"))

    if family in COMPOSED:
        return compose(concrete, family, start_s("first"), lambda name: u(f"first {name}"))
    first = draw_fault(
        concrete, start_s("first"), family, None, lambda name: u(f"first {name}")
    )
    faults = [first]
    if u("at once") >= failures.at_once.get(1, 0.0):
        second = _second_family(concrete, failures, first, u("second family"))
        if second:
            faults.append(
                draw_fault(
                    concrete, start_s("second"), second, first, lambda name: u(f"second {name}")
                )
            )
    return replace(concrete, faults=(*concrete.faults, *faults))


def can_strike(scenario: Scenario, family: str) -> bool:
    """Whether a family finds something to strike in the system."""
    if family in COMPOSED:
        return COMPOSED[family].can(scenario)
    return bool(targets(scenario, family))


def _cannot(scenario: Scenario, family: str) -> Problem:
    if family not in COMPOSED:
        return no_target(scenario, family)
    what = f"nothing in `{scenario.name}` can suffer a {family} failure"
    return Problem(("failures", "families"), what, COMPOSED[family].needs)


def _second_family(scenario: Scenario, failures: FailurePlan, first: Fault, u: float) -> str:
    """Another trained family that still finds a target, or "" where there is none."""
    others = sorted(name for name in failures.families if name in FAMILIES and name != first.kind)
    able = [name for name in others if without(targets(scenario, name), first)]
    return pick(able, u) if able else ""
