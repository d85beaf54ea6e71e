"""A fault in words: `hang of cartservice, 1 of 3 replicas, until a restart`."""

from __future__ import annotations

import math

from hms.scenarios.fault_kinds import FAULT_KINDS
from hms.scenarios.model import Fault, Scenario

ENDINGS = {"restart": "until a restart", "roll_back": "until it is rolled back"}


def struck(fault: Fault) -> str:
    """What the fault strikes: a component, an edge, or the load."""
    if fault.edge is not None:
        return " -> ".join(fault.edge)
    if fault.selector is not None:
        asked = fault.selector
        found = {"kind": asked.kind, "zone": asked.zone, "version": asked.version}
        if asked.label is not None:
            found[asked.label[0]] = asked.label[1]
        return "all of " + ", ".join(f"{key} {value}" for key, value in found.items() if value)
    if fault.faults:
        return ", ".join(short_text(part) for part in fault.faults)
    return fault.component or "all load"


def short_text(fault: Fault) -> str:
    """`hang cartservice`, for a label in a picture."""
    return f"{fault.kind.replace('_', ' ')} {struck(fault)}"


def full_text(fault: Fault, scenario: Scenario) -> str:
    """Kind, target, how many replicas, how bad, how long."""
    parts = [f"{fault.kind.replace('_', ' ')} of {struck(fault)}"]
    if fault.component is not None and fault.component in scenario.components:
        replicas = scenario.components[fault.component].replicas
        if fault.replicas and replicas > 1:
            parts.append(f"{fault.replicas} of {replicas} replicas")
        elif replicas > 1 and fault.kind != "load_spike":
            parts.append(f"all {replicas} replicas")
    parts += _magnitudes(fault)
    if math.isfinite(fault.duration_s):
        parts.append(f"for {fault.duration_s:.0f} s")
    elif fault.until:
        parts.append(ENDINGS[fault.until])
    return ", ".join(parts)


def end_s(fault: Fault) -> float:
    """When it ends by itself; inf where only an act ends it."""
    return fault.start_s + fault.duration_s


def _magnitudes(fault: Fault) -> list[str]:
    """The parameters that say how bad it is, with units."""
    kind = FAULT_KINDS.get(fault.kind)
    specs = {key.field: key for key in kind.parameters} if kind is not None else {}
    units = {name: spec.unit for name, spec in specs.items()}
    texts = []
    for name, value in fault.parameters.items():
        if name in specs and value == specs[name].default == 0.0:
            continue
        words = name.removesuffix("_s").removesuffix("_mb_per").replace("_", " ")
        if name == "restarts_by_itself":
            texts.append("which the platform can restart" if value else "which needs healing")
        elif "share" in name:
            texts.append(f"{words.replace(' share', 's')} {value:.0%}" if value else "")
        elif name.endswith("factor"):
            texts.append(f"{words.replace('factor', '').strip()} ×{value:.3g}".strip())
        elif name.endswith("_s") and not name.endswith("_per_s"):
            texts.append(f"{words} {value:.3g} s")
        else:
            texts.append(f"{value:.3g} {units.get(name, '')}".strip())
    return [text for text in texts if text]
