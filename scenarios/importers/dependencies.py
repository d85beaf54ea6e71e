"""Jaeger's dependencies JSON: which service called which, and how often.

`GET /api/dependencies` gives `{"data": [{"parent", "child", "callCount"}]}`. Calls for each
request follow where the caller is itself called: its calls over the calls of it. Of a service
that nobody calls the number of requests is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hms.documents import Problem
from hms.errors import ManifestError
from hms.scenarios.importers.files import cited_as, list_files
from hms.scenarios.importers.findings import (
    JAEGER,
    Fact,
    Findings,
    FoundComponent,
    FoundEdge,
    Place,
    listed,
)
from hms.scenarios.importers.ids import as_id
from hms.scenarios.importers.json_stream import stream
from hms.scenarios.importers.kubernetes_objects import at

MOST_LINKS = 200_000
_ARRAYS = ("data", "dependencies")


def read_dependencies(paths: Sequence[str | Path]) -> Findings:
    """Components and calls of all files together.

    Raises:
        ManifestError: a file is no JSON, or no file holds dependencies.
    """
    counts: dict[tuple[str, str], float] = {}
    places: dict[tuple[str, str], Place] = {}
    left_out = itself = 0
    traces = False
    for file in list_files(paths):
        place = Place(JAEGER, cited_as(file, paths), 0)
        for _, item in stream(file, place.file, _ARRAYS):
            traces |= at(item, "spans") is not None or at(item, "scopeSpans") is not None
            link = _link(item)
            if link is None:
                left_out += at(item, "parent") is not None
            elif link[0] == link[1]:
                itself += 1
            elif link[:2] in counts or len(counts) < MOST_LINKS:
                counts[link[:2]] = counts.get(link[:2], 0.0) + link[2]
                places.setdefault(link[:2], place)
            else:
                raise _refused(f"more than {MOST_LINKS:,} dependencies", place.file)
    if not counts:
        what = "traces, not dependencies" if traces else "no dependencies"
        raise _refused(what, cited_as(list_files(paths)[0], paths), traces)
    return _findings(counts, places, left_out, itself)


def _refused(what: str, file: str, traces: bool = False) -> ManifestError:
    expected = "Jaeger's `data: [{parent, child, callCount}]`"
    expected = "the format `traces` for it" if traces else expected
    return ManifestError([Problem((), what, expected)], file)


def _link(item: Any) -> tuple[str, str, float] | None:
    """Caller, callee and number of calls; None where one of them is not there."""
    parent, child, count = (at(item, key) for key in ("parent", "child", "callCount"))
    if not (isinstance(parent, str) and isinstance(child, str) and parent and child):
        return None
    if isinstance(count, bool) or not isinstance(count, int | float) or not 0 <= count < 1e18:
        return None
    return parent, child, float(count)


def _findings(
    counts: dict[tuple[str, str], float],
    places: dict[tuple[str, str], Place],
    left_out: int,
    itself: int,
) -> Findings:
    findings = Findings()
    taken: dict[str, str] = {}
    called: dict[str, float] = {}
    for (_, child), count in counts.items():
        called[child] = called.get(child, 0.0) + count
    unknown: list[str] = []
    for pair, count in counts.items():
        caller, callee = (as_id(name, taken) for name in pair)
        for name in (caller, callee):
            findings.components.setdefault(name, FoundComponent(name, places[pair]))
        findings.components[callee].callable_ = True
        edge = FoundEdge(caller, callee, places[pair])
        requests = called.get(pair[0], 0.0)
        if requests > 0.0:
            calls = min(float(f"{count / requests:.6g}"), 1e4)
            edge.facts["calls"] = Fact(calls, places[pair])
        elif caller not in unknown:
            unknown.append(caller)
        findings.add_edge(edge)
    if unknown:
        findings.say(f"nobody calls {listed(unknown)}: calls for each request of it are not known")
    if left_out or itself:
        findings.say(
            f"left out: {itself} services that call themselves, {left_out} that cannot be read"
        )
    return findings
