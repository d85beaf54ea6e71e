"""Requests in spans: where one enters a service, what it did inside, when it waited.

A *request* of a service is a span that enters it: its parent is of another service, or it has
none. All that follows below it in the same service belongs to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hms.scenarios.importers.spans import Span


def children_of(spans: Mapping[int, Span]) -> dict[int, list[Span]]:
    """The children of each span by its key, in the order of the files."""
    below: dict[int, list[Span]] = {}
    for span in spans.values():
        if span.parent:
            below.setdefault(span.parent, []).append(span)
    return below


def enters(span: Span, spans: Mapping[int, Span]) -> bool:
    """Whether a span is a request of its service."""
    parent = spans.get(span.parent)
    return parent is None or parent.service != span.service


def inside(
    request: Span, below: Mapping[int, list[Span]]
) -> Iterator[tuple[Span, list[Span], list[Span]]]:
    """Each span of a request in its own service, with its children elsewhere and here."""
    ahead = [request]
    while ahead:
        span = ahead.pop()
        children = below.get(span.key, ())
        remote = [child for child in children if child.service != span.service]
        local = [child for child in children if child.service == span.service]
        yield span, remote, local
        ahead.extend(local)


def own_phases(span: Span, waited: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """When a span waited for no call: (start, end) in ns, in order.

    Args:
        waited: start and end of its calls, by start.
    """
    at_ns = span.start_ns
    for begins_ns, ends_ns in waited:
        if begins_ns > at_ns:
            yield at_ns, min(begins_ns, span.end_ns)
        at_ns = max(at_ns, ends_ns)
        if at_ns >= span.end_ns:
            return
    if span.end_ns > at_ns:
        yield at_ns, span.end_ns
