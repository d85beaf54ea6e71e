"""Reports to status: which state a component is in, with hysteresis (3.4.3, 7.1).

A state is entered after three reports in a row that meet it and left after three in a row
below its way back, so that neither one bad report nor one good one moves it. Limits are those
of ADR 0005, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hms.agents.healing.interface import (
    Critical,
    Degraded,
    Failed,
    HealthMetrics,
    HealthStatus,
    Healthy,
)

HEALTHY, DEGRADED, CRITICAL, FAILED = range(4)


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """When a state is met, and below what it is left; shares 0 to 1.

    Attributes:
        degraded_errors: share of wrong answers that is Degraded; likewise the next two.
        memory: share of the memory limit that is Critical.
        way_back: share of a limit below which its state is left.
        reports: how many in a row it takes, both ways.
    """

    degraded_errors: float = 0.05
    critical_errors: float = 0.25
    failed_errors: float = 0.9
    memory: float = 0.9
    way_back: float = 0.6
    reports: int = 3


@dataclass(slots=True)
class HealthMonitor:
    """Keeps the latest report and the state that the last few of them add up to.

    Args:
        limits: when a state is met.
        memory_limit_mb: of the component; 0 if unknown, then memory is not judged.
    """

    limits: HealthLimits = field(default_factory=HealthLimits)
    memory_limit_mb: float = 0.0
    latest: HealthMetrics = field(default_factory=HealthMetrics)
    latest_s: float = -1.0
    accepted: int = 0
    refused: int = 0
    _state: int = HEALTHY
    _since_s: float = 0.0
    _worse: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    _better: int = 0

    def report(self, metrics: HealthMetrics, now_s: float) -> bool:
        """Take a report made at `now_s`; one that cannot be believed is counted, no more."""
        if metrics.fault() or now_s < self.latest_s:
            self.refused += 1
            return False
        self.latest, self.latest_s = metrics, now_s
        self.accepted += 1
        self._follow(now_s)
        return True

    @property
    def memory_share(self) -> float:
        """Memory used, as a share of the limit; 0 if the limit is unknown."""
        if self.memory_limit_mb <= 0.0:
            return 0.0
        return self.latest.memory_usage_mb / self.memory_limit_mb

    @property
    def since_s(self) -> float:
        """When the present state was entered."""
        return self._since_s

    def status(self) -> HealthStatus:
        """The state with its reason; reading changes nothing."""
        return (Healthy(), Degraded(self._reason()), Critical(self._reason()),
                Failed(self._reason()))[self._state]

    def _meets(self, state: int, scale: float) -> bool:
        """Whether the latest report meets a state's limit, or `scale` times it."""
        errors = self.latest.error_share
        if state == FAILED:
            return errors >= self.limits.failed_errors * scale
        if state == CRITICAL:
            return (
                errors >= self.limits.critical_errors * scale
                or self.memory_share >= self.limits.memory * scale
            )
        return errors >= self.limits.degraded_errors * scale

    def _follow(self, now_s: float) -> None:
        for state in (DEGRADED, CRITICAL, FAILED):
            self._worse[state] = self._worse[state] + 1 if self._meets(state, 1.0) else 0
        worst = max(
            (s for s in (DEGRADED, CRITICAL, FAILED) if self._worse[s] >= self.limits.reports),
            default=HEALTHY,
        )
        if worst > self._state:
            self._enter(worst, now_s)
            return
        if self._state == HEALTHY or self._meets(self._state, self.limits.way_back):
            self._better = 0
            return
        self._better += 1
        if self._better >= self.limits.reports:
            self._enter(self._next_down(), now_s)

    def _next_down(self) -> int:
        """The worst milder state whose way back the latest report has not found."""
        for state in range(self._state - 1, HEALTHY, -1):
            if self._meets(state, self.limits.way_back):
                return state
        return HEALTHY

    def _enter(self, state: int, now_s: float) -> None:
        self._state = state
        self._since_s = now_s
        self._better = 0

    def _reason(self) -> str:
        text = f"{self.latest.error_rate_percent:.3g} % errors"
        if self.memory_share >= self.limits.memory * self.limits.way_back:
            text += f", memory at {100.0 * self.memory_share:.3g} % of its limit"
        return text
