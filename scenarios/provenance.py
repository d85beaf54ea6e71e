"""Where each quantity of a scenario came from, and how sure that is.

Five levels, surest first: *stated* (somebody wrote it down: a manifest, an overlay), *measured*
(it was seen in a running system: traces), *derived* (it follows from a stated fact by a rule),
*guessed* (nobody said; a range or a rule of thumb), *default* (nobody even guessed: the file says
nothing, the model's default holds). What is written down on purpose wins over what was seen,
which may be of a bad hour; what was seen wins over what a rule expects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from typing import Any

from hms.scenarios.file_keys import COMPONENT_KEYS, EDGE_KEYS, PROBES, RATE_KEY, FileKey
from hms.scenarios.model import ITSELF, Component, Edge, Origin, Scenario, Workload

STATED = "stated"
MEASURED = "measured"
DERIVED = "derived"
GUESSED = "guessed"
DEFAULT = "default"
SURE_LEVELS = (STATED, MEASURED, DERIVED, GUESSED, DEFAULT)
"""Surest first."""


_WITH_ITSELF = (ITSELF, "kind", "protocol")


@dataclass(frozen=True, slots=True)
class Quantity:
    """One value of a scenario with its origin.

    Attributes:
        holder: `component frontend`, `edge a -> b`, `workload frontend`.
        key: as the scenario file writes it; `ITSELF` for the edge as such.
        value: in the model's units (seconds, MB, per second).
    """

    holder: str
    key: str
    value: Any
    origin: Origin


def surer(one: Origin, other: Origin) -> Origin:
    """The surer of two origins, the first where they are equally sure."""
    rank = {level: place for place, level in enumerate(SURE_LEVELS)}
    return other if rank[other.sure] < rank[one.sure] else one


def origin_of(holder: Component | Edge | Workload, key: str) -> Origin:
    """Where one value came from.

    Kind and protocol come with their component or edge. Another value without a recorded
    origin is stated by the scenario file itself, unless it is the model's default, which nobody
    stated.

    Raises:
        KeyError: there is no such key.
    """
    origin = holder.origins.get(key)
    if origin is not None:
        return origin
    if key in _WITH_ITSELF:
        return holder.origins.get(ITSELF, Origin("", 0, STATED))
    spec = _keys(holder)[key]
    default = next(f.default for f in fields(holder) if f.name == spec.field)
    same = default is not MISSING and getattr(holder, spec.field) == default
    return Origin("", 0, DEFAULT if same else STATED)


def quantities(scenario: Scenario) -> Iterator[Quantity]:
    """Every value of every component, edge and workload, in the file's order."""
    for component in scenario.components.values():
        if component.kind != "client":
            yield from _values(component, f"component {component.name}")
    for edge in scenario.edges:
        yield Quantity(f"edge {edge.name}", ITSELF, edge.name, origin_of(edge, ITSELF))
        yield from _values(edge, f"edge {edge.name}")
    for load in scenario.workload:
        yield from _values(load, f"workload {load.entry}")


def count_by_sureness(scenario: Scenario) -> dict[str, int]:
    """How many quantities are how sure, surest level first."""
    counts = Counter(quantity.origin.sure for quantity in quantities(scenario))
    return {level: counts[level] for level in SURE_LEVELS}


def place(origin: Origin, scenario: Scenario) -> str:
    """An origin as people read it: `release/manifests.yaml:111`, a rule, or `this file`."""
    source = scenario.sources.get(origin.source)
    if source is None:
        return "this file" if origin.sure != DEFAULT else "default"
    name = source.file or source.rule or origin.source
    return f"{name}:{origin.line}" if origin.line else name


def _keys(holder: Component | Edge | Workload) -> dict[str, FileKey]:
    if isinstance(holder, Component):
        return COMPONENT_KEYS | {name: FileKey(name) for name in PROBES}
    return EDGE_KEYS if isinstance(holder, Edge) else {"rate_rps": RATE_KEY}


def _values(holder: Component | Edge | Workload, name: str) -> Iterator[Quantity]:
    for key, spec in _keys(holder).items():
        yield Quantity(name, key, getattr(holder, spec.field), origin_of(holder, key))
