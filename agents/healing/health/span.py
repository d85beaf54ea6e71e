"""What the reports of one span add up to, before it goes to the history."""

from __future__ import annotations

from collections.abc import Mapping

from hms.agents.healing.interface import HealthMetrics
from hms.agents.policy.health import HEALTHY

NO_METRICS = HealthMetrics()


class Span:
    """Sums of the reports since it began."""

    __slots__ = (
        "cpu", "custom", "errors", "memory_mb", "reports", "response_ms", "start_s",
        "throughput_rps", "worst",
    )  # fmt: skip

    def __init__(self) -> None:
        self.begin(0.0, HEALTHY)

    def begin(self, start_s: float, state: int) -> None:
        """Start anew, in a state."""
        self.start_s = start_s
        self.worst = state
        self.reports = 0
        self.cpu = self.memory_mb = self.response_ms = self.errors = self.throughput_rps = 0.0
        self.custom: Mapping[str, float] = NO_METRICS.custom

    def means(self) -> list[float]:
        """In the order of METRICS."""
        n = float(self.reports)
        return [
            self.cpu / n, self.memory_mb / n, self.response_ms / n, self.errors / n,
            self.throughput_rps / n,
        ]
