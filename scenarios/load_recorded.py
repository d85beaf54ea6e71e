"""Recorded loads: two columns of numbers in a file beside the scenario.

`csv`: a header `t_s,rate_rps`, then one line for each time from which a rate holds. `limbo`: what
the LIMBO load modeller exports (von Kistowski et al., ICPE 2014): no header, the middle of an
interval and the arrivals a second in it.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

from hms.scenarios.read_fields import Fields, Path, shown

MOST_POINTS = 100_000
MOST_BYTES = 4 << 20
HEADER = ("t_s", "rate_rps")
LATEST_S, HIGHEST_RPS = 1e7, 1e9

Points = tuple[tuple[float, float], ...]


def mean_of(points: Points) -> float:
    """The mean rate from the first point to the last; of one point, its rate."""
    span_s = points[-1][0] - points[0][0]
    if span_s <= 0.0:
        return points[0][1]
    held = pairwise(points)
    return math.fsum(rate * (end - start) for (start, rate), (end, _) in held) / span_s


def read_recorded(
    name: Any, kind: str, path: Path, reader: Fields, folder: FilePath | None
) -> Points:
    """The points of a file; () and a problem if it cannot be read."""
    plain = isinstance(name, str) and name and not FilePath(name).is_absolute()
    if not plain or ".." in FilePath(name).parts or "\0" in name:
        reader.wrong(path, f"`file` is {shown(name)}", "a file in the scenario's own folder")
        return ()
    if folder is None:
        reader.wrong(path, "a recorded load needs a scenario that is a file", "`points`")
        return ()
    target = folder / name
    try:
        if not target.resolve().is_relative_to(folder.resolve()):
            reader.wrong(path, f"`{name}` leads out of the scenario's folder", "a file in it")
            return ()
        with open(target, "rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as refused:
        reader.wrong(path, f"`{name}` cannot be read: {refused.strerror}", "a file that exists")
        return ()
    if len(raw) > MOST_BYTES:
        reader.wrong(path, f"`{name}` has more than {MOST_BYTES:,} bytes", "a shorter one")
        return ()
    return points_of(raw.decode("utf-8", errors="replace"), kind, name, path, reader)


def points_of(text: str, kind: str, name: str, path: Path, reader: Fields) -> Points:
    """The points that a text of two columns holds; () and a problem if it has none."""
    lines = [line.strip() for line in text.splitlines()]
    first = 0
    if kind == "csv":
        header = tuple(cell.strip() for cell in lines[0].split(",")) if lines else ()
        if header != HEADER:
            reader.wrong(path, f"the first line of `{name}` is no header", ",".join(HEADER))
            return ()
        first = 1
    rows: list[tuple[float, float]] = []
    for number, line in enumerate(lines[first:], start=first + 1):
        if not line:
            continue
        row = _row(line)
        if row is None or (rows and row[0] <= rows[-1][0]) or len(rows) >= MOST_POINTS:
            what = f"line {number} of `{name}` is no point"
            expected = f"t_s,rate_rps: later than the line before; at most {MOST_POINTS:,} lines"
            reader.wrong(path, what, expected)
            return ()
        rows.append(row)
    if not rows:
        reader.wrong(path, f"`{name}` has no points", "t_s,rate_rps")
        return ()
    return tuple(rows) if kind == "csv" else _from_middles(rows)


def _row(line: str) -> tuple[float, float] | None:
    """Two finite numbers of a line; further columns are not read."""
    cells = line.replace(";", ",").split(",")
    try:
        time_s, rate = float(cells[0]), float(cells[1])
    except (ValueError, IndexError):
        return None
    if not (0.0 <= time_s <= LATEST_S and 0.0 <= rate <= HIGHEST_RPS):
        return None
    return time_s, rate


def _from_middles(rows: list[tuple[float, float]]) -> Points:
    """Where intervals begin, from where their middles are."""
    width = rows[1][0] - rows[0][0] if len(rows) > 1 else 2.0 * rows[0][0]
    starts = [max(0.0, rows[0][0] - 0.5 * width)]
    for time_s, _ in rows[:-1]:
        starts.append(2.0 * time_s - starts[-1])
    points = [(round(start, 9), rate) for start, (_, rate) in zip(starts, rows, strict=True)]
    ordered = all(a[0] < b[0] for a, b in pairwise(points))
    return tuple(points) if ordered else tuple(rows)
