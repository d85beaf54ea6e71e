"""Reads the section `faults` of a scenario file, by the table of kinds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hms.documents import nearest
from hms.scenarios.fault_kinds import FAULT_KINDS, FaultKind
from hms.scenarios.fault_model import COMPOSITE
from hms.scenarios.file_keys import INTEGER, SWITCH, FileKey, table
from hms.scenarios.load_targets import Known, read_target
from hms.scenarios.model import Component, Edge, Fault, Workload
from hms.scenarios.read_fields import Fields, Path, a_or_an, shown

_START = FileKey("start_s", high=1e7, unit="s")
_DURATION = FileKey("duration_s", high=1e7, unit="s")
_HEALS = FileKey("heals_itself", kind=SWITCH)
_STRENGTH = table((FileKey("ramp_s", high=1e7, unit="s"), FileKey("magnitude", high=1.0)))
_CHANCE = table(
    (
        FileKey("spread_s", high=1e7, unit="s"),
        FileKey("mtbf_s", low=0.1, high=1e9, unit="s"),
        FileKey("mttr_s", low=0.1, high=1e9, unit="s"),
        FileKey("seed", kind=INTEGER, high=2**53),
    )
)
_TIMING = ("start_s", "duration_s", "until", "heals_itself")
MOST_FAULTS = 10_000
"""Of a file; and of what random repetition makes of one fault."""


def read_faults(
    data: Any,
    components: Mapping[str, Component],
    edges: Mapping[str, Edge],
    workload: tuple[Workload, ...],
    horizon_s: float,
    reader: Fields,
) -> tuple[Fault, ...]:
    """The `faults` list."""
    known = Known(components, edges, workload, horizon_s)
    nodes = reader.list_of(data, ("faults",), "`faults`")
    if len(nodes) > MOST_FAULTS:
        reader.wrong(("faults",), f"{len(nodes)} faults", f"at most {MOST_FAULTS}")
        return ()
    read = [_read_fault(node, ("faults", index), known, reader) for index, node in enumerate(nodes)]
    return tuple(fault for fault in read if fault is not None)


def _read_fault(
    node: Any, path: Path, known: Known, reader: Fields, part: bool = False
) -> Fault | None:
    """One fault; `part`: of a composite, which holds no other composite."""
    fields = reader.mapping(node, path, "a fault")
    if part:
        fields.setdefault("start_s", 0)  # with the composite
    name = fields.get("kind")
    if name == COMPOSITE and not part:
        return _read_composite(fields, path, known, reader)
    kind = FAULT_KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        kinds = [*FAULT_KINDS, *([] if part else [COMPOSITE])]
        near = nearest(str(name), kinds)
        reader.wrong((*path, "kind"), f"unknown fault kind {shown(name)}", ", ".join(kinds), near)
        return None
    own = {spec.key: spec for spec in kind.parameters}
    graded = tuple(_STRENGTH) if kind.graded else ()
    allowed = ("kind", "target", *_TIMING, *graded, *_CHANCE, *own)
    reader.refuse_unknown(fields, allowed, path, f"{a_or_an(kind.name)} fault")
    target = read_target(fields, kind, path, known, reader)
    drawn = reader.fields(fields, _CHANCE, path)[0]
    timing = _read_timing(fields, kind, path, known.horizon_s, reader)
    strength = reader.fields(fields, _STRENGTH, path)[0] if kind.graded else {}
    parameters = _read_magnitudes(fields, kind, path, reader)
    fault = Fault(kind.name, **target, **timing, parameters=parameters, **strength, **drawn)
    _check_chance(fault, path, known.horizon_s, reader)
    return fault


def _read_composite(
    fields: Mapping[str, Any], path: Path, known: Known, reader: Fields
) -> Fault | None:
    """Several faults as one; their times count from its start."""
    reader.refuse_unknown(fields, ("kind", "start_s", "faults"), path, "a composite fault")
    start_s = _start(fields, path, known.horizon_s, reader)
    nodes = reader.list_of(fields.get("faults"), (*path, "faults"), "`faults`")
    if not nodes or len(nodes) > MOST_FAULTS:
        what = "a composite fault needs `faults`"
        reader.wrong(path, what, f"a list of 1 to {MOST_FAULTS} faults")
        return None
    rest = replace(known, horizon_s=known.horizon_s - start_s)
    parts = [
        _read_fault(node, (*path, "faults", index), rest, reader, part=True)
        for index, node in enumerate(nodes)
    ]
    inner = tuple(part for part in parts if part is not None)
    return Fault(COMPOSITE, start_s=start_s, faults=inner)


def _start(fields: Mapping[str, Any], path: Path, horizon_s: float, reader: Fields) -> float:
    start_s = reader.scalar(fields.get("start_s"), _START, (*path, "start_s")) or 0.0
    if start_s >= horizon_s:
        what = f"the fault starts at {start_s:g} s"
        reader.wrong((*path, "start_s"), what, f"before the horizon of {horizon_s:g} s")
    return float(start_s)


def _read_timing(
    fields: Mapping[str, Any], kind: FaultKind, path: Path, horizon_s: float, reader: Fields
) -> dict[str, Any]:
    """`start_s` and what ends the fault."""
    timing: dict[str, Any] = {"start_s": _start(fields, path, horizon_s, reader)}
    heals = None
    if "heals_itself" in fields:
        heals = reader.scalar(fields["heals_itself"], _HEALS, (*path, "heals_itself"))
    if kind.instant:
        for key in ("duration_s", "until", "heals_itself"):
            if key in fields:
                what = f"a {kind.name} fault is over at once: it has no `{key}`"
                reader.wrong((*path, key), what, "`start_s` alone")
        return timing | {"duration_s": 0.0}
    lasts = "duration_s" in fields and kind.may_last
    if lasts:
        duration_s = reader.scalar(fields["duration_s"], _DURATION, (*path, "duration_s"))
        timing["duration_s"] = duration_s or 0.0
        if heals is False:
            what = "a fault with `duration_s` heals itself"
            reader.wrong((*path, "heals_itself"), what, "no `duration_s`, or true")
    if lasts and "until" not in fields:
        return timing
    if lasts and heals is not True:
        what = "the fault has `duration_s` and `until`"
        reader.wrong(path, what, "one of them, or both and `heals_itself: true`")
        return timing
    if "mtbf_s" in fields and "until" not in fields:
        return timing  # each time it lasts as long as it is drawn to
    if heals is False and "until" not in fields and not kind.default_until:
        return timing  # nothing ends it
    return timing | {"until": _until(fields, kind, path, lasts, reader)}


def _until(
    fields: Mapping[str, Any], kind: FaultKind, path: Path, lasts: bool, reader: Fields
) -> str:
    """The act that ends the fault."""
    until = fields.get("until", kind.default_until)
    ends = [f"until: {act}" for act in kind.ends] + ["duration_s: …"] * kind.may_last
    if until not in kind.ends or ("duration_s" in fields and not lasts):
        what = f"what ends the {kind.name} fault is missing or wrong"
        reader.wrong(path, what, " or ".join(ends), nearest(str(until), kind.ends))
        return ""
    return str(until)


def _check_chance(fault: Fault, path: Path, horizon_s: float, reader: Fields) -> None:
    """Random repetition and spread make sense, and are not too much."""
    if (fault.mtbf_s > 0.0) != (fault.mttr_s > 0.0):
        reader.wrong(path, "one of `mtbf_s` and `mttr_s` alone", "both")
    if fault.mtbf_s > 0.0 and fault.until:
        reader.wrong(path, "a fault with `mtbf_s` has `until`", "`mttr_s`, which ends each")
    if fault.mtbf_s > 0.0 and min(fault.duration_s, horizon_s) / fault.mtbf_s > MOST_FAULTS / 10:
        what = "it strikes too often"
        reader.wrong((*path, "mtbf_s"), what, f"at most {MOST_FAULTS // 10} times in the run")
    if fault.spread_s > 0.0 and fault.selector is None:
        expected = "a target by kind, zone, version or label"
        reader.wrong((*path, "spread_s"), "`spread_s` for a single target", expected)


def _read_magnitudes(
    fields: Mapping[str, Any], kind: FaultKind, path: Path, reader: Fields
) -> dict[str, float]:
    """The fault's parameters in SI units, defaults filled in."""
    magnitudes: dict[str, float] = {}
    for spec in kind.parameters:
        if spec.key in fields:
            value = reader.scalar(fields[spec.key], spec, (*path, spec.key))
            magnitudes[spec.field] = float(value or 0.0)
        elif math.isnan(spec.default):
            reader.wrong(path, f"{a_or_an(kind.name)} fault needs `{spec.key}`", spec.expected)
        else:
            magnitudes[spec.field] = spec.default
    return magnitudes
