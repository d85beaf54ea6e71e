"""Writes the spans that the request engine kept as OTLP JSON, a document a line.

What an instrumented system would send: a server's span for each visit, a client's for each attempt
of a call, with service, replica and outcome. Of an unfinished trace nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hms.documents import write_whole
from hms.scenarios.engines.request.results import RequestOutcome
from hms.scenarios.engines.request.span_log import CALLED, VISITED

EPOCH_NS = 1_767_225_600_000_000_000
"""1 January 2026: when second 0 of a run is."""

NS = 1e9
FAILED = 2
SPANS_A_LINE = 2000

Key = tuple[int, int, int]


def write_traces(
    path: str | Path, outcome: RequestOutcome, edges: Sequence[tuple[str, str]]
) -> int:
    """Write the whole traces among the outcome's spans; how many spans that are.

    Args:
        edges: (caller, callee) in the engine's order.

    Raises:
        InputError: it cannot be written there.
    """
    lines = list(otlp_lines(outcome, edges))
    write_whole(path, "".join(lines))
    return sum(line.count('"spanId"') for line in lines)


def otlp_lines(
    outcome: RequestOutcome, edges: Sequence[tuple[str, str]]
) -> Iterator[str]:
    """Lines of OTLP JSON, spans of one replica together."""
    rows = outcome.spans.tolist()
    names = outcome.spans.dtype.names or ()
    spans = [dict(zip(names, row, strict=True)) for row in rows]
    places = {_key(span): i for i, span in enumerate(spans)}
    roots = _roots(spans, places)
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for i, span in enumerate(spans):
        if roots[i] >= 0:
            parent = places.get(_parent(span), -1)
            service, replica = _where(span, spans, parent, outcome.components, edges)
            groups.setdefault((service, replica), []).append(
                _otlp(span, i, parent, roots[i], outcome.components, edges)
            )
    for (service, replica), found in groups.items():
        for start in range(0, len(found), SPANS_A_LINE):
            yield _line(service, replica, found[start : start + SPANS_A_LINE])


def _key(span: dict[str, Any]) -> Key:
    return int(span["kind"]), int(span["own"]), int(span["own_serial"])


def _parent(span: dict[str, Any]) -> Key:
    kind = CALLED if span["kind"] == VISITED else VISITED
    return kind, int(span["parent"]), int(span["parent_serial"])


def _roots(spans: Sequence[dict[str, Any]], places: dict[Key, int]) -> list[int]:
    """For each span the one that its trace begins with; -1 where that was not kept."""
    roots: list[int | None] = [None] * len(spans)
    for start in range(len(spans)):
        path = []
        at = start
        while at >= 0 and roots[at] is None:
            path.append(at)
            if spans[at]["kind"] == CALLED and spans[at]["parent"] < 0:
                roots[at] = at
                break
            at = places.get(_parent(spans[at]), -1)
        found = roots[at] if at >= 0 else -1
        for each in path:
            roots[each] = found
    return [-1 if root is None else root for root in roots]


def _where(
    span: dict[str, Any], spans: Sequence[dict[str, Any]], parent: int,
    components: Sequence[str], edges: Sequence[tuple[str, str]],
) -> tuple[str, int]:
    """Service and replica that recorded a span."""
    if span["kind"] == VISITED:
        return components[span["place"]], int(span["replica"])
    replica = int(spans[parent]["replica"]) if parent >= 0 else 0
    return edges[span["place"]][0], replica


def _otlp(
    span: dict[str, Any], number: int, parent: int, root: int, components: Sequence[str],
    edges: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    called = span["kind"] == CALLED
    callee = edges[span["place"]][1] if called else components[span["place"]]
    written: dict[str, Any] = {
        "traceId": f"{root + 1:032x}",
        "spanId": f"{number + 1:016x}",
        "name": f"call {callee}" if called else f"serve {callee}",
        "kind": int(span["kind"]),
        "startTimeUnixNano": str(EPOCH_NS + round(span["start_s"] * NS)),
        "endTimeUnixNano": str(EPOCH_NS + round(span["end_s"] * NS)),
    }
    if parent >= 0:
        written["parentSpanId"] = f"{parent + 1:016x}"
    attributes = []
    if called:
        attributes.append({"key": "server.address", "value": {"stringValue": callee}})
        if span["replica"] > 1:  # of a call the attempt
            again = {"intValue": str(span["replica"] - 1)}
            attributes.append({"key": "http.request.resend_count", "value": again})
    if span["ended"] != 0:
        written["status"] = {"code": FAILED}
    return written | ({"attributes": attributes} if attributes else {})


def _line(service: str, replica: int, spans: list[dict[str, Any]]) -> str:
    attributes = [
        {"key": "service.name", "value": {"stringValue": service}},
        {"key": "service.instance.id", "value": {"stringValue": f"{service}-{replica}"}},
    ]
    entry = {"resource": {"attributes": attributes}, "scopeSpans": [{"spans": spans}]}
    return json.dumps({"resourceSpans": [entry]}, separators=(",", ":")) + "\n"
