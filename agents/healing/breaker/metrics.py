"""What a breaker counted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakerMetrics:
    """Counters since the start, of one moment.

    admitted = ok + failed + ignored + cancelled + late + in_flight, always.

    Attributes:
        late: results of calls that an era before this one let in.
        opened: how often it opened.
        would_open: metrics-only: how often it would have.
        double: permits handed back a second time.
        calls_in_window: what the rates rest on, with the two below.
        judge_errors: judges that raised; their calls are among `ignored`.
        listener_errors: listeners that raised.
        slow_in_flight: calls under way that are past the slow limit.
        response_s_sum: durations of the sampled calls, seconds.
        response_samples: how many were sampled.
        events: number of the last event.
    """

    phase: str
    admitted: int
    ok: int
    failed: int
    ignored: int
    late: int
    in_flight: int
    refused: int
    opened: int
    double: int
    calls_in_window: float
    failed_in_window: float
    slow_in_window: float
    cancelled: int = 0
    would_open: int = 0
    judge_errors: int = 0
    listener_errors: int = 0
    slow_in_flight: int = 0
    response_s_sum: float = 0.0
    response_samples: int = 0
    events: int = 0


class Tally:
    """What was counted under the lock, in calls; successes that were not judged are elsewhere."""

    __slots__ = (
        "batch", "cancelled", "double", "failed", "ignored", "judge_errors", "late", "ok",
        "opened", "refused", "response_s_sum", "response_samples", "would_open",
    )

    def __init__(self) -> None:
        """Nothing yet."""
        self.batch = 0  # admitted by the batch door
        self.ok = 0
        self.failed = 0
        self.ignored = 0
        self.cancelled = 0
        self.late = 0
        self.refused = 0
        self.opened = 0
        self.would_open = 0
        self.double = 0
        self.judge_errors = 0
        self.response_s_sum = 0.0
        self.response_samples = 0
