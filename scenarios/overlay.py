"""An overlay is a partial scenario, merged into another by name.

How sections merge:

- `components`, `edges`, `sources`, `slo`, `defaults`, `expect`: by name, then key by key; the
  overlay's value replaces the other one with its origin. A name that is new is added. A
  component or edge given as `null` is taken away, a component with all of its edges.
- `workload`: an item replaces the one with the same entry and client, else it is added.
- `faults`: the overlay's are added.
- `name`, `horizon_s`, `warm_up_s`: replaced where the overlay gives them.

A plain value of a component or edge in an overlay gets an origin by itself: the overlay's file
and line. Its source is the one among the overlay's `sources` with its own file name, or a new
one named after the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from hms.documents import Document, Problem
from hms.errors import ScenarioError

_BY_NAME = ("components", "edges", "sources", "slo", "defaults", "expect")
_UNPLACED = ("from", "sure")


def merge(base: Mapping[str, Any], overlay: Document) -> dict[str, Any]:
    """The mapping of a scenario file with an overlay on top; neither is changed.

    Raises:
        ScenarioError: the overlay is no mapping or has another schema than the scenario.
    """
    data = overlay.data
    if not isinstance(data, dict) or not isinstance(base, dict):
        raise ScenarioError([Problem((), "not a mapping", "a partial scenario")], overlay.file)
    if data.get("schema") != base.get("schema"):
        what = f"schema {data.get('schema')!r} of the overlay is not the scenario's"
        line = overlay.line_of(("schema",))
        problem = Problem(("schema",), what, str(base.get("schema")), line=line)
        raise ScenarioError([problem], overlay.file)
    placed = _with_origins(data, overlay)
    merged = dict(base)
    for key, value in placed.items():
        if key in _BY_NAME and isinstance(value, dict) and isinstance(base.get(key), dict):
            merged[key] = _by_name(base[key], value)
        elif key == "workload" and isinstance(value, list) and isinstance(base.get(key), list):
            merged[key] = _by_client(base[key], value)
        elif key == "faults" and isinstance(value, list) and isinstance(base.get(key), list):
            merged[key] = [*base[key], *value]
        else:
            merged[key] = value
    return _without_removed(merged)


def _by_name(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Two sections, entry by entry and key by key."""
    merged = dict(base)
    for name, value in top.items():
        known = merged.get(_same_name(name, merged))
        if isinstance(value, dict) and isinstance(known, dict):
            merged[_same_name(name, merged)] = _entry(known, value)
        else:
            merged[_same_name(name, merged)] = value
    return merged


def _same_name(name: Any, known: Mapping[str, Any]) -> Any:
    """The known spelling of an edge's name, which may have other blanks around its arrow."""
    if not isinstance(name, str) or "->" not in name:
        return name
    bare = "".join(name.split())
    return next((k for k in known if isinstance(k, str) and "".join(k.split()) == bare), name)


def _entry(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """One component, edge, source, ...: `probe` and its two halves replace each other."""
    dropped = set()
    if "probe" in top:
        dropped = {"readiness", "liveness"}
    elif {"readiness", "liveness"} & top.keys() and "probe" in base:
        both = dict.fromkeys(("readiness", "liveness"), base["probe"])
        base = {k: v for k, v in base.items() if k != "probe"} | both
    return {key: value for key, value in base.items() if key not in dropped} | dict(top)


def _by_client(base: Sequence[Any], top: Sequence[Any]) -> list[Any]:
    """Two workload lists: the same entry and client is the same load."""

    def identity(item: Any) -> tuple[Any, Any]:
        return (item.get("entry"), item.get("client")) if isinstance(item, dict) else (None, None)

    replaced = {repr(identity(item)): item for item in top}
    kept = [replaced.pop(repr(identity(item)), item) for item in base]
    return [*kept, *replaced.values()]


def _without_removed(data: dict[str, Any]) -> dict[str, Any]:
    """Takes away components and edges that are `null`, and edges of removed components."""
    components, edges = data.get("components"), data.get("edges")
    gone: set[Any] = set()
    if isinstance(components, dict):
        gone = {name for name, value in components.items() if value is None}
        data["components"] = {n: v for n, v in components.items() if n not in gone}
    if isinstance(edges, dict):
        data["edges"] = {
            name: value
            for name, value in edges.items()
            if value is not None and not ({end.strip() for end in str(name).split("->")} & gone)
        }
    return data


def _with_origins(data: Mapping[str, Any], overlay: Document) -> dict[str, Any]:
    """The overlay's mapping with its own file and line as the origin of plain values."""
    file = PurePath(overlay.file).name if overlay.file else "overlay"
    sources = data.get("sources") if isinstance(data.get("sources"), dict) else {}
    names = [n for n, s in (sources or {}).items() if isinstance(s, dict) and s.get("file") == file]
    stem = re.sub(r"[^A-Za-z0-9_.-]", "-", re.sub(r"\.ya?ml$", "", file))[:64]
    name = names[0] if names else stem
    placed = dict(data)
    for section in ("components", "edges"):
        entries = data.get(section)
        if isinstance(entries, dict):
            placed[section] = {
                entry: _placed(fields, (section, entry), name, overlay)
                for entry, fields in entries.items()
            }
    if not names:
        placed["sources"] = {**(sources or {}), name: {"file": file, "sure": "stated"}}
    return placed


def _placed(fields: Any, path: tuple[Any, ...], source: str, overlay: Document) -> Any:
    """One entry's plain values as `{is: value, from: source:line}`."""
    if not isinstance(fields, dict):
        return fields
    return {
        key: {"is": value, "from": f"{source}:{overlay.line_of((*path, key))}"}
        if isinstance(value, bool | int | float | str) and _may_have_origin(key, value)
        else value
        for key, value in fields.items()
    }


def _may_have_origin(key: Any, value: Any) -> bool:
    """Whether `{is: …, from: …}` may stand for the plain value of this key."""
    return key not in _UNPLACED and value != "none"


def locate(
    problem: Problem, documents: Sequence[Document], merged: Mapping[str, Any]
) -> tuple[Problem, Document]:
    """A problem with its line, and the document that holds the key it is about.

    Overlays come last in `documents` and win where they know a path as well as the base does.
    """
    best, longest, best_path = documents[0], 0, problem.path
    for document in documents:
        path = _path_in(document, problem.path, merged)
        known = (n for n in range(len(path), 0, -1) if path[:n] in document.lines)
        length = next(known, 0)
        if length and length >= longest:
            best, longest, best_path = document, length, path
    return replace(problem, line=best.line_of(best_path)), best


def _path_in(
    document: Document, path: tuple[Any, ...], merged: Mapping[str, Any]
) -> tuple[Any, ...]:
    """A path of the merged mapping in one document: list items have another number there."""
    if len(path) < 2 or path[0] not in ("workload", "faults") or not isinstance(path[1], int):
        return path
    own = document.data.get(path[0]) if isinstance(document.data, dict) else None
    item = merged[path[0]][path[1]]
    for index, candidate in enumerate(own if isinstance(own, list) else ()):
        if candidate is item:
            return (path[0], index, *path[2:])
    return path[:0]
