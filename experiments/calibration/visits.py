"""Requests of each service as spans show them, with the calls that each made.

A *visit* is what the importers call a request: a span that enters a service. Its own time is its
length without the time in which a call of it was under way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hms.scenarios.importers.span_trees import children_of, enters, inside, own_phases
from hms.scenarios.importers.spans import CLIENT, PRODUCER, Span

RETRY_SLACK_NS = 1000
"""A call that starts this much before its failed predecessor's end still counts as its retry."""


@dataclass(slots=True)
class Call:
    """One attempt of a call, by the caller's clock.

    Attributes:
        callee: number of the service; -1 where it sends no spans of its own.
        server: its span at the callee, if that is there.
        again: it is a retry of the attempt before it.
    """

    callee: int
    start_ns: int
    end_ns: int
    failed: bool
    waited: bool
    server: Span | None
    again: bool = False


@dataclass(slots=True)
class Visit:
    """One request at one replica of a service.

    Attributes:
        own_ns: its length without that of its calls.
        phases: when it was busy itself, (start, end), in order.
        root: it came from outside of what sends spans, or from a client.
    """

    span: Span
    own_ns: int
    phases: tuple[tuple[int, int], ...]
    calls: list[Call] = field(default_factory=list)
    root: bool = False


def visits_of(spans: Mapping[int, Span]) -> dict[int, list[Visit]]:
    """Visits of each service by its number, in the order of their start."""
    below = children_of(spans)
    found: dict[int, list[Visit]] = {}
    for span in spans.values():
        if enters(span, spans):
            found.setdefault(span.service, []).append(_visit(span, below))
    for visits in found.values():
        visits.sort(key=lambda visit: (visit.span.start_ns, visit.span.key))
    return found


def _visit(span: Span, below: Mapping[int, list[Span]]) -> Visit:
    calls = sorted(_calls(span, below), key=lambda call: (call.start_ns, call.end_ns))
    _mark_retries(calls)
    phases = tuple(own_phases(span, ((c.start_ns, c.end_ns) for c in calls if c.waited)))
    own_ns = sum(end - start for start, end in phases)
    return Visit(span, own_ns, phases, calls, not span.parent)


def _calls(request: Span, below: Mapping[int, list[Span]]) -> Iterator[Call]:
    """The calls of a visit, from any span of it in its own service."""
    for span, remote, local in inside(request, below):
        if span.kind in (CLIENT, PRODUCER) and not local:
            server = remote[0] if remote else None
            callee = server.service if server else -1
            waited = span.kind == CLIENT
            yield Call(callee, span.start_ns, span.end_ns, span.failed, waited, server)
        else:
            for child in remote:
                waited = not child.follows
                yield Call(
                    child.service, child.start_ns, child.end_ns, child.failed, waited, child
                )


def _mark_retries(calls: Sequence[Call]) -> None:
    """A call to the same service after one that failed is that one made again.

    An attempt that timed out may have no span at its callee: it is then known by the retry that
    follows it, and counts as a call to the same service.
    """
    last: dict[int, Call] = {}
    for i, call in enumerate(calls):
        nameless = call.callee == -1 and call.failed
        if nameless:
            following = next((c for c in calls[i + 1 :] if c.callee != -1), None)
            call.callee = following.callee if following is not None else -1
        before = last.get(call.callee)
        if before is not None and before.failed:
            call.again = call.start_ns >= before.end_ns - RETRY_SLACK_NS
        last[call.callee] = call
