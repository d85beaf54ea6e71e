"""Health: the cases S1 to S7 and S14, through an instance, on a fake clock."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from hms.agents.healing import Degraded, Failed, HealthMetrics, HealthStatus, Healthy
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.health.health import HealthMonitor
from hms.agents.healing.standalone import StandaloneSelfHealing

T = TypeVar("T")
Build = Callable[..., StandaloneSelfHealing]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@pytest.fixture
def cart(healing: Build) -> StandaloneSelfHealing:
    """An instance, initialised."""
    each = healing()
    run(each.initialize())
    return each


def errors(percent: float) -> HealthMetrics:
    return HealthMetrics(error_rate_percent=percent, throughput_rps=10.0)


def states(
    cart: StandaloneSelfHealing, clock: FakeClock, percents: list[float], step_s: float = 1.0
) -> list[str]:
    """The state after each report of so many percent errors."""
    found = []
    for percent in percents:
        clock.advance(step_s)
        assert cart.report(errors(percent))
        found.append(type(run(cart.check_health())).__name__)
    return found


def test_s1_a_state_is_entered_after_three_reports_in_a_row(
    cart: StandaloneSelfHealing, clock: FakeClock
) -> None:
    assert states(cart, clock, [5, 5, 4, 5, 5, 5]) == ["Healthy"] * 5 + ["Degraded"]


def test_s2_and_left_after_three_below_its_way_back(
    cart: StandaloneSelfHealing, clock: FakeClock
) -> None:
    states(cart, clock, [5, 5, 4, 5, 5, 5])
    assert states(cart, clock, [4, 4, 4, 2, 2, 2]) == ["Degraded"] * 5 + ["Healthy"]


def test_s3_what_cannot_be_believed_is_refused_and_counted(
    cart: StandaloneSelfHealing, clock: FakeClock
) -> None:
    clock.advance(100.0)
    taken = errors(1.0)
    assert cart.report(taken, reported_at_s=99.0, sequence=1)
    assert not cart.report(errors(math.nan))
    assert not cart.report(errors(math.inf))
    assert not cart.report(errors(-1.0))
    assert not cart.report(errors(2.0), reported_at_s=98.0)  # older
    assert not cart.report(taken, reported_at_s=99.0, sequence=1)  # twice
    refused = {reason: count for reason, count in cart.health.refused.items() if count}
    assert refused == {"not_finite": 2, "negative": 1, "out_of_order": 1, "doubled": 1}
    assert cart.refused_reports == 5
    assert (cart.health.accepted, run(cart.health_metrics())) == (1, taken)


def test_s4_before_any_report_there_are_zeros_and_health(cart: StandaloneSelfHealing) -> None:
    metrics = run(cart.health_metrics())
    assert metrics == HealthMetrics(0.0, 0.0, 0.0, 0.0, 0.0, {})
    assert run(cart.check_health()) == Healthy()
    assert cart.health.accepted == 0


def test_s5_asking_twice_gives_the_same_and_changes_nothing(
    cart: StandaloneSelfHealing, clock: FakeClock
) -> None:
    states(cart, clock, [30, 30])
    clock.advance(1.0)
    first = run(cart.check_health())
    assert run(cart.check_health()) == first == Healthy()
    assert states(cart, clock, [30]) == ["Critical"]  # the third in a row, however often asked
    clock.advance(1000.0)
    assert run(cart.check_health()) == run(cart.check_health())
    assert isinstance(run(cart.check_health()), Failed)


def test_s6_four_changes_in_a_minute_are_one_flapping_issue(
    cart: StandaloneSelfHealing, clock: FakeClock
) -> None:
    issues = []
    for _ in range(3):  # 3 s ill, 7 s well: a change each
        states(cart, clock, [50] * 3)
        issues.append(cart.issue)
        states(cart, clock, [0] * 7)
        issues.append(cart.issue)
    kinds = [issue.kind if issue else "none" for issue in issues]
    assert kinds == ["errors", "none", "errors", "flapping", "errors", "flapping"]
    told = run(cart.check_health())
    assert told == Degraded("flapping: its state changes too often")
    states(cart, clock, [0] * 61)  # calm for a minute
    assert (cart.issue, run(cart.check_health())) == (None, Healthy())


def test_s7_an_open_dependency_is_degraded_not_failed(
    cart: StandaloneSelfHealing, clock: FakeClock
) -> None:
    cart.guard("db").breaker.report_calls(ok=0, failed=10, slow=0)
    assert run(cart.check_health()) == Degraded("breaker open: db")
    assert states(cart, clock, [0] * 5, step_s=0.1) == ["Degraded"] * 5


def test_s14_a_total_failure_is_seen_within_one_window_and_one_report(
    cart: StandaloneSelfHealing, clock: FakeClock
) -> None:
    assert states(cart, clock, [0, 0, 0], step_s=5.0)[-1] == "Healthy"
    began_s = clock.now_s()
    found: list[HealthStatus] = []
    while not found or found[-1].is_healthy:
        clock.advance(5.0)
        cart.report(errors(100.0))
        found.append(run(cart.check_health()))
    assert clock.now_s() - began_s <= 15.0


@pytest.mark.parametrize("offset_s", [0.0, 1.7, 4.9])
def test_s14_holds_for_rates_over_a_window_too(offset_s: float) -> None:
    """Guarded calls are counted over a window of 10 s: the first rates are mixed."""
    monitor = HealthMonitor()
    for at_s in range(5, 60, 5):
        failing_s = min(max(at_s - 30.0 - offset_s, 0.0), 10.0)  # of the last 10, if @30 it fails
        monitor.report(errors(100.0 * failing_s / 10.0), float(at_s))
        if at_s >= 30.0 + offset_s + 15.0:
            assert not monitor.status(float(at_s)).is_healthy
