"""Reads the section `workload` of a scenario file, and the files of recorded loads it names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from hms.documents import nearest
from hms.scenarios.file_keys import (
    ARRIVALS_KEY,
    FILE_LOADS,
    LOOP_KEYS,
    RATE_KEY,
    WORKLOAD_KINDS,
    FileKey,
)
from hms.scenarios.load_recorded import MOST_POINTS, mean_of, read_recorded
from hms.scenarios.model import ITSELF, Component, Edge, Workload
from hms.scenarios.read_fields import Fields, Path, shown
from hms.scenarios.write import OUTSIDE, outside_edge

_TIME = FileKey("points", high=1e7, unit="s")
_RATE = FileKey("points", unit="requests/s")


def read_workload(
    data: Any,
    components: dict[str, Component],
    edges: dict[str, Edge],
    reader: Fields,
    folder: FilePath | None = None,
) -> tuple[Workload, ...]:
    """The `workload` list; adds the implied client `outside` where no client is named.

    Args:
        folder: where the files of recorded loads lie; None: there are none.
    """
    nodes = reader.list_of(data, ("workload",), "`workload`")
    loads = [_read_load(node, index, reader, folder) for index, node in enumerate(nodes)]
    if not nodes:
        reader.wrong(("workload",), "no workload", "[{entry: …, client: …, rate_rps: …}]")
    for index, load in enumerate(loads):
        if load is None or not _entry_is_known(load, index, components, reader):
            continue
        if load.client == OUTSIDE and OUTSIDE not in components:
            components[OUTSIDE] = Component(OUTSIDE, kind="client")
        if load.client == OUTSIDE and f"{OUTSIDE} -> {load.entry}" not in edges:
            edges[f"{OUTSIDE} -> {load.entry}"] = outside_edge(load.entry)
        _check_client(load, index, components, edges, reader)
    return tuple(load for load in loads if load is not None)


def _read_load(
    node: Any, index: int, reader: Fields, folder: FilePath | None
) -> Workload | None:
    """One item of `workload`."""
    path = ("workload", index)
    fields = reader.mapping(node, path, "a workload")
    kind = fields.get("kind", "constant")
    kinds = (*WORKLOAD_KINDS, *FILE_LOADS)
    if not isinstance(kind, str) or kind not in kinds:
        near = nearest(str(kind), kinds)
        reader.wrong((*path, "kind"), f"unknown kind {shown(kind)}", ", ".join(kinds), near)
        return None
    shape = WORKLOAD_KINDS.get(kind, {})
    recorded = {"points": ("points",)}.get(kind, ("file",) if kind in FILE_LOADS else ())
    always = ("entry", "client", "kind", "from", "sure", "rate_rps", ARRIVALS_KEY.key)
    known = (*always, *LOOP_KEYS, *shape, *recorded)
    reader.refuse_unknown(fields, known, path, "a workload")
    closed = bool(LOOP_KEYS.keys() & fields.keys())
    asked = (*LOOP_KEYS,) if closed else () if recorded else ("rate_rps",)
    for key in ("entry", *asked, *shape, *recorded):
        if key not in fields:
            reader.wrong(path, f"the workload has no `{key}`", f"`{key}`")
    if closed and "rate_rps" in fields:
        what = "a closed loop (`users`, `think_s`) with `rate_rps`"
        reader.wrong((*path, "rate_rps"), what, "one of them")
    entry, client = fields.get("entry"), fields.get("client", OUTSIDE)
    for key, name in (("entry", entry), ("client", client)):
        if name is not None and not isinstance(name, str):
            reader.wrong((*path, key), f"`{key}` is {shown(name)}", "the name of a component")
    spaced = {ARRIVALS_KEY.key: ARRIVALS_KEY}
    values, origins = reader.fields(fields, {"rate_rps": RATE_KEY}, path)
    arrivals = reader.fields(fields, spaced, path)[0].get(ARRIVALS_KEY.key, "poisson")
    itself = reader.origin(fields, path)
    if itself is not None:
        origins[ITSELF] = itself
    points = _read_points(fields, kind, path, reader, folder)
    parameters = reader.fields(fields, shape, path)[0]
    loop = reader.fields(fields, LOOP_KEYS, path)[0] if closed else {}
    if len(loop) == len(LOOP_KEYS):
        values["rate_rps"] = loop["users"] / loop["think_s"]
    elif points and "rate_rps" not in values:
        values["rate_rps"] = mean_of(points)
    if not isinstance(entry, str) or not isinstance(client, str) or "rate_rps" not in values:
        return None
    shaped = kind if kind in WORKLOAD_KINDS else "points"
    rate = values["rate_rps"]
    return Workload(
        entry, client, shaped, rate, parameters, origins, points, **loop, arrivals=arrivals
    )


def _read_points(
    fields: Mapping[str, Any], kind: str, path: Path, reader: Fields, folder: FilePath | None
) -> tuple[tuple[float, float], ...]:
    """(t_s, rate) of a load of points, from the list or from a file."""
    if kind in FILE_LOADS and "file" in fields:
        return read_recorded(fields["file"], kind, (*path, "file"), reader, folder)
    if kind != "points":
        return ()
    at = (*path, "points")
    nodes = reader.list_of(fields.get("points"), at, "`points`")
    if not 1 <= len(nodes) <= MOST_POINTS:
        reader.wrong(at, f"{len(nodes)} points", f"1 to {MOST_POINTS:,} of [t_s, rate_rps]")
        return ()
    points: list[tuple[float, float]] = []
    for number, node in enumerate(nodes):
        if not isinstance(node, list) or len(node) != 2:
            reader.wrong((*at, number), f"a point is {shown(node)}", "[t_s, rate_rps]")
            return ()
        time_s = reader.scalar(node[0], _TIME, (*at, number, 0))
        rate = reader.scalar(node[1], _RATE, (*at, number, 1))
        if time_s is None or rate is None:
            return ()
        if points and time_s <= points[-1][0]:
            reader.wrong((*at, number), f"time {time_s:g} s is not after the last", "later times")
            return ()
        points.append((time_s, rate))
    return tuple(points)


def _entry_is_known(
    load: Workload, index: int, components: Mapping[str, Component], reader: Fields
) -> bool:
    """Whether the load's entry is a component that can be called."""
    if load.entry in components and components[load.entry].kind != "client":
        return True
    near = nearest(load.entry, components)
    what = f"no component `{load.entry}` that can be called"
    reader.wrong(("workload", index, "entry"), what, "a component that is no client", near)
    return False


def _check_client(
    load: Workload,
    index: int,
    components: Mapping[str, Component],
    edges: Mapping[str, Edge],
    reader: Fields,
) -> None:
    """A problem unless the load's client is one and calls the entry."""
    path = ("workload", index, "client")
    clients = [name for name, component in components.items() if component.kind == "client"]
    if load.client not in clients:
        near = nearest(load.client, clients)
        reader.wrong(path, f"no client `{load.client}`", "a component of kind client", near)
    elif f"{load.client} -> {load.entry}" not in edges:
        what = f"no edge `{load.client} -> {load.entry}`"
        reader.wrong(path, what, "that edge under `edges`")
