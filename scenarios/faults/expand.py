"""Broad faults to plain ones: each on one component or edge, at one time, at one strength.

A selector becomes a fault for each component that it finds, a random one a fault for each time it
strikes, a composite its parts. What is drawn is a hash of the fault's seed, its place in the file
and what the number is for: neither the order of components nor another fault moves a draw.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from hms.documents import Problem
from hms.errors import ScenarioError
from hms.scenarios.added import added_faults
from hms.scenarios.fault_kinds import COMPONENT, EDGE, FAULT_KINDS, OURS, at_level
from hms.scenarios.fault_model import COMPOSITE, Fault, Selector
from hms.scenarios.model import Component, Scenario

MOST_TIMES = 10_000
MOST_PLAIN = 20_000
"""Plain faults of one scenario."""


def plain_faults(scenario: Scenario) -> tuple[Fault, ...]:
    """The scenario's faults as an engine runs them, by start, ties in the file's order.

    Each has `component` (with `replicas`, 0 for all, and `group`) or `edge`, or neither (all of
    the load); its parameters are those of full strength, reached after `ramp_s`.

    Raises:
        ScenarioError: they are more than `MOST_PLAIN`; no scenario that was read has so many.
    """
    found = list(islice(_plain(scenario), MOST_PLAIN + 1))
    if len(found) > MOST_PLAIN:
        what = "the faults together strike too often"
        raise ScenarioError([Problem(("faults",), what, f"at most {MOST_PLAIN:,} times")], None)
    return tuple(sorted(found, key=lambda fault: fault.start_s))


def strikes_too_often(scenario: Scenario) -> bool:
    """Whether its broad faults become more plain ones than an engine takes."""
    if all(f.selector is None and f.mtbf_s <= 0.0 and not f.faults for f in scenario.faults):
        return False
    return sum(1 for _ in islice(_plain(scenario), MOST_PLAIN + 1)) > MOST_PLAIN


def _plain(scenario: Scenario) -> Iterator[Fault]:
    """Plain faults in the file's order."""
    found: dict[Selector, list[str]] = {}
    for index, fault in enumerate(scenario.faults):
        key = f"{fault.seed}/{index}"
        for number, part in enumerate(_parts(fault)):
            for time in _times(part, f"{key}/{number}", scenario.horizon_s):
                for place in _places(time, f"{key}/{number}", scenario, found):
                    if place.start_s < scenario.horizon_s:
                        yield _at_full(place)


def selected(selector: Selector, component: Component) -> bool:
    """Whether a selector finds a component, or a group of its replicas."""
    if component.kind == "client" or selector.kind not in ("", component.kind):
        return False
    if selector.label is not None:
        key, value = selector.label
        if component.labels.get(key) != value:
            return False
    return bool(_groups(selector, component))


def _groups(selector: Selector, component: Component) -> list[str]:
    """The groups of replicas in the zone and of the version asked for; [""]: all replicas."""

    def fits(zone: str, version: str) -> bool:
        return selector.zone in ("", zone) and selector.version in ("", version)

    if not component.groups:
        return [""] if fits(component.zone, component.version) else []
    names = [
        name
        for name, group in sorted(component.groups.items())
        if fits(group.zone or component.zone, group.version or component.version)
    ]
    return [""] if len(names) == len(component.groups) else names


def _parts(fault: Fault) -> Iterator[Fault]:
    """A composite's faults at their own times, an added kind's parts; any other fault itself."""
    if fault.kind not in OURS and fault.kind in added_faults():
        yield from added_faults()[fault.kind].parts(fault)
        return
    if fault.kind != COMPOSITE:
        yield fault
    for part in fault.faults:
        yield replace(part, start_s=fault.start_s + part.start_s)


