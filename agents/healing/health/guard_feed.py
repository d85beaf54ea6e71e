"""What guarded calls say of a component's health: response time, errors, throughput.

Breakers count from their start; a report wants a rate over the last window. Each sample notes
the sums so far, and a rate is a difference of two notes, so that a call costs nothing here.

A dependency that is cut off counts by its open breaker (Degraded), not by its errors: they are
the neighbour's, and a component must not count as failed, or be restarted, for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

NOTES_MAX = 64
"""Notes in a window, about; samples closer than that are compared, not kept."""

GONE_MAX = 1000
"""Names let go that are remembered: one that returns goes on counting where it was."""

WELL = ("closed", "metrics_only", "disabled")


class Counted(Protocol):
    """What is read of a breaker's metrics."""

    @property
    def phase(self) -> str:
        """Its phase by name."""
        ...

    @property
    def ok(self) -> int:
        """Calls that came back right."""
        ...

    @property
    def failed(self) -> int:
        """Calls that failed."""
        ...

    @property
    def response_s_sum(self) -> float:
        """Durations of the sampled calls, seconds."""
        ...

    @property
    def response_samples(self) -> int:
        """How many were sampled."""
        ...


class CallsSeen(NamedTuple):
    """Three of a report's metrics, in its units; zeros where no call was made."""

    response_time_ms: float
    error_rate_percent: float
    throughput_rps: float


class Note(NamedTuple):
    """Sums up to a moment."""

    at_s: float
    calls: float = 0.0
    own_calls: float = 0.0  # to dependencies that are not cut off
    own_failed: float = 0.0
    response_s: float = 0.0
    samples: float = 0.0


class GuardFeed:
    """Turns the counters of an instance's breakers into a report's metrics.

    Args:
        metrics: gives each breaker's metrics by dependency.
        window_s: span that a report covers, or the time since the first sample if that is less.
    """

    def __init__(
        self, metrics: Callable[[], Mapping[str, Counted]], window_s: float = 10.0
    ) -> None:
        self.window_s = window_s
        self._metrics = metrics
        self._seen: dict[str, tuple[int, int, float, int]] = {}
        self._notes: deque[Note] = deque()
        self._sums = Note(0.0)

    def sample(self, now_s: float) -> CallsSeen:
        """Response time in ms, errors in percent, calls a second, over the last window.

        The first sample has nothing to compare with: zeros.
        """
        notes = self._notes
        note = self._sums = self._add_up(now_s)
        while len(notes) > 1 and notes[1].at_s <= now_s - self.window_s:
            notes.popleft()
        if not notes or now_s - notes[-1].at_s >= self.window_s / NOTES_MAX:
            notes.append(note)
        return between(notes[0], note)

    def begin_anew(self) -> None:
        """Forget what was counted so far: a dependency has just been cut off.

        Its errors before that are still in the window, and soon alone there, since calls are kept
        off: they would look like a component that answers nothing right.
        """
        self._notes.clear()

    def _add_up(self, now_s: float) -> Note:
        """The last sums and what was counted since."""
        before = self._sums
        calls, own_calls, own_failed = before.calls, before.own_calls, before.own_failed
        response_s, samples = before.response_s, before.samples
        present = self._metrics()
        for name, m in present.items():
            counts = (m.ok, m.failed, m.response_s_sum, m.response_samples)
            old = self._seen.get(name, (0, 0, 0.0, 0) if self._notes else counts)
            self._seen[name] = counts
            if old[0] > m.ok or old[1] > m.failed:
                old = (0, 0, 0.0, 0)  # another breaker of this name: the first was let go
            calls += m.ok - old[0] + m.failed - old[1]
            if m.phase in WELL:
                own_calls += m.ok - old[0] + m.failed - old[1]
                own_failed += m.failed - old[1]
            response_s += max(m.response_s_sum - old[2], 0.0)
            samples += max(m.response_samples - old[3], 0)
        if len(self._seen) > 2 * len(present) + GONE_MAX:
            self._seen = {name: self._seen[name] for name in present}
        return Note(now_s, calls, own_calls, own_failed, response_s, samples)


def between(base: Note, note: Note) -> CallsSeen:
    """Rates of what was counted between two notes."""
    span_s = note.at_s - base.at_s
    if span_s <= 0.0:
        return CallsSeen(0.0, 0.0, 0.0)
    own_calls, samples = note.own_calls - base.own_calls, note.samples - base.samples
    return CallsSeen(
        1000.0 * (note.response_s - base.response_s) / samples if samples > 0.0 else 0.0,
        100.0 * (note.own_failed - base.own_failed) / own_calls if own_calls > 0.0 else 0.0,
        (note.calls - base.calls) / span_s,
    )
