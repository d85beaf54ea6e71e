"""What a component's health was: seconds, then minutes, then hours, in constant memory.

A span is what the reports of at least a second add up to. Spans are kept in a ring; each also
goes into the minute and the hour it falls in, which are kept in rings of their own once over.
A query gets each moment once, as finely as it is still known.

A point takes 36 bytes: its start as a double, the rest as singles (7 digits, enough to show).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

MINUTE_S = 60.0
HOUR_S = 3600.0
SIZES = (64, 64, 24)
"""Points kept: spans, minutes, hours. Each ring must outlast the next one's step."""

METRICS = (
    "cpu_usage_percent", "memory_usage_mb", "response_time_ms", "error_rate_percent",
    "throughput_rps",
)
FIELDS = 7  # reports, status, and the metrics
ZEROS = [0.0] * FIELDS


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """What the reports of a span said: means, and the worst state.

    Attributes:
        start_s: of the span, on the instance's clock.
        span_s: its length; 0 for one report or several at once.
        reports: how many.
        status: severity of the worst state, 0 healthy to 3 failed.
    """

    start_s: float
    span_s: float
    reports: int
    status: int
    cpu_usage_percent: float
    memory_usage_mb: float
    response_time_ms: float
    error_rate_percent: float
    throughput_rps: float


class Ring:
    """The newest points of one resolution."""

    __slots__ = ("_at", "_size", "starts", "values")

    def __init__(self, size: int) -> None:
        self._size = size
        self._at = 0  # of the oldest, once full
        self.starts = array("d")
        self.values = array("f")

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def is_full(self) -> bool:
        """Whether an older point may have gone."""
        return len(self.starts) == self._size

    def append(self, start_s: float, values: list[float]) -> None:
        """Add the newest point; the oldest goes if there is no room."""
        row = array("f", values)
        if len(self.starts) < self._size:
            self.starts.append(start_s)
            self.values.extend(row)
            return
        at = self._at
        self.starts[at] = start_s
        self.values[at * FIELDS : (at + 1) * FIELDS] = row
        self._at = (at + 1) % self._size

    def oldest_s(self) -> float:
        """Start of the oldest point."""
        return self.starts[self._at % len(self.starts)]

    def newest(self, field: int, most: int) -> array[float]:
        """The last values of one field, at most so many, in no order that matters."""
        values = self.values[field::FIELDS]
        if len(values) <= most:
            return values
        end = self._at or len(values)
        return values[end - most : end] if end >= most else values[:end] + values[end - most :]

    def rows(self) -> Iterator[tuple[float, list[float]]]:
        """Start and values of each point, oldest first."""
        count = len(self.starts)
        for k in range(count):
            at = (self._at + k) % count
            yield self.starts[at], self.values[at * FIELDS : (at + 1) * FIELDS].tolist()


class Gathered:
    """The minute or hour that is filling: sums, weighted by reports."""

    __slots__ = ("_sums", "number", "step_s")

    def __init__(self, step_s: float) -> None:
        self.step_s = step_s
        self.number = -1
        self._sums = array("d", ZEROS)

    def add(self, start_s: float, values: list[float], into: Ring) -> None:
        """Take a span; what was gathered goes to the ring if the span belongs to a later one."""
        number = int(start_s // self.step_s)
        if number != self.number:
            self.close(into)
            self.number = number
        reports = values[0]
        sums = self._sums
        sums[0] += reports
        sums[1] = max(sums[1], values[1])
        for k in range(2, FIELDS):
            sums[k] += values[k] * reports

    def close(self, into: Ring) -> None:
        """Hand over what was gathered, and start anew."""
        reports = self._sums[0]
        if reports > 0.0:
            means = [value / reports for value in self._sums[2:]]
            into.append(self.number * self.step_s, [reports, self._sums[1], *means])
        self._sums = array("d", ZEROS)


class History:
    """Rings of spans, minutes and hours.

    Args:
        sizes: points in each; the first two at least 64, so that each outlasts the next step.
    """

    __slots__ = ("_filling", "_rings")

    def __init__(self, sizes: tuple[int, int, int] = SIZES) -> None:
        """Start empty; memory grows up to the bound.

        Raises:
            ValueError: a ring is too short.
        """
        if sizes[0] < 64 or sizes[1] < 64 or sizes[2] < 1:
            raise ValueError(f"sizes {sizes}: at least 64 spans, 64 minutes, 1 hour")
        self._rings = tuple(Ring(size) for size in sizes)
        self._filling = (Gathered(MINUTE_S), Gathered(HOUR_S))

    def add(self, start_s: float, reports: int, status: int, means: list[float]) -> None:
        """Take a span that is over; `means` in the order of METRICS.

        Spans come in order of time, a second apart or more.
        """
        values = [float(reports), float(status), *means]
        self._rings[0].append(start_s, values)
        for gathered, ring in zip(self._filling, self._rings[1:], strict=True):
            gathered.add(start_s, values, ring)

    def newest(self, most: int) -> dict[str, array[float]]:
        """The last values of each metric, at most so many."""
        spans = self._rings[0]
        return {name: spans.newest(2 + k, most) for k, name in enumerate(METRICS)}

    def __len__(self) -> int:
        return sum(len(ring) for ring in self._rings)

    def points(self, since_s: float, until_s: float) -> tuple[HistoryPoint, ...]:
        """What is known from `since_s` up to `until_s`, oldest first, each moment once."""
        spans, minutes, hours = self._rings
        minute_s = begin(spans, MINUTE_S)
        hour_s = min(begin(minutes, HOUR_S), minute_s)
        found = [*kept(hours, 0.0, hour_s, HOUR_S), *kept(minutes, hour_s, minute_s, MINUTE_S)]
        found += kept(spans, minute_s, float("inf"), 0.0)
        return tuple(p for p in found if since_s <= p.start_s < until_s)


def begin(finer: Ring, step_s: float) -> float:
    """From when on the finer ring is used: the first whole step that it still knows."""
    if not finer.is_full:
        return 0.0
    return (finer.oldest_s() // step_s + 1.0) * step_s


def kept(ring: Ring, from_s: float, to_s: float, span_s: float) -> Iterator[HistoryPoint]:
    """The ring's points that start in between."""
    for start_s, values in ring.rows():
        if from_s <= start_s < to_s:
            reports, status, *means = values
            yield HistoryPoint(start_s, span_s, int(reports), int(status), *means)
