"""Reads a CSV of metrics: `t_s,component,metric,value`, a row a scrape.

`component` may be an edge, `a -> b`, for its `rate_rps` of calls. Metrics are

- `rate_rps`: requests (or calls) a second,
- `latency_ms`: their mean time, with waiting and calls,
- `cpu_utilisation`: share of the component's cores in use, over all replicas,
- `error_share`: of its requests.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hms.documents import Problem, nearest
from hms.errors import ManifestError
from hms.experiments.calibration.fitted import Floats
from hms.scenarios.load_parts import edge_ends
from hms.scenarios.model import Scenario

HEAD = ("t_s", "component", "metric", "value")
RATE, LATENCY, CPU, ERRORS = "rate_rps", "latency_ms", "cpu_utilisation", "error_share"
METRICS = (RATE, LATENCY, CPU, ERRORS)
HIGHEST = {RATE: 1e9, LATENCY: 3.6e6, CPU: 1.5, ERRORS: 1.0}
MOST_BYTES = 64 << 20
MOST_MISTAKES = 20

Series = dict[tuple[str, str], dict[float, float]]
"""Values by time, by (component or edge, metric)."""


def read_metrics(file: str | Path, scenario: Scenario) -> Series:
    """The values of a file; every row is checked against the scenario's names.

    Raises:
        ManifestError: all mistakes of the file, up to twenty, each with its line.
    """
    text = _text_of(Path(file))
    rows = csv.reader(io.StringIO(text), strict=True)
    problems: list[Problem] = []
    found: Series = {}
    try:
        head = next(rows, [])
        if tuple(cell.strip() for cell in head) != HEAD:
            what = f"the head is `{','.join(head)[:80]}`"
            raise ManifestError([Problem((), what, ",".join(HEAD), line=1)], str(file))
        for row in rows:
            if row and not problems[MOST_MISTAKES:]:
                problems += _row(row, rows.line_num, scenario, found)
    except csv.Error as broken:
        problem = Problem((), f"no CSV: {broken}", ",".join(HEAD), line=rows.line_num)
        raise ManifestError([problem], str(file)) from None
    if not problems and not found:
        problems = [Problem((), "no values in it", "rows below the head", line=1)]
    if problems:
        raise ManifestError(problems, str(file))
    return found


def _text_of(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as refused:
        raise ManifestError(f"cannot be read: {refused.strerror}", str(path)) from None
    if len(raw) > MOST_BYTES:
        raise ManifestError([Problem((), f"more than {MOST_BYTES >> 20} MiB")], str(path))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ManifestError([Problem((), "not UTF-8 text", "CSV")], str(path)) from None


def _row(row: list[str], line: int, scenario: Scenario, found: Series) -> Iterator[Problem]:
    if len(row) != len(HEAD):
        yield Problem((), f"{len(row)} values", ",".join(HEAD), line=line)
        return
    time, name, metric, text = (cell.strip() for cell in row)
    edges = {edge.name for edge in scenario.edges}
    ends = edge_ends(name)
    name = f"{ends[0]} -> {ends[1]}" if ends else name
    if name not in scenario.components and name not in edges:
        near = nearest(name, [*scenario.components, *edges])
        yield Problem((), f"no component `{name[:80]}`", "one of the scenario's", near, line)
    if metric not in METRICS:
        near = nearest(metric, METRICS)
        yield Problem((), f"no metric `{metric[:80]}`", ", ".join(METRICS), near, line)
        return
    at_s, value = _number(time), _number(text)
    if at_s is None or at_s < 0.0:
        yield Problem((), f"t_s is `{time[:40]}`", "seconds, 0 or more", line=line)
    elif value is None or not 0.0 <= value <= HIGHEST[metric]:
        expected = f"a number from 0 to {HIGHEST[metric]:g}"
        yield Problem((), f"{metric} is `{text[:40]}`", expected, line=line)
    else:
        found.setdefault((name, metric), {})[at_s] = value


def _number(text: str) -> float | None:
    """A finite number; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def together(series: Series, *keys: tuple[str, str]) -> list[Floats]:
    """Values of several series at the times that all of them have, in order; empty if none."""
    if any(key not in series for key in keys):
        return [np.zeros(0) for _ in keys]
    times = sorted(set.intersection(*(set(series[key]) for key in keys)))
    return [np.array([series[key][time] for time in times]) for key in keys]
