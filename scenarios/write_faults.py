"""Writes one fault as a scenario file says it; parameters in the file's units."""

from __future__ import annotations

import math
from typing import Any

from hms.scenarios.fault_kinds import COMPONENT, EDGE, FAULT_KINDS
from hms.scenarios.fault_model import COMPOSITE, Fault
from hms.scenarios.file_keys import SWITCH
from hms.scenarios.write_values import in_file, tidy

Entry = dict[str, Any]


def fault_entry(fault: Fault) -> Entry:
    """One fault; what is as its default is left out."""
    if fault.kind == COMPOSITE:
        parts = [fault_entry(part) for part in fault.faults]
        return {"kind": COMPOSITE, "start_s": tidy(fault.start_s), "faults": parts}
    kind = FAULT_KINDS[fault.kind]
    target = _target(fault)
    entry: Entry = {"kind": fault.kind} | ({"target": target} if target else {})
    entry["start_s"] = tidy(fault.start_s)
    if not kind.instant:
        entry |= _ending(fault)
    plain = Fault(fault.kind)
    for key in ("ramp_s", "magnitude", "spread_s", "mtbf_s", "mttr_s", "seed"):
        if getattr(fault, key) != getattr(plain, key):
            entry[key] = tidy(getattr(fault, key))
    for spec in kind.parameters:
        value = fault.parameters.get(spec.field, spec.default)
        entry[spec.key] = bool(value) if spec.kind == SWITCH else in_file(value, spec)
    return entry


def _ending(fault: Fault) -> Entry:
    """What ends it."""
    entry: Entry = {}
    if fault.until:
        entry["until"] = fault.until
    if math.isfinite(fault.duration_s):
        entry["duration_s"] = tidy(fault.duration_s)
    if len(entry) == 2:
        entry["heals_itself"] = True
    if not entry and fault.mtbf_s <= 0.0:
        entry["heals_itself"] = False
    return entry


def _target(fault: Fault) -> Entry:
    """What it strikes."""
    target: Entry = {}
    of_edges = FAULT_KINDS[fault.kind].target == EDGE
    if fault.edge is not None:
        target["edge"] = " -> ".join(fault.edge)
    if fault.component is not None:
        target["callee" if of_edges else "component"] = fault.component
    if fault.selector is not None:
        found = {key: getattr(fault.selector, key) for key in ("kind", "zone", "version", "pick")}
        target |= {key: value for key, value in found.items() if value}
        if fault.selector.label is not None:
            target["label"] = dict([fault.selector.label])
    if FAULT_KINDS[fault.kind].target == COMPONENT:
        found = {"group": fault.group, "replicas": fault.replicas, "share": tidy(fault.share)}
        target |= {key: value for key, value in found.items() if value}
    return target
