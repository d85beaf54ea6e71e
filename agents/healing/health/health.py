"""Reports to status (3.4.3, 7.1, 7.2); `agents.policy.health` decides, this file keeps.

A report that says nothing new costs a few comparisons and sums: one whose values are all below
what would be judged is not judged (a test shows that judging it would change nothing). At least
a second of reports makes a span; when it is over, its means go to the history, to the watch
for what is unusual, and to what is known as the usual response time.

Whoever shares a monitor between threads holds a lock around it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from hms.agents.healing.health.anomaly import WINDOW, Anomalies, Anomaly
from hms.agents.healing.health.history import METRICS, SIZES, History, HistoryPoint
from hms.agents.healing.health.refusals import LARGEST, REFUSALS, value_fault
from hms.agents.healing.health.span import NO_METRICS, Span
from hms.agents.healing.interface import (
    Critical,
    Degraded,
    Failed,
    HealthMetrics,
    HealthStatus,
    Healthy,
)
from hms.agents.policy.health import (
    DEGRADED,
    FAILED,
    HEALTHY,
    HealthReport,
    HealthState,
    arrive,
    errors_limit,
    is_silent,
    judge,
    learn,
    memory_limit,
    quiet_errors,
    quiet_memory,
    quiet_response_s,
    slow_limit_s,
    status_at,
)
from hms.agents.policy.parameters import HealthParameters

SPAN_S = 1.0
CLASSES: tuple[type[HealthStatus], ...] = (Healthy, Degraded, Critical, Failed)
NONE_REFUSED = dict.fromkeys(REFUSALS, 0)
"""Shared by all that have refused none; never written to."""


class HealthMonitor:
    """The latest report, the state that the last few add up to, and their history.

    Args:
        parameters: the policy's group `health`.
        memory_limit_mb: of the component; 0 if unknown, then memory is not judged.
        interval_s: between reports, where the owner knows; 0: as the parameters say.
        sizes: of the history's rings: spans, minutes, hours.

    Attributes:
        latest: the last accepted report; zeros before the first.
        accepted: reports taken.
        noteworthy: whether the last accepted report ended a span or had to be judged; of the
            others the decisions on acts need not hear.
    """

    __slots__ = (
        "_anomalies",
        "_due_s",
        "_history",
        "_interval_s",
        "_parameters",
        "_quiet_mb",
        "_quiet_ms",
        "_quiet_percent",
        "_refused",
        "_report",
        "_reported_at_s",
        "_sequence",
        "_span",
        "_state",
        "accepted",
        "latest",
        "memory_limit_mb",
        "noteworthy",
    )  # fmt: skip

    def __init__(
        self,
        parameters: HealthParameters | None = None,
        memory_limit_mb: float = 0.0,
        interval_s: float = 0.0,
        sizes: tuple[int, int, int] = SIZES,
    ) -> None:
        self.memory_limit_mb = memory_limit_mb
        self.latest = NO_METRICS
        self.accepted = 0
        self.noteworthy = False
        self._refused = NONE_REFUSED
        self._state = HealthState()
        self._report = HealthReport()
        self._history = History(sizes)
        self._span = Span()
        self._due_s = -math.inf
        self._reported_at_s = -math.inf
        self._sequence: int | None = None
        self._interval_s = interval_s
        self._anomalies = Anomalies()
        self.reconfigure(parameters or HealthParameters())

    def reconfigure(self, parameters: HealthParameters) -> None:
        """Go on under other parameters; state, counts and what is usual stay."""
        if self._interval_s > 0.0:
            parameters = dataclasses.replace(parameters, interval_s=self._interval_s)
        self._parameters = parameters
        self._anomalies.deviations = parameters.unusual_deviations
        self._anomalies.warm_up = parameters.warm_up
        self._note_limits()

    def report(
        self,
        metrics: HealthMetrics,
        now_s: float,
        *,
        reported_at_s: float | None = None,
        sequence: int | None = None,
    ) -> bool:
        """Take a report that came at `now_s`; one that cannot be believed is counted, no more.

        Args:
            metrics: in the specification's units.
            now_s: on the instance's clock; before the last report's it is out of order.
            reported_at_s: when it was made, on the same clock, if it travelled.
            sequence: its number, rising, if the sender counts.
        """
        errors, response_ms = metrics.error_rate_percent, metrics.response_time_ms
        memory_mb, cpu = metrics.memory_usage_mb, metrics.cpu_usage_percent
        try:
            plain = (
                0.0 <= errors <= 100.0 and 0.0 <= response_ms <= LARGEST
                and 0.0 <= memory_mb <= LARGEST and 0.0 <= cpu <= LARGEST
                and 0.0 <= metrics.throughput_rps <= LARGEST
            )
        except TypeError:
            plain = False
        if not plain or metrics.custom:
            reason = value_fault(metrics)
            if reason:
                return self._refuse(reason)
            metrics = dataclasses.replace(metrics, custom=dict(metrics.custom))  # ours alone
        reason = self._time_fault(now_s, reported_at_s, sequence)
        if reason:
            return self._refuse(reason)
        if arrive(self._state, self._parameters, now_s):
            self._span.worst = FAILED  # the silence before it
            self._note_limits()
        self.latest = metrics
        self.accepted += 1
        span = self._span
        self.noteworthy = now_s >= self._due_s
        if self.noteworthy:
            self._end_span(now_s)
        if not (
            errors < self._quiet_percent and memory_mb < self._quiet_mb
            and response_ms < self._quiet_ms
        ):
            self.noteworthy = True
            self._judge(metrics, now_s)
        span.reports += 1
        span.cpu += cpu
        span.memory_mb += memory_mb
        span.response_ms += response_ms
        span.errors += errors
        span.throughput_rps += metrics.throughput_rps
        return True

    def add_custom(
        self, metrics: HealthMetrics, now_s: float, reported_at_s: float | None = None,
        sequence: int | None = None,
    ) -> bool:
        """Take the custom metrics alone, beside the latest report; nothing is judged by them."""
        reason = value_fault(metrics) or self._time_fault(now_s, reported_at_s, sequence)
        if reason:
            return self._refuse(reason)
        self.latest = dataclasses.replace(self.latest, custom=dict(metrics.custom))
        return True

    def learn_rhythm_anew(self) -> None:
        """Reports come from somebody else now: how far apart is not known of these."""
        self._state.reports = 0

    def status(
        self, now_s: float, *, open_dependencies: Collection[str] = (), flapping: bool = False
    ) -> HealthStatus:
        """The state with its reason; reading changes nothing.

        Args:
            now_s: on the instance's clock; silence is judged by it.
            open_dependencies: names of those whose breaker is open.
            flapping: whether the component changes its state too often.
        """
        state = status_at(
            self._state, self._parameters, now_s, len(open_dependencies) > 0, flapping
        )
        if state == HEALTHY:
            return Healthy()
        reasons = list(self._reasons(now_s))
        if flapping:
            reasons.append("flapping: its state changes too often")
        if open_dependencies:
            reasons.append(f"breaker open: {listed(sorted(open_dependencies))}")
        return CLASSES[state]("; ".join(reasons))  # type: ignore[call-arg]

    @property
    def refused(self) -> Mapping[str, int]:
        """Reports not taken, by reason."""
        return MappingProxyType(self._refused)

    def longest_gap_s(self, gaps: float, least_s: float) -> float:
        """So many times the usual time between reports, at least `least_s`."""
        return max(gaps * self._state.gap_s, least_s)

    @property
    def interval_s(self) -> float:
        """Time between reports that is expected, unless they usually come further apart."""
        return self._parameters.interval_s

    @property
    def since_s(self) -> float:
        """When the present state was entered."""
        return self._state.since_s

    @property
    def memory_share(self) -> float:
        """Memory used, as a share of the limit; 0 if the limit is unknown."""
        if self.memory_limit_mb <= 0.0:
            return 0.0
        return self.latest.memory_usage_mb / self.memory_limit_mb

    def is_silent(self, now_s: float) -> bool:
        """Whether so many reports are missing that the component counts as failed."""
        return is_silent(self._state, self._parameters, now_s)

    @property
    def unusual(self) -> tuple[Anomaly, ...]:
        """What was unusual in the last span that is over."""
        return self._anomalies.latest

    def broken_rule(self) -> int:
        """The number of a rule that its state breaks (`agents.policy.invariants`); 0: none."""
        from hms.agents.policy.invariants import health_rule

        return health_rule(self._state)

    def history(
        self, since_s: float = 0.0, until_s: float = math.inf
    ) -> tuple[HistoryPoint, ...]:
        """What was reported, oldest first; the present span is not yet part of it."""
        return self._history.points(since_s, until_s)

    def _refuse(self, reason: str) -> bool:
        if self._refused is NONE_REFUSED:
            self._refused = dict(NONE_REFUSED)
        self._refused[reason] += 1
        return False

    def _time_fault(
        self, now_s: float, reported_at_s: float | None, sequence: int | None
    ) -> str:
        """Why a report cannot be the next one; remembers its number if it can."""
        if not now_s >= self._state.latest_s and self._state.reports:
            return "out_of_order"
        if reported_at_s is not None:
            if not math.isfinite(reported_at_s):
                return "not_finite"
            if reported_at_s > now_s:
                return "ahead"
            if reported_at_s < self._reported_at_s:
                return "out_of_order"
            if reported_at_s == self._reported_at_s and sequence is None:
                return "doubled"
            limit = max(self._parameters.missing_reports, 1)
            if now_s - reported_at_s > limit * self._parameters.interval_s:
                return "stale"
        if sequence is not None:
            if self._sequence is not None and sequence <= self._sequence:
                return "doubled" if sequence == self._sequence else "out_of_order"
            self._sequence = sequence
        if reported_at_s is not None:
            self._reported_at_s = reported_at_s
        return ""

    def _judge(self, metrics: HealthMetrics, now_s: float) -> None:
        report = self._report
        report.error_share = metrics.error_share
        report.memory_share = self.memory_share
        report.response_s = metrics.response_s
        state = judge(self._state, self._parameters, report, now_s)
        self._span.worst = max(self._span.worst, state)
        self._note_limits()

    def _end_span(self, now_s: float) -> None:
        """Hand the means of the span that is over to all who live on them."""
        span = self._span
        if span.reports:
            means = span.means()
            learn(self._state, self._parameters, means[2] / 1000.0, now_s)
            values = dict(zip(METRICS, means, strict=True))
            values.update(span.custom)
            self._anomalies.observe(values, span.start_s, self._history.newest(WINDOW))
            self._history.add(span.start_s, span.reports, span.worst, means)
        span.begin(now_s, self._state.state)
        span.custom = self.latest.custom  # one value a span is enough to know what is usual
        self._due_s = now_s + SPAN_S
        self._note_limits()

    def _note_limits(self) -> None:
        """In the units of a report: below which values none need be judged."""
        state, p = self._state, self._parameters
        self._quiet_percent = 100.0 * quiet_errors(state, p)
        self._quiet_mb = math.inf
        if self.memory_limit_mb > 0.0:
            self._quiet_mb = self.memory_limit_mb * quiet_memory(p)
        self._quiet_ms = 1000.0 * quiet_response_s(state, p)

    def _reasons(self, now_s: float) -> Sequence[str]:
        """What of the latest report has reached a limit, or not yet found its way back."""
        state, p = self._state, self._parameters
        if is_silent(state, p, now_s):
            silent_s = now_s - state.latest_s
            each_s = max(p.interval_s, state.gap_s)
            missing = int(silent_s / each_s + 1e-9)
            return [f"no report for {silent_s:.3g} s, {missing} missing at one each {each_s:.3g} s"]
        if state.state == HEALTHY:
            return []
        found: list[str] = []
        m = self.latest
        if m.error_share >= errors_limit(p, DEGRADED) * p.errors_way_back:
            found.append(f"{m.error_rate_percent:.3g} % errors")
        memory = self.memory_share
        if memory >= memory_limit(p, FAILED - 1) * p.memory_way_back:
            found.append(f"memory at {100.0 * memory:.3g} % of its limit")
        if m.response_s >= slow_limit_s(state, p, DEGRADED, p.slow_way_back):
            usual = f", usually {1000.0 * state.usual_s:.3g} ms" if state.learned else ""
            found.append(f"response {m.response_time_ms:.3g} ms{usual}")
        return found or ["on its way back: not yet well for long enough"]


def listed(names: Sequence[str]) -> str:
    """At most five names, and how many more."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
