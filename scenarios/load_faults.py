"""Reads the section `faults` of a scenario file, by the table of kinds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hms.documents import nearest
from hms.scenarios.fault_kinds import COMPONENT, EDGE, FAULT_KINDS, FaultKind
from hms.scenarios.file_keys import INTEGER, FileKey
from hms.scenarios.load_parts import edge_ends
from hms.scenarios.model import Component, Edge, Fault, Workload
from hms.scenarios.read_fields import Fields, Path, a_or_an, shown

_START = FileKey("start_s", high=1e7, unit="s")
_DURATION = FileKey("duration_s", high=1e7, unit="s")
_STRUCK = FileKey("replicas", kind=INTEGER, high=1e6)


def read_faults(
    data: Any,
    components: Mapping[str, Component],
    edges: Mapping[str, Edge],
    workload: tuple[Workload, ...],
    horizon_s: float,
    reader: Fields,
) -> tuple[Fault, ...]:
    """The `faults` list."""
    faults: list[Fault] = []
    for index, node in enumerate(reader.list_of(data, ("faults",), "`faults`")):
        path = ("faults", index)
        fields = reader.mapping(node, path, "a fault")
        kind = FAULT_KINDS.get(str(fields.get("kind")))
        if kind is None:
            name = fields.get("kind")
            near = nearest(str(name), FAULT_KINDS)
            what = f"unknown fault kind {shown(name)}"
            reader.wrong((*path, "kind"), what, ", ".join(FAULT_KINDS), near)
            continue
        target = _read_target(fields, kind, path, components, edges, workload, reader)
        timing = _read_timing(fields, kind, path, horizon_s, reader)
        parameters = _read_magnitudes(fields, kind, path, reader)
        faults.append(Fault(kind.name, **target, **timing, parameters=parameters))
    return tuple(faults)


def _read_target(
    fields: Mapping[str, Any],
    kind: FaultKind,
    path: Path,
    components: Mapping[str, Component],
    edges: Mapping[str, Edge],
    workload: tuple[Workload, ...],
    reader: Fields,
) -> dict[str, Any]:
    """What the fault strikes: `component` and `replicas`, or `edge`."""
    at = (*path, "target")
    target = reader.mapping(fields.get("target"), at, "`target`")
    known: tuple[str, ...] = ("edge",) if kind.target == EDGE else ("component",)
    known = (*known, "replicas") if kind.target == COMPONENT else known
    reader.refuse_unknown(target, known, at, f"the target of {a_or_an(kind.name)} fault")
    if kind.target == EDGE:
        ends = edge_ends(target.get("edge"))
        if ends is None or f"{ends[0]} -> {ends[1]}" not in edges:
            near = nearest(str(target.get("edge")), edges)
            reader.wrong(at, f"no edge {shown(target.get('edge'))}", "an edge of `edges`", near)
        return {"edge": ends}
    name = target.get("component")
    if kind.target != COMPONENT:
        entries = {load.entry for load in workload}
        if name is not None and (not isinstance(name, str) or name not in entries):
            what = f"{shown(name)} is no entry of the workload"
            reader.wrong(at, what, ", ".join(sorted(entries)), nearest(str(name), entries))
        return {"component": name}
    struck = reader.scalar(target.get("replicas", 0), _STRUCK, (*at, "replicas")) or 0
    component = components.get(name) if isinstance(name, str) else None
    if component is None or component.kind == "client":
        near = nearest(str(name), components)
        what = f"no component {shown(name)} that can fail"
        reader.wrong(at, what, "one under `components`, no client", near)
    elif struck > component.replicas:
        what = f"{struck} replicas of `{name}`"
        reader.wrong((*at, "replicas"), what, f"at most its {component.replicas}, 0 for all")
    return {"component": name, "replicas": struck}


def _read_timing(
    fields: Mapping[str, Any], kind: FaultKind, path: Path, horizon_s: float, reader: Fields
) -> dict[str, Any]:
    """`start_s` and what ends the fault."""
    start_s = reader.scalar(fields.get("start_s"), _START, (*path, "start_s")) or 0.0
    if start_s >= horizon_s:
        what = f"the fault starts at {start_s:g} s"
        reader.wrong((*path, "start_s"), what, f"before the horizon of {horizon_s:g} s")
    if "duration_s" in fields and "until" in fields:
        reader.wrong(path, "the fault has `duration_s` and `until`", "one of them")
    if "duration_s" in fields and kind.may_last:
        duration_s = reader.scalar(fields["duration_s"], _DURATION, (*path, "duration_s"))
        return {"start_s": start_s, "duration_s": duration_s or 0.0}
    until = fields.get("until", kind.default_until)
    ends = [f"until: {act}" for act in kind.ends] + ["duration_s: …"] * kind.may_last
    if until not in kind.ends or "duration_s" in fields:
        what = f"what ends the {kind.name} fault is missing or wrong"
        reader.wrong(path, what, " or ".join(ends), nearest(str(until), kind.ends))
        until = ""
    return {"start_s": start_s, "duration_s": math.inf, "until": until}


def _read_magnitudes(
    fields: Mapping[str, Any], kind: FaultKind, path: Path, reader: Fields
) -> dict[str, float]:
    """The fault's parameters in SI units, defaults filled in."""
    keys = {spec.key: spec for spec in kind.parameters}
    known = ("kind", "target", "start_s", "duration_s", "until", *keys)
    reader.refuse_unknown(fields, known, path, f"{a_or_an(kind.name)} fault")
    magnitudes: dict[str, float] = {}
    for spec in kind.parameters:
        if spec.key in fields:
            value = reader.scalar(fields[spec.key], spec, (*path, spec.key))
            magnitudes[spec.name or spec.key] = float(value or 0.0)
        elif math.isnan(spec.default):
            reader.wrong(path, f"{a_or_an(kind.name)} fault needs `{spec.key}`", spec.expected)
        else:
            magnitudes[spec.field] = spec.default
    return magnitudes
