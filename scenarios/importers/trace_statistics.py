"""What spans say of a system: who calls whom how often, how long each service works.

Of each request (`span_trees.py`) the *self time* is its length without the time in which a call of
it was under way, by the caller's clock where the caller has a span of its own for the call. Where
it has none, the callee's span is taken, moved into its parent if the two clocks disagree.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field

from hms.scenarios.importers.span_trees import children_of, enters, inside, own_phases
from hms.scenarios.importers.spans import CLIENT, CONSUMER, PRODUCER, SERVER, Span

_MOST_SAMPLES = 5000
"""Of network times, each edge: enough for a median."""
_TOUCHING_SHARE = 0.1
"""Calls that overlap by less than this share of the shorter one count as one after the other."""

CallKey = tuple[int, str | int]
"""Caller's number, and the callee's number or the name of a peer that sends no spans."""


@dataclass(slots=True)
class Spread:
    """Mean and standard deviation of a stream of values (Welford, 1962)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self.squares += step * (value - self.mean)

    @property
    def cv(self) -> float | None:
        """Coefficient of variation; None of fewer than two values, or of a mean of 0."""
        if self.count < 2 or self.mean <= 0.0:
            return None
        return math.sqrt(self.squares / (self.count - 1)) / self.mean


@dataclass(slots=True)
class ServiceTimes:
    """What was seen of one service.

    Attributes:
        self_ns: self time of its requests.
        roots: requests that came from outside of what sends spans.
        starts: root spans that are no request of anybody: it began the work itself.
    """

    self_ns: Spread = field(default_factory=Spread)
    requests: int = 0
    failed: int = 0
    roots: int = 0
    starts: int = 0


@dataclass(slots=True)
class CallTimes:
    """What was seen of the calls of one service to another.

    Attributes:
        lasted_ns: the client's spans, of a peer that sends none itself.
        one_way_ns: half of what the client's span lasted longer than the server's.
        beside: calls that ran while another call of the same request did.
        published: calls that nobody waited for.
    """

    count: int = 0
    lasted_ns: Spread = field(default_factory=Spread)
    one_way_ns: list[float] = field(default_factory=list)
    beside: int = 0
    published: int = 0
    peer_kind: str = ""
    protocol: str = ""

    @property
    def network_ns(self) -> float | None:
        """Median time one way, None where no client's span and server's span were both seen."""
        return statistics.median(self.one_way_ns) if self.one_way_ns else None


@dataclass(slots=True)
class Seen:
    """All of it.

    Attributes:
        orphans: spans whose parent is named and missing.
        moved: spans that lay outside their parent's time and were moved into it.
    """

    services: dict[int, ServiceTimes] = field(default_factory=dict)
    calls: dict[CallKey, CallTimes] = field(default_factory=dict)
    orphans: int = 0
    moved: int = 0
    first_ns: float = math.inf
    last_ns: float = 0.0


@dataclass(slots=True)
class _Call:
    """A call under way in one request: by the caller's clock."""

    key: CallKey
    start_ns: int
    end_ns: int
    waited: bool = True
    protocol: str = ""


def observe(spans: dict[int, Span]) -> Seen:
    """What the spans, by key, say."""
    below = children_of(spans)
    seen = Seen()
    for span in spans.values():
        seen.first_ns = min(seen.first_ns, span.start_ns)
        seen.last_ns = max(seen.last_ns, span.end_ns)
        seen.orphans += span.parent != 0 and span.parent not in spans
        if enters(span, spans):
            _request(span, below, seen)
    return seen


def _request(span: Span, below: dict[int, list[Span]], seen: Seen) -> None:
    """Count one request of a service: its self time, its outcome and its calls."""
    times = seen.services.setdefault(span.service, ServiceTimes())
    times.requests += 1
    times.failed += span.failed
    if not span.parent:
        if span.kind in (SERVER, CONSUMER):
            times.roots += 1
        else:
            times.starts += 1
    calls = list(_calls(span, below, seen))
    for call in calls:
        counted = seen.calls.setdefault(call.key, CallTimes())
        counted.count += 1
        counted.published += not call.waited
        counted.protocol = counted.protocol or call.protocol
    waited = sorted((c for c in calls if c.waited), key=lambda call: (call.start_ns, call.end_ns))
    for call in _overlapping(waited):
        seen.calls[call.key].beside += 1
    own = own_phases(span, ((call.start_ns, call.end_ns) for call in waited))
    times.self_ns.add(sum(end_ns - start_ns for start_ns, end_ns in own))


def _calls(request: Span, below: dict[int, list[Span]], seen: Seen) -> Iterator[_Call]:
    """All calls that a request made, from any span of it."""
    for span, remote, local in inside(request, below):
        if span.kind in (CLIENT, PRODUCER) and (remote or (span.peer and not local)):
            yield from _made(span, remote, seen)
        else:
            for child in remote:
                yield _unmediated(span, child, seen)


def _made(client: Span, remote: list[Span], seen: Seen) -> Iterator[_Call]:
    """The calls behind a client's own span."""
    waited = client.kind == CLIENT
    length_ns = client.end_ns - client.start_ns
    for server in remote:
        key = (client.service, server.service)
        if waited and len(remote) == 1:
            samples = seen.calls.setdefault(key, CallTimes()).one_way_ns
            if len(samples) < _MOST_SAMPLES:
                samples.append(max(length_ns - (server.end_ns - server.start_ns), 0.0) / 2.0)
        wait = waited and server.kind != CONSUMER and not server.follows
        spoken = client.protocol or server.protocol
        yield _Call(key, client.start_ns, client.end_ns, wait, spoken)
    if not remote:
        peer = (client.service, client.peer)
        counted = seen.calls.setdefault(peer, CallTimes())
        counted.peer_kind = counted.peer_kind or client.peer_kind
        counted.lasted_ns.add(length_ns)
        yield _Call(peer, client.start_ns, client.end_ns, waited, client.protocol)


def _unmediated(parent: Span, child: Span, seen: Seen) -> _Call:
    """A call that only the callee has a span of, in the time of its parent."""
    start_ns, end_ns = child.start_ns, child.end_ns
    waited = child.kind != CONSUMER and not child.follows
    inside = parent.start_ns <= start_ns and end_ns <= parent.end_ns
    if waited and not inside:
        # As Jaeger does: the network is taken to cost the same both ways.
        spare_ns = max(parent.end_ns - parent.start_ns - (end_ns - start_ns), 0)
        length_ns = min(end_ns - start_ns, parent.end_ns - parent.start_ns)
        start_ns = parent.start_ns + spare_ns // 2
        end_ns = start_ns + length_ns
        seen.moved += 1
    return _Call((parent.service, child.service), start_ns, end_ns, waited, child.protocol)


def _overlapping(calls: list[_Call]) -> Iterator[_Call]:
    """Calls, given by start, that ran beside another one; both of a pair."""
    last: _Call | None = None
    told = False  # whether `last` was handed out already
    for call in calls:
        beside = False
        if last is not None:
            shorter_ns = min(call.end_ns - call.start_ns, last.end_ns - last.start_ns)
            beside = last.end_ns - call.start_ns > _TOUCHING_SHARE * shorter_ns
            if beside and not told:
                yield last
            if beside:
                yield call
        if last is None or call.end_ns > last.end_ns:
            last, told = call, beside
        elif beside:
            told = True
