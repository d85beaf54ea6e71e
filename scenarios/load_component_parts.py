"""Reads what a component holds of its own: labels, groups of replicas, endpoints, a cache."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hms.documents import nearest
from hms.scenarios.file_keys import (
    CACHE_KEYS,
    COMPONENT_PARTS,
    ENDPOINT_KEYS,
    GROUP_KEYS,
    ID_PATTERN,
    FileKey,
)
from hms.scenarios.model import Cache, Component, Edge, Endpoint, Group
from hms.scenarios.read_fields import Fields, Path, shown

_CALLS = FileKey("calls", high=1e4)
MOST_PARTS = 100
"""Groups, endpoints and labels of one component."""


def read_parts(fields: Mapping[str, Any], path: Path, reader: Fields) -> dict[str, Any]:
    """The parts that a component's mapping gives, by model field."""
    readers = {
        "labels": _read_labels,
        "groups": _read_groups,
        "endpoints": _read_endpoints,
        "cache": _read_cache,
    }
    return {
        key: readers[key](fields[key], (*path, key), reader)
        for key in COMPONENT_PARTS
        if key in fields
    }


def _named(node: Any, path: Path, reader: Fields) -> dict[str, Any]:
    """A mapping of parts whose names may serve as ids."""
    found = reader.mapping(node, path, f"`{path[-1]}`")
    if len(found) > MOST_PARTS:
        reader.wrong(path, f"`{path[-1]}` has {len(found)} entries", f"at most {MOST_PARTS}")
        return {}
    for name in found:
        if not re.fullmatch(ID_PATTERN, name):
            expected = "1 to 64 of letters, digits, `_`, `.`, `-`"
            reader.wrong((*path, name), f"name {shown(name)} cannot be used", expected)
    return found


def _read_labels(node: Any, path: Path, reader: Fields) -> dict[str, str]:
    """`labels: {tier: web}`."""
    labels: dict[str, str] = {}
    for key, value in reader.mapping(node, path, "`labels`").items():
        if not isinstance(value, str) or len(value) > 500:
            reader.wrong((*path, key), f"label `{key}` is {shown(value)}", "a text")
            continue
        labels[key] = value
    return labels


def _read_groups(node: Any, path: Path, reader: Fields) -> dict[str, Group]:
    """`groups: {a: {replicas: 2, zone: eu-a}}`."""
    groups: dict[str, Group] = {}
    for name, item in _named(node, path, reader).items():
        at = (*path, name)
        fields = reader.mapping(item, at, f"group `{name}`")
        reader.refuse_unknown(fields, GROUP_KEYS, at, f"group `{name}`")
        if "replicas" not in fields:
            reader.wrong(at, f"group `{name}` has no `replicas`", "`replicas`")
        groups[name] = Group(**{"replicas": 1} | reader.fields(fields, GROUP_KEYS, at)[0])
    return groups


def _read_endpoints(node: Any, path: Path, reader: Fields) -> dict[str, Endpoint]:
    """`endpoints: {home: {weight: 3, calls: {stock: 2}}}`."""
    endpoints: dict[str, Endpoint] = {}
    for name, item in _named(node, path, reader).items():
        at = (*path, name)
        fields = reader.mapping(item, at, f"endpoint `{name}`")
        reader.refuse_unknown(fields, (*ENDPOINT_KEYS, "calls"), at, f"endpoint `{name}`")
        values = reader.fields(fields, ENDPOINT_KEYS, at)[0]
        calls: dict[str, float] = {}
        for callee, count in reader.mapping(fields.get("calls"), (*at, "calls"), "`calls`").items():
            value = reader.scalar(count, _CALLS, (*at, "calls", callee))
            calls[callee] = float(value or 0.0)
        endpoints[name] = Endpoint(values.get("weight", 1.0), calls)
    return endpoints


def _read_cache(node: Any, path: Path, reader: Fields) -> Cache | None:
    """`cache: {backing: db, hit_rate: 0.9, keys: 1000}`."""
    fields = reader.mapping(node, path, "`cache`")
    reader.refuse_unknown(fields, CACHE_KEYS, path, "`cache`")
    if not isinstance(fields.get("backing"), str):
        reader.wrong(path, "`cache` has no `backing`", "the callee asked on a miss")
        return None
    return Cache(**reader.fields(fields, CACHE_KEYS, path)[0])


def replicas_of_groups(values: dict[str, Any], path: Path, reader: Fields) -> None:
    """A component with groups has as many replicas as they have together."""
    groups = values.get("groups")
    if not groups:
        return
    together = sum(group.replicas for group in groups.values())
    if values.get("replicas", together) != together:
        what = f"`replicas` is {values['replicas']}, the groups have {together}"
        reader.wrong((*path, "groups"), what, "the same, or no `replicas`")
    values["replicas"] = together


def check_parts(
    components: Mapping[str, Component], edges: Mapping[str, Edge], reader: Fields
) -> None:
    """Endpoints and caches name callees that the component has."""
    callees: dict[str, set[str]] = {}
    for name, edge in edges.items():
        caller = components.get(edge.caller)
        if edge.mode == "publish" and caller is not None and caller.kind == "client":
            what = f"`{edge.caller}` is a client, which waits for answers"
            reader.wrong(("edges", name, "mode"), what, "sequential")
        callees.setdefault(edge.caller, set()).add(edge.callee)
    for name, component in components.items():
        own = callees.get(name, set())
        path: Path = ("components", name)
        for endpoint, route in component.endpoints.items():
            for callee in route.calls:
                _check_callee(callee, name, own, (*path, "endpoints", endpoint, "calls"), reader)
        if component.cache is not None:
            _check_callee(component.cache.backing, name, own, (*path, "cache"), reader)


def _check_callee(callee: str, name: str, own: set[str], path: Path, reader: Fields) -> None:
    if callee not in own:
        near = nearest(callee, own)
        reader.wrong(path, f"no edge `{name} -> {callee}`", "that edge under `edges`", near)
