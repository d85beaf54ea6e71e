"""Reports to status: entered and left slowly, refused with a reason, read without effect."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.agents.healing import (
    Critical,
    Degraded,
    Failed,
    HealthMetrics,
    HealthStatus,
    Healthy,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.health.health import HealthMonitor
from hms.agents.healing.health.refusals import REFUSALS
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.parameters import HealthParameters

Build = Callable[..., StandaloneSelfHealing]


def errors(percent: float) -> HealthMetrics:
    return HealthMetrics(error_rate_percent=percent, throughput_rps=10.0)


def after(percents: list[float], monitor: HealthMonitor | None = None) -> list[str]:
    """The state after each report of so many percent errors, a second apart."""
    each = monitor or HealthMonitor()
    found = []
    for now_s, percent in enumerate(percents):
        assert each.report(errors(percent), float(now_s))
        found.append(type(each.status(float(now_s))).__name__)
    return found


@pytest.mark.parametrize(
    ("percent", "state"), [(4.9, Healthy), (5, Degraded), (25, Critical), (90, Failed)]
)
def test_each_state_has_its_limit(percent: float, state: type[HealthStatus]) -> None:
    assert after([percent] * 3)[-1] == state.__name__


@pytest.mark.parametrize("percent", [5, 25, 90])
def test_each_state_is_left_for_healthy_after_three_good_reports(percent: float) -> None:
    assert after([percent] * 3 + [0, 0])[-1] != "Healthy"
    assert after([percent] * 3 + [0, 0, 0])[-1] == "Healthy"


def test_a_worse_state_is_left_for_the_milder_one_that_still_holds() -> None:
    assert after([95] * 3 + [6] * 3)[-1] == "Degraded"
    assert after([95] * 3 + [20] * 3)[-1] == "Critical"


def test_memory_near_its_limit_is_critical() -> None:
    monitor = HealthMonitor(memory_limit_mb=100.0)
    for now_s in (0.0, 0.1, 0.2):
        monitor.report(HealthMetrics(memory_usage_mb=90.0), now_s)
    assert monitor.status(0.2) == Critical("memory at 90 % of its limit")
    unknown = HealthMonitor()
    for now_s in (0.0, 0.1, 0.2):
        unknown.report(HealthMetrics(memory_usage_mb=9e9), now_s)
    assert unknown.status(0.2) == Healthy()


def test_a_slow_response_is_told_beside_the_usual_one() -> None:
    monitor = HealthMonitor()
    for now_s in range(25):
        monitor.report(HealthMetrics(response_time_ms=50.0), float(now_s))
    for now_s in (25.0, 25.1, 25.2):
        monitor.report(HealthMetrics(response_time_ms=300.0), now_s)
    assert monitor.status(25.2) == Degraded("response 300 ms, usually 50 ms")


def test_silence_is_failed_and_told_in_seconds_and_reports() -> None:
    monitor = HealthMonitor(interval_s=10.0)
    for now_s in (0.0, 10.0, 20.0):
        monitor.report(errors(0.0), now_s)
    assert monitor.status(49.9) == Healthy()
    assert not monitor.is_silent(49.9)
    assert monitor.is_silent(50.0)
    assert monitor.status(50.0) == Failed("no report for 30 s, 3 missing at one each 10 s")
    for now_s in (50.0, 51.0, 52.0):
        monitor.report(errors(0.0), now_s)
    assert monitor.status(52.0) == Healthy()


def test_a_silence_shorter_than_a_span_is_ended_by_three_good_reports_too() -> None:
    monitor = HealthMonitor(interval_s=0.1)
    found = []
    for now_s in (0.0, 0.1, 0.2, 0.6, 0.65, 0.7, 0.75):
        assert monitor.report(errors(0.0), now_s)
        found.append(type(monitor.status(now_s)).__name__)
    assert found == ["Healthy"] * 3 + ["Failed"] * 2 + ["Healthy"] * 2


def test_an_interval_that_the_owner_knows_outlasts_a_new_configuration() -> None:
    monitor = HealthMonitor(interval_s=1.0)
    monitor.reconfigure(HealthParameters(missing_reports=5))
    for now_s in (0.0, 1.0, 2.0):
        monitor.report(errors(0.0), now_s)
    assert monitor.status(6.9) == Healthy()
    assert isinstance(monitor.status(7.0), Failed)


def test_a_state_on_its_way_back_says_so() -> None:
    monitor = HealthMonitor()
    after([5, 5, 5, 0], monitor)
    assert monitor.status(3.0) == Degraded("on its way back: not yet well for long enough")


def test_open_dependencies_and_flapping_degrade_and_are_named() -> None:
    monitor = HealthMonitor()
    assert monitor.status(0.0, open_dependencies=["db"]) == Degraded("breaker open: db")
    names = [f"d{i}" for i in range(8)]
    assert monitor.status(0.0, open_dependencies=names) == Degraded(
        "breaker open: d0, d1, d2, d3, d4 and 3 more"
    )
    assert monitor.status(0.0, flapping=True) == Degraded("flapping: its state changes too often")
    after([30, 30, 30], monitor)
    assert monitor.status(2.0, open_dependencies=["db"]) == Critical(
        "30 % errors; breaker open: db"
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"error_rate_percent": math.nan}, "not_finite"),
        ({"response_time_ms": math.inf}, "not_finite"),
        ({"throughput_rps": -math.inf}, "not_finite"),
        ({"memory_usage_mb": -1.0}, "negative"),
        ({"cpu_usage_percent": -0.1}, "negative"),
        ({"error_rate_percent": 101.0}, "too_large"),
        ({"memory_usage_mb": 1e300}, "too_large"),
        ({"memory_usage_mb": 10**400}, "too_large"),
        ({"response_time_ms": "12"}, "not_a_number"),
        ({"response_time_ms": None}, "not_a_number"),
        ({"custom": {"queue": math.nan}}, "not_finite"),
        ({"custom": {"queue": "long"}}, "not_a_number"),
        ({"custom": {"queue": -1e300}}, "too_large"),
        ({"custom": {str(i): 0.0 for i in range(1001)}}, "too_large"),
    ],
)
def test_a_value_that_cannot_be_believed_is_refused_by_reason(
    changed: dict[str, Any], reason: str
) -> None:
    monitor = HealthMonitor()
    assert not monitor.report(HealthMetrics(**changed), 0.0)
    assert monitor.refused == {**dict.fromkeys(REFUSALS, 0), reason: 1}
    assert (monitor.accepted, monitor.latest) == (0, HealthMetrics())


@pytest.mark.parametrize(
    ("now_s", "told", "reason"),
    [
        (99.0, {}, "out_of_order"),
        (101.0, {"reported_at_s": 99.0}, "out_of_order"),
        (101.0, {"reported_at_s": 100.0}, "doubled"),
        (101.0, {"reported_at_s": 101.5}, "ahead"),
        (101.0, {"reported_at_s": math.nan}, "not_finite"),
        (140.0, {"reported_at_s": 109.0}, "stale"),
        (101.0, {"sequence": 7}, "doubled"),
        (101.0, {"sequence": 6}, "out_of_order"),
    ],
)
def test_a_report_of_another_time_is_refused_and_burns_nothing(
    now_s: float, told: dict[str, Any], reason: str
) -> None:
    monitor = HealthMonitor()
    assert monitor.report(errors(1.0), 100.0, reported_at_s=100.0, sequence=7)
    assert not monitor.report(errors(2.0), now_s, **told)
    assert monitor.refused[reason] == 1
    assert sum(monitor.refused.values()) == 1
    assert monitor.latest == errors(1.0)
    assert monitor.report(errors(3.0), now_s + 60.0, reported_at_s=now_s + 60.0, sequence=8)


def test_values_and_times_at_their_limit_are_taken() -> None:
    monitor = HealthMonitor()
    full = HealthMetrics(error_rate_percent=100.0, custom={str(i): 1.0 for i in range(1000)})
    assert monitor.report(full, 0.0)
    assert monitor.report(HealthMetrics(), 0.0)  # of the same moment, as far as clocks tell
    assert monitor.report(HealthMetrics(), 50.0, reported_at_s=20.0)  # three reports' time ago
    assert monitor.accepted == 3


def test_custom_metrics_are_kept_as_they_were_when_reported() -> None:
    monitor = HealthMonitor()
    queue = {"queue": 3.0}
    assert monitor.report(HealthMetrics(custom=queue), 0.0)
    queue["queue"] = 9.0
    assert monitor.latest.custom == {"queue": 3.0}


def test_what_is_unusual_is_noticed_when_its_span_is_over() -> None:
    monitor = HealthMonitor()
    for now_s in range(30):
        busy = HealthMetrics(cpu_usage_percent=20.0 + now_s % 3, custom={"queue": 4.0})
        monitor.report(busy, float(now_s))
    assert monitor.unusual == ()
    monitor.report(HealthMetrics(cpu_usage_percent=95.0, custom={"queue": 60.0}), 30.0)
    monitor.report(HealthMetrics(cpu_usage_percent=20.0, custom={"queue": 4.0}), 31.0)
    assert {each.metric: each.value for each in monitor.unusual} == {
        "cpu_usage_percent": 95.0, "queue": 60.0
    }
    assert str(monitor.unusual[0]) == "cpu_usage_percent 95, usually about 21"


def test_only_reports_that_say_something_new_are_noteworthy() -> None:
    monitor = HealthMonitor()
    said = []
    for now_s, percent in [(0.0, 0), (0.5, 0), (0.9, 4.9), (1.0, 0), (1.1, 5), (1.2, 0), (1.3, 0)]:
        monitor.report(errors(percent), now_s)
        said.append(monitor.noteworthy)
    assert said == [True, False, False, True, True, True, False]


def test_the_instance_reads_its_limits_from_the_policy(healing: Build, clock: FakeClock) -> None:
    from hms.agents.policy.healing_policy import HealingPolicy

    policy = HealingPolicy().with_values({"health.degraded_error_rate": 0.01})
    each = healing(policy=policy)

    async def follow() -> HealthStatus:
        await each.initialize()
        for _ in range(3):
            clock.advance(1.0)
            each.report(errors(1.0))
        return await each.check_health()

    assert asyncio.run(follow()) == Degraded("1 % errors")


def test_units_are_converted_once() -> None:
    metrics = HealthMetrics(error_rate_percent=12.5, response_time_ms=250.0)
    assert (metrics.error_share, metrics.response_s) == (0.125, 0.25)


NUMBERS = st.one_of(
    st.floats(0.0, 100.0), st.sampled_from([math.nan, math.inf, -1.0, 101.0, 1e300, 4.9, 5.0])
)


@given(
    st.lists(
        st.tuples(st.floats(-1.0, 15.0), NUMBERS, NUMBERS, st.none() | st.integers(0, 9)),
        max_size=60,
    )
)
def test_refused_reports_change_nothing_and_all_are_counted(
    reports: list[tuple[float, float, float, int | None]],
) -> None:
    monitor, twin = HealthMonitor(memory_limit_mb=100.0), HealthMonitor(memory_limit_mb=100.0)
    now_s = 0.0
    for step_s, percent, memory_mb, sequence in reports:
        at_s = now_s + step_s
        metrics = HealthMetrics(error_rate_percent=percent, memory_usage_mb=memory_mb)
        if monitor.report(metrics, at_s, sequence=sequence):
            now_s = at_s
            assert twin.report(metrics, at_s, sequence=sequence)
        assert monitor.status(now_s) == twin.status(now_s)
        assert monitor.history() == twin.history()
        assert monitor.latest == twin.latest
    assert monitor.accepted + sum(monitor.refused.values()) == len(reports)


class AlwaysJudged(HealthMonitor):
    """One that lets no report pass unjudged."""

    __slots__ = ()

    def _note_limits(self) -> None:
        self._quiet_percent = self._quiet_mb = self._quiet_ms = 0.0


REPORTS = st.tuples(
    st.sampled_from([0.1, 0.1, 0.1, 0.1, 0.1, 0.4, 1.5]),
    st.sampled_from([0.0, 0.0, 0.0, 0.0, 4.0, 6.0, 30.0, 95.0]),
    st.sampled_from([50.0, 50.0, 50.0, 85.0, 90.0]),
    st.sampled_from([20.0, 20.0, 20.0, 150.0, 700.0]),
)


@given(st.lists(REPORTS, max_size=120), st.sampled_from([0.1, 1.0, 10.0]))
def test_reports_that_are_not_judged_would_have_changed_nothing(
    reports: list[tuple[float, float, float, float]], interval_s: float
) -> None:
    settings: dict[str, Any] = {
        "parameters": HealthParameters(warm_up=3), "memory_limit_mb": 100.0,
        "interval_s": interval_s,
    }
    quick, whole = HealthMonitor(**settings), AlwaysJudged(**settings)
    now_s = 0.0
    for step_s, percent, memory_mb, response_ms in reports:
        now_s += step_s
        metrics = HealthMetrics(0.0, memory_mb, response_ms, percent)
        for each in (quick, whole):
            assert each.report(metrics, now_s)
        assert quick.status(now_s) == whole.status(now_s)
        assert quick.since_s == whole.since_s
    assert quick.history() == whole.history()


@given(st.lists(st.tuples(st.floats(0.0, 40.0), st.sampled_from([0.0, 4.0, 6.0, 30.0, 95.0])),
                max_size=80))
def test_reading_changes_nothing(reports: list[tuple[float, float]]) -> None:
    read, unread = HealthMonitor(), HealthMonitor()
    now_s = 0.0
    for step_s, percent in reports:
        read.status(now_s + step_s / 2, open_dependencies=["db"], flapping=True)
        read.history()
        now_s += step_s
        assert read.report(errors(percent), now_s) == unread.report(errors(percent), now_s)
    assert read.status(now_s) == unread.status(now_s)
    assert replace(read._state) == unread._state
