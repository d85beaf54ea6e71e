"""Faults asked for in a command: `crash:payment`, `latency:cart->store:added_ms=800`.

Each becomes an entry of the scenario's `faults`, and is read, checked and refused as one. Only
what a question leaves open is filled in here: when it starts, and what ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hms.documents import Document, Problem
from hms.errors import ScenarioError
from hms.scenarios.fault_kinds import EDGE, FAULT_KINDS, FaultKind

OPTION = "--fault"
FORM = "KIND:COMPONENT[:start_s=60,duration_s=60,key=value,…], or KIND:CALLER->CALLEE[:…]"
START_S = 60.0
DURATION_S = 60.0
LATEST_SHARE = 1.0 / 3.0  # of the horizon: what follows is to be seen, too
HORIZON_S = 300.0


def with_faults(data: Any, asked: list[Document]) -> Any:
    """The mapping of a scenario file with the faults of these documents added."""
    if not isinstance(data, dict) or not isinstance(data.get("faults") or [], list):
        return data  # whoever reads it says what is wrong with it
    own = [fault for document in asked for fault in document.data["faults"]]
    return {**data, "faults": [*(data.get("faults") or []), *own]} if own else data


def fault_document(text: str, scenario: Any) -> Document:
    """The fault that an option asks for, as a document that adds it to a scenario.

    Args:
        text: as `FORM`.
        scenario: the mapping of the scenario file, for its horizon.

    Raises:
        ScenarioError: the text has another form.
    """
    file = f"{OPTION} {text}"
    name, target, settings = _parts(text, file)
    horizon_s = scenario.get("horizon_s") if isinstance(scenario, dict) else None
    if isinstance(horizon_s, bool) or not isinstance(horizon_s, int | float):
        horizon_s = HORIZON_S
    kind = FAULT_KINDS.get(name)
    on_edge = kind is not None and kind.target == EDGE
    struck: dict[str, Any] = {"edge" if on_edge else "component": target}
    if "replicas" in settings:
        struck["replicas"] = settings.pop("replicas")
    entry = {
        "kind": name,
        "target": {key: value for key, value in struck.items() if value != ""},
        "start_s": min(START_S, horizon_s * LATEST_SHARE),
        **(_ending(kind, settings) if kind is not None else {}),
        **settings,
    }
    # the option has no lines; that it holds this entry is how its mistakes are told as its own
    return Document({"faults": [entry]}, file, {("faults", 0): 0})


def _ending(kind: FaultKind, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What ends the fault where the question leaves it open: an act if one can, else time."""
    given = {"until", "duration_s", "heals_itself", "mtbf_s"} & settings.keys()
    if given or kind.instant:
        return {}
    return {"until": kind.ends[0]} if kind.ends else {"duration_s": DURATION_S}


def _parts(text: str, file: str) -> tuple[str, Any, dict[str, Any]]:
    """Kind, target ("" for none) and settings."""
    name, *rest = [part.strip() for part in text.split(":")]
    target = rest.pop(0) if rest and "=" not in rest[0] else ""
    if len(rest) > 1 or not name or not (target or rest):
        raise ScenarioError([Problem((), "not the form of a fault", FORM)], file)
    settings: dict[str, Any] = {}
    for item in filter(None, rest[0].split(",") if rest else ()):
        key, is_given, value = (part.strip() for part in item.partition("="))
        if not (key and is_given and value) or key in ("kind", "target"):
            raise ScenarioError([Problem((), f"`{item}` is no setting of a fault", FORM)], file)
        if key in settings:
            raise ScenarioError([Problem((), f"`{key}` is there twice", FORM)], file)
        settings[key] = _value(value)
    return name, target, settings


def _value(text: str) -> bool | int | float | str:
    """A value as a scenario file would hold it."""
    if text in ("true", "false"):
        return text == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
