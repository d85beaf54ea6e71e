"""How a component is: its reports, its dependencies, and what the policy makes of them (3.4.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from hms.agents.healing.calls.dependencies import Dependencies
from hms.agents.healing.health.health import HealthMonitor
from hms.agents.healing.interface import Degraded, HealthMetrics, HealthStatus, Issue
from hms.agents.healing.recovery.ladder import Ladder, observation_of
from hms.agents.healing.recovery.treatment import Situation
from hms.agents.policy.kinds import CUSTOM, DEPENDENCY, ISSUE_NAMES, NONE, SLACK

FRESH_GAPS = 2.0  # times the usual time between reports
FRESH_LEAST_S = 2.0


@dataclass(slots=True)
class Condition:
    """What is known of one component; whoever shares it between threads holds a lock.

    Args:
        health: reports to status.
        ladder: reports to illness.
        dependencies: whose breakers stand beside the reports.
        replicas: of this component that serve, this one counted in.

    Attributes:
        broken: the invariant that does not hold, and what follows; empty while all do.
    """

    health: HealthMonitor
    ladder: Ladder
    dependencies: Dependencies
    replicas: float = 1.0
    reported_s: float = 0.0
    warnings: dict[str, str] = field(default_factory=dict)
    broken: str = ""

    def report(
        self,
        metrics: HealthMetrics,
        now_s: float,
        *,
        reported_at_s: float | None = None,
        sequence: int | None = None,
    ) -> bool:
        """Take a report; False if it cannot be believed, which is counted."""
        health = self.health
        if not health.report(metrics, now_s, reported_at_s=reported_at_s, sequence=sequence):
            return False
        self.reported_s = now_s
        if health.noteworthy:
            seen = observation_of(
                metrics, health.memory_share, dependency_open=bool(self.cut_off()),
                replicas=self.replicas,
            )
            self.ladder.observe(seen, now_s)
        return True

    def status(self, now_s: float) -> HealthStatus:
        """What is told: at least Degraded while its own healing cannot be relied on."""
        status = self._seen(now_s)
        if not self.broken:
            return status
        if status.is_healthy:
            return Degraded(self.broken)
        reason = f"{status.reason}; {self.broken}"  # type: ignore[attr-defined]
        return type(status)(reason)  # type: ignore[call-arg]

    def _seen(self, now_s: float) -> HealthStatus:
        """What the reports say, at least Degraded while cut off from a dependency or flapping."""
        return self.health.status(
            now_s, open_dependencies=self.cut_off(), flapping=self.ladder.is_flapping
        )

    def cut_off(self) -> list[str]:
        """Dependencies whose breaker is open."""
        return self.dependencies.open_names()

    def situation(self, now_s: float) -> Situation:
        """What is wrong now, if anything."""
        status = self._seen(now_s)
        kind = self.ladder.kind
        fresh = self._came_within(now_s, self.health.longest_gap_s(FRESH_GAPS, FRESH_LEAST_S))
        if status.is_healthy and kind == NONE:
            return Situation(status, is_fresh=fresh, reported_s=self.reported_s)
        cut_off = bool(self.cut_off())
        if kind == NONE:
            kind = DEPENDENCY if cut_off else CUSTOM
        late_s = self.health.longest_gap_s(FRESH_GAPS, self.health.interval_s)
        return Situation(
            status=status,
            issue=self._issue(status, kind),
            kind=kind,
            has_data=self._came_within(now_s, late_s) or (kind == DEPENDENCY and cut_off),
            is_fresh=fresh,
            reported_s=self.reported_s,
        )

    def _came_within(self, now_s: float, span_s: float) -> bool:
        return now_s <= self.reported_s + span_s + SLACK

    def _issue(self, status: HealthStatus, kind: int) -> Issue:
        latest = self.health.latest
        ill = self.ladder.is_ill
        return Issue(
            kind=ISSUE_NAMES[kind],
            severity=max(status.severity, 1),
            evidence=f"{latest.error_rate_percent:.3g} % errors, "
            f"{latest.response_time_ms:.3g} ms, {latest.memory_usage_mb:.4g} MB",
            since_s=self.ladder.since_s if ill else self.health.since_s,
            dependency_states={
                name: f"{phase}, {self.warnings[name]}" if name in self.warnings else phase
                for name, phase in self.dependencies.phases().items()
            },
        )