def _times(fault: Fault, key: str, horizon_s: float) -> Iterator[Fault]:
    """A random fault each time that it strikes; any other once."""
    if fault.mtbf_s <= 0.0:
        yield fault
        return
    at_s = fault.start_s
    end_s = min(horizon_s, fault.start_s + fault.duration_s)
    for time in range(MOST_TIMES):
        at_s += _exponential(fault.mtbf_s, f"{key}/fails/{time}")
        if at_s >= end_s:
            return
        lasts_s = min(_exponential(fault.mttr_s, f"{key}/mends/{time}"), end_s - at_s)
        yield replace(fault, start_s=at_s, duration_s=lasts_s, mtbf_s=0.0, mttr_s=0.0)
        at_s += lasts_s


def _places(
    fault: Fault, key: str, scenario: Scenario, found: dict[Selector, list[str]]
) -> Iterator[Fault]:
    """One fault for each component, group and edge that it strikes."""
    if _target(fault) == EDGE and fault.edge is None:
        yield from _edges(fault, key, scenario, found)
        return
    if fault.selector is None:
        yield _counted(fault, scenario)
        return
    for name in _names(fault.selector, key, scenario, found):
        start_s = fault.start_s + _spread(fault, f"{key}/{name}")
        for group in _groups(fault.selector, scenario.components[name]):
            struck = replace(
                fault, component=name, group=group, selector=None, start_s=start_s, spread_s=0.0
            )
            yield _counted(struck, scenario)


def _target(fault: Fault) -> str:
    """What its kind strikes; a kind that only tests of an engine use strikes components."""
    kind = FAULT_KINDS.get(fault.kind)
    return kind.target if kind is not None else COMPONENT


def _edges(
    fault: Fault, key: str, scenario: Scenario, found: dict[Selector, list[str]]
) -> Iterator[Fault]:
    """One fault for each edge to the components struck."""
    names = {fault.component}
    if fault.selector is not None:
        names = set(_names(fault.selector, key, scenario, found))
    struck = [edge for edge in scenario.edges if edge.callee in names]
    for edge in sorted(struck, key=lambda edge: edge.name):
        yield replace(
            fault, component=None, selector=None, edge=(edge.caller, edge.callee), spread_s=0.0,
            start_s=fault.start_s + _spread(fault, f"{key}/{edge.callee}"),
        )  # fmt: skip


def _names(
    selector: Selector, key: str, scenario: Scenario, found: dict[Selector, list[str]]
) -> list[str]:
    """The components a selector finds, in the order of names; of them those picked."""
    if selector not in found:
        parts = scenario.components.items()
        found[selector] = sorted(name for name, part in parts if selected(selector, part))
    names = found[selector]
    if not 0 < selector.pick < len(names):
        return names
    lot = sorted(names, key=lambda name: (_uniform(f"{key}/pick/{name}"), name))
    return sorted(lot[: selector.pick])


def _counted(fault: Fault, scenario: Scenario) -> Fault:
    """A share of the replicas as their number."""
    component = scenario.components.get(fault.component or "")
    if component is None or _target(fault) != COMPONENT:
        return fault
    group = component.groups.get(fault.group)
    most = group.replicas if group else component.replicas
    count = math.ceil(fault.share * most - 1e-9) if fault.share > 0.0 else fault.replicas
    return replace(fault, replicas=0 if count >= most else count, share=0.0)


def _at_full(fault: Fault) -> Fault:
    """The fault with its magnitude worked into its parameters."""
    if fault.magnitude == 1.0:
        return fault
    parameters = at_level(fault.kind, dict(fault.parameters), fault.magnitude)
    return replace(fault, parameters=parameters, magnitude=1.0)


def _spread(fault: Fault, key: str) -> float:
    return round(fault.spread_s * _uniform(f"{key}/spread"), 3) if fault.spread_s > 0.0 else 0.0


def _exponential(mean_s: float, key: str) -> float:
    """A time of this mean, whole milliseconds and at least one tick: no bit of a libm shows."""
    return max(0.1, round(-mean_s * math.log(1.0 - _uniform(key)), 3))


def _uniform(key: str) -> float:
    """A number in [0, 1) with 53 random bits that depends on the key alone."""
    digest = hashlib.blake2b(key.encode(), digest_size=8, person=b"hms-fault").digest()
    return (int.from_bytes(digest, "big") >> 11) * 2.0**-53
