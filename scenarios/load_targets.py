"""What a fault of a scenario file strikes: one thing by name, or many by kind, zone or label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hms.documents import nearest
from hms.scenarios.fault_kinds import COMPONENT, EDGE, FaultKind
from hms.scenarios.faults.expand import selected
from hms.scenarios.file_keys import INTEGER, TEXT, FileKey, table
from hms.scenarios.load_parts import edge_ends
from hms.scenarios.model import Component, Edge, Selector, Workload
from hms.scenarios.read_fields import Fields, Path, a_or_an, shown

_STRUCK = FileKey("replicas", kind=INTEGER, high=1e6)
_SHARE = FileKey("share", high=1.0)
_SELECTING = table(
    (
        FileKey("kind", kind=TEXT, choices=("service", "store", "queue")),
        FileKey("zone", kind=TEXT),
        FileKey("version", kind=TEXT),
        FileKey("pick", kind=INTEGER, low=1, high=1e4),
    )
)
_BROAD = (*_SELECTING, "label")


@dataclass(frozen=True, slots=True)
class Known:
    """What a fault may strike, and how long the run is; found: selectors that find something."""

    components: Mapping[str, Component]
    edges: Mapping[str, Edge]
    workload: tuple[Workload, ...]
    horizon_s: float
    found: dict[Selector, bool] = field(default_factory=dict)


def read_target(
    fields: Mapping[str, Any], kind: FaultKind, path: Path, known: Known, reader: Fields
) -> dict[str, Any]:
    """The fields of a fault that say what it strikes."""
    at = (*path, "target")
    target = reader.mapping(fields.get("target"), at, "`target`")
    keys = {
        COMPONENT: ("component", "group", "replicas", "share", *_BROAD),
        EDGE: ("edge", "callee", *_BROAD),
    }.get(kind.target, ("component",))
    reader.refuse_unknown(target, keys, at, f"the target of {a_or_an(kind.name)} fault")
    if kind.target == EDGE:
        return _edge_target(target, at, known, reader)
    if kind.target == COMPONENT:
        return _component_target(target, at, known, reader)
    return _load_target(target, at, known, reader)


def _load_target(
    target: Mapping[str, Any], at: Path, known: Known, reader: Fields
) -> dict[str, Any]:
    """One entry of the load, or all of it."""
    name = target.get("component")
    entries = {load.entry for load in known.workload}
    if name is not None and (not isinstance(name, str) or name not in entries):
        what = f"{shown(name)} is no entry of the workload"
        reader.wrong(at, what, ", ".join(sorted(entries)), nearest(str(name), entries))
    return {"component": name}


def _edge_target(
    target: Mapping[str, Any], at: Path, known: Known, reader: Fields
) -> dict[str, Any]:
    """An edge, all edges to a callee, or all edges to the callees that a selector finds."""
    if "callee" in target and "edge" not in target:
        name = target["callee"]
        callees = {edge.callee for edge in known.edges.values()}
        if not isinstance(name, str) or name not in callees:
            near = nearest(str(name), callees)
            reader.wrong((*at, "callee"), f"nothing calls {shown(name)}", "a callee", near)
        return {"component": name}
    if _is_broad(target) and "edge" not in target:
        return {"selector": _selector(target, at, known, reader)}
    ends = edge_ends(target.get("edge"))
    if ends is None or f"{ends[0]} -> {ends[1]}" not in known.edges:
        near = nearest(str(target.get("edge")), known.edges)
        reader.wrong(at, f"no edge {shown(target.get('edge'))}", "an edge of `edges`", near)
    elif len(target) > 1:
        others = ", ".join(f"`{key}`" for key in target if key != "edge")
        reader.wrong(at, f"the target has `edge` and {others}", "one of them")
    return {"edge": ends}


def _component_target(
    target: Mapping[str, Any], at: Path, known: Known, reader: Fields
) -> dict[str, Any]:
    """Replicas of one component, or of all that a selector finds."""
    struck = reader.scalar(target.get("replicas", 0), _STRUCK, (*at, "replicas")) or 0
    share = reader.scalar(target.get("share", 0.0), _SHARE, (*at, "share")) or 0.0
    if struck and share:
        reader.wrong((*at, "share"), "the target has `replicas` and `share`", "one of them")
    many = {"replicas": struck, "share": share}
    if _is_broad(target) and "component" not in target:
        if "group" in target:
            reader.wrong((*at, "group"), "`group` without `component`", "`zone` or `version`")
        return {"selector": _selector(target, at, known, reader)} | many
    name = target.get("component")
    component = known.components.get(name) if isinstance(name, str) else None
    if component is None or component.kind == "client":
        near = nearest(str(name), known.components)
        what = f"no component {shown(name)} that can fail"
        reader.wrong(at, what, "one under `components`, no client", near)
        return {"component": name} | many
    if _is_broad(target):
        others = ", ".join(f"`{key}`" for key in target if key in _BROAD)
        reader.wrong(at, f"the target has `component` and {others}", "one of them")
    group = _group(target, component, at, reader)
    most = component.groups[group].replicas if group else component.replicas
    if struck > most:
        what = f"{struck} replicas of `{name}`"
        reader.wrong((*at, "replicas"), what, f"at most its {most}, 0 for all")
    return {"component": name, "group": group} | many


def _group(target: Mapping[str, Any], component: Component, at: Path, reader: Fields) -> str:
    """The group of replicas named, "" for none."""
    group = target.get("group", "")
    if group == "" or (isinstance(group, str) and group in component.groups):
        return str(group)
    known = ", ".join(component.groups) or "no `group`: it has none"
    near = nearest(str(group), component.groups)
    reader.wrong((*at, "group"), f"`{component.name}` has no group {shown(group)}", known, near)
    return ""


def _is_broad(target: Mapping[str, Any]) -> bool:
    return any(key in target for key in _BROAD)


def _selector(target: Mapping[str, Any], at: Path, known: Known, reader: Fields) -> Selector:
    """Which components are struck; a problem where there are none."""
    values = reader.fields(target, _SELECTING, at)[0]
    selector = Selector(**values, label=_label(target, at, reader))
    if selector not in known.found:
        parts = known.components.values()
        known.found[selector] = any(selected(selector, part) for part in parts)
    if not known.found[selector]:
        reader.wrong(at, "nothing is struck by this target", "what some component has")
    return selector


def _label(target: Mapping[str, Any], at: Path, reader: Fields) -> tuple[str, str] | None:
    """`label: {key: value}`."""
    if "label" not in target:
        return None
    label = reader.mapping(target["label"], (*at, "label"), "`label`")
    if len(label) != 1 or not all(isinstance(value, str) for value in label.values()):
        reader.wrong((*at, "label"), "`label` is no single pair", "{key: value}")
        return None
    return next(iter(label.items()))
