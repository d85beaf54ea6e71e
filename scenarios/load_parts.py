"""Reads the sections `components` and `edges` of a scenario file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hms.agents.policy.healing_policy import HealingPolicy
from hms.documents import Problem, nearest
from hms.scenarios.file_keys import (
    COMPONENT_KEYS,
    COMPONENT_PARTS,
    COMPONENT_TODAY,
    EDGE_KEYS,
    EDGE_TODAY,
    ID_PATTERN,
    PROBE_KEYS,
    PROBES,
)
from hms.scenarios.load_component_parts import read_parts, replicas_of_groups
from hms.scenarios.model import ITSELF, Component, Edge, Origin, Probe
from hms.scenarios.read_fields import Fields, Path, shown

_OWN = ("from", "sure")
_COMPONENT_KNOWN = (*COMPONENT_KEYS, *PROBES, "probe", *COMPONENT_PARTS, *COMPONENT_TODAY, *_OWN)
_EDGE_KNOWN = (*EDGE_KEYS, *EDGE_TODAY, *_OWN)


@dataclass(slots=True)
class _Part:
    """What one mapping said: values by model field, origins by file key, the file keys."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def on_top_of(self, base: _Part) -> _Part:
        """Both together; a value here drops the base's origin with the base's value."""
        kept = {key: origin for key, origin in base.origins.items() if key not in self.keys}
        today = base.values.get("today", {}) | self.values.get("today", {})
        values = base.values | self.values | {"today": today}
        return _Part(values, kept | self.origins, base.keys | self.keys)


def read_components(data: Any, defaults: Any, reader: Fields) -> dict[str, Component]:
    """The `components` section. `defaults` do not hold for clients: they have no CPU."""
    base = _read_component(defaults, ("defaults", "component"), "`defaults: component`", reader)
    components: dict[str, Component] = {}
    for name, node in reader.mapping(data, ("components",), "`components`").items():
        path = ("components", name)
        if not re.fullmatch(ID_PATTERN, name):
            expected = "1 to 64 of letters, digits, `_`, `.`, `-`"
            reader.wrong(path, f"component name {shown(name)} cannot be used", expected)
        part = _read_component(node, path, f"component `{name}`", reader)
        replicas_of_groups(part.values, path, reader)
        if part.values.get("kind") != "client":
            part = part.on_top_of(base)
        replicas_of_groups(part.values, path, reader)
        components[name] = Component(name, **part.values, origins=part.origins)
    return components


def _read_component(data: Any, path: Path, where: str, reader: Fields) -> _Part:
    """What one component says itself."""
    fields = reader.mapping(data, path, where)
    reader.refuse_unknown(fields, _COMPONENT_KNOWN, path, where)
    part = _Part(*reader.fields(fields, COMPONENT_KEYS, path), set(fields))
    if "probe" in fields and (set(PROBES) & fields.keys()):
        what = f"{where} has `probe` (both at once) and one of {', '.join(PROBES)}"
        reader.wrong((*path, "probe"), what, "`probe` alone, or the others alone")
    for key in (*PROBES, "probe"):
        if key in fields:
            probe, origin = _read_probe(fields[key], (*path, key), reader)
            names = PROBES if key == "probe" else (key,)
            part.keys.update(names)
            part.values.update(dict.fromkeys(names, probe))
            part.origins.update(dict.fromkeys(names, origin) if origin is not None else {})
    part.values |= read_parts(fields, path, reader)
    _read_today(fields, COMPONENT_TODAY, path, part, reader)
    _read_itself(fields, path, part, reader)
    return part


def _read_itself(fields: Mapping[str, Any], path: Path, part: _Part, reader: Fields) -> None:
    """Where the component or edge itself came from."""
    origin = reader.origin(fields, path)
    if origin is not None:
        part.origins[ITSELF] = origin
        part.keys.add(ITSELF)


def _read_probe(node: Any, path: Path, reader: Fields) -> tuple[Probe | None, Origin | None]:
    """A probe; the word `none` takes away a default one."""
    if node == "none":
        return None, None
    fields = reader.mapping(node, path, f"`{path[-1]}`")
    reader.refuse_unknown(fields, (*PROBE_KEYS, *_OWN), path, f"`{path[-1]}`")
    if "kind" not in fields:
        reader.wrong(path, f"`{path[-1]}` has no `kind`", PROBE_KEYS["kind"].expected)
    values, _ = reader.fields(fields, PROBE_KEYS, path)
    return Probe(**({"kind": "http"} | values)), reader.origin(fields, path)


def _read_today(
    fields: Mapping[str, Any],
    groups: tuple[str, ...],
    path: Path,
    part: _Part,
    reader: Fields,
) -> None:
    """Today's settings: groups of a policy, checked by the policy's own reader."""
    today: dict[str, Any] = {}
    for group in groups:
        if group not in fields:
            continue
        settings = fields[group]
        if not isinstance(settings, dict):
            what = f"`{group}` is {shown(settings)}"
            expected = f"settings of the policy's group `{group}`"
            near = nearest(f"{group}_", EDGE_KEYS)
            reader.wrong((*path, group), what, expected, near)
            continue
        origin = reader.origin(settings, (*path, group))
        if origin is not None:
            part.origins[group] = origin
        today[group] = {key: value for key, value in settings.items() if key not in _OWN}
    if not today:
        return
    part.values["today"] = today
    _, found = HealingPolicy.parse({"schema": "hms.policy/1", **today})
    for problem in found:
        at, name = (*path, *problem.path), ".".join(map(str, problem.path))
        what = f"`{name}`: {problem.what}"
        reader.problems.append(Problem(at, what, problem.expected, problem.nearest))


def read_edges(
    data: Any, defaults: Any, components: Mapping[str, Component], reader: Fields
) -> dict[str, Edge]:
    """The `edges` section, by `caller -> callee`."""
    base = _read_edge(defaults, ("defaults", "edge"), "`defaults: edge`", reader)
    edges: dict[str, Edge] = {}
    for text, node in reader.mapping(data, ("edges",), "`edges`").items():
        path = ("edges", text)
        own = _read_edge(node, path, f"edge `{text}`", reader)
        ends = edge_ends(text)
        if ends is None:
            reader.wrong(path, f"edge {shown(text)} cannot be read", "caller -> callee")
            continue
        _check_ends(ends, path, components, reader)
        part = own.on_top_of(base)
        edge = Edge(*ends, **part.values, origins=part.origins)
        if edge.name in edges:
            reader.wrong(path, f"edge `{edge.name}` is there twice", "one entry for each edge")
        edges[edge.name] = edge
    return edges


def edge_ends(text: Any) -> tuple[str, str] | None:
    """Caller and callee of `caller -> callee`, None if it has another form."""
    pattern = rf"\s*({ID_PATTERN}?)\s*->\s*({ID_PATTERN})\s*"
    match = re.fullmatch(pattern, text) if isinstance(text, str) else None
    return (match[1], match[2]) if match else None


def _read_edge(data: Any, path: Path, where: str, reader: Fields) -> _Part:
    """What one edge says itself."""
    fields = reader.mapping(data, path, where)
    reader.refuse_unknown(fields, _EDGE_KNOWN, path, where)
    part = _Part(*reader.fields(fields, EDGE_KEYS, path), set(fields))
    _read_today(fields, EDGE_TODAY, path, part, reader)
    _read_itself(fields, path, part, reader)
    return part


def _check_ends(
    ends: tuple[str, str], path: Path, components: Mapping[str, Component], reader: Fields
) -> None:
    """Problems for an edge from or to nowhere, to a client, or to itself."""
    for role, name in zip(("from", "to"), ends, strict=True):
        if name not in components:
            what = f"edge {role} nowhere: there is no component `{name}`"
            reader.wrong(path, what, "a component", nearest(name, components))
    if ends[1] in components and components[ends[1]].kind == "client":
        reader.wrong(path, f"`{ends[1]}` is a client, which nobody calls", "another callee")
    if ends[0] == ends[1]:
        reader.wrong(path, f"`{ends[0]}` calls itself", "two different components")
