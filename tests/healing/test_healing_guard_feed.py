"""Guarded calls fill response time, errors and throughput with no code of the user's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.health.collector import ProcessCollector
from hms.agents.healing.health.guard_feed import GONE_MAX, NOTES_MAX, GuardFeed
from hms.agents.healing.health.health import HealthMonitor
from hms.agents.healing.interface import Degraded, HealthMetrics
from hms.agents.healing.loop import HealLoop
from hms.agents.healing.standalone import StandaloneSelfHealing


@dataclass
class Calls:
    """What one breaker counted."""

    phase: str = "closed"
    ok: int = 0
    failed: int = 0
    response_s_sum: float = 0.0
    response_samples: int = 0

    def add(self, ok: int = 0, failed: int = 0, response_s: float = 0.0) -> None:
        self.ok += ok
        self.failed += failed
        self.response_s_sum += response_s * ok
        self.response_samples += ok


@dataclass
class Breakers:
    each: dict[str, Calls] = field(default_factory=dict)

    def metrics(self) -> Mapping[str, Calls]:
        return self.each


def test_what_was_called_before_the_first_look_is_not_counted() -> None:
    breakers = Breakers({"db": Calls(ok=500, failed=500)})
    feed = GuardFeed(breakers.metrics)
    assert feed.sample(0.0) == (0.0, 0.0, 0.0)
    assert feed.sample(1.0) == (0.0, 0.0, 0.0)


def test_rates_are_those_of_the_last_window() -> None:
    breakers = Breakers({"db": Calls(), "search": Calls()})
    feed = GuardFeed(breakers.metrics, window_s=10.0)
    feed.sample(0.0)
    breakers.each["db"].add(ok=60, failed=20, response_s=0.02)
    breakers.each["search"].add(ok=20, response_s=0.1)
    assert feed.sample(5.0) == pytest.approx((40.0, 20.0, 20.0))
    assert feed.sample(10.0) == pytest.approx((40.0, 20.0, 10.0))
    assert feed.sample(15.0) == (0.0, 0.0, 0.0)  # the window is empty: no calls


def test_a_dependency_that_is_cut_off_adds_calls_but_no_errors() -> None:
    breakers = Breakers({"db": Calls(), "search": Calls()})
    feed = GuardFeed(breakers.metrics)
    feed.sample(0.0)
    breakers.each["db"].add(failed=10)
    breakers.each["search"].add(ok=30)
    breakers.each["db"].phase = "open"
    assert feed.sample(1.0) == pytest.approx((0.0, 0.0, 40.0))


def test_a_new_breaker_of_an_old_name_starts_from_nothing() -> None:
    breakers = Breakers({"db": Calls(ok=100)})
    feed = GuardFeed(breakers.metrics)
    feed.sample(0.0)
    breakers.each["db"] = Calls(ok=3, failed=1)
    breakers.each["new"] = Calls(ok=6)
    assert feed.sample(1.0) == pytest.approx((0.0, 25.0 * 4 / 10, 10.0))


def test_names_without_end_are_forgotten_and_one_that_returns_goes_on() -> None:
    breakers = Breakers({"db": Calls(ok=1)})
    feed = GuardFeed(breakers.metrics)
    feed.sample(0.0)
    db = breakers.each.pop("db")
    feed.sample(1.0)
    db.add(ok=2)
    breakers.each["db"] = db
    assert feed.sample(2.0).throughput_rps == pytest.approx(1.0)
    for i in range(5000):
        breakers.each = {f"tenant {i}": Calls(ok=1)}
        feed.sample(3.0 + i)
    assert len(feed._seen) <= GONE_MAX + 2


@given(st.lists(st.tuples(st.floats(0.001, 5.0), st.integers(0, 50), st.integers(0, 50)),
                max_size=100))
def test_notes_are_bounded_and_rates_are_shares(
    steps: list[tuple[float, int, int]],
) -> None:
    breakers = Breakers({"db": Calls()})
    feed = GuardFeed(breakers.metrics)
    now_s = 0.0
    feed.sample(now_s)
    for step_s, ok, failed in steps:
        now_s += step_s
        breakers.each["db"].add(ok=ok, failed=failed, response_s=0.05)
        response_ms, errors, rps = feed.sample(now_s)
        assert response_ms == 0.0 or response_ms == pytest.approx(50.0)
        assert 0.0 <= errors <= 100.0
        assert 0.0 <= rps < 1e6
        assert len(feed._notes) <= NOTES_MAX + 2


def test_guards_and_collector_make_a_whole_report_each_interval() -> None:
    breakers = Breakers({"db": Calls()})
    feed, collector, monitor = GuardFeed(breakers.metrics), ProcessCollector(), HealthMonitor()
    for now_s in range(5):
        breakers.each["db"].add(ok=90, failed=10, response_s=0.02)
        cpu_percent, memory_mb = collector.sample(float(now_s))
        assert monitor.report(
            HealthMetrics(cpu_percent, memory_mb, *feed.sample(float(now_s))), float(now_s)
        )
    assert isinstance(monitor.status(4.0), Degraded)
    latest = monitor.latest
    assert latest.memory_usage_mb > 1.0
    assert latest.response_time_ms == pytest.approx(20.0)
    assert latest.error_rate_percent == pytest.approx(10.0)
    assert latest.throughput_rps == pytest.approx(100.0)


def test_an_instance_with_only_guards_has_complete_metrics_each_interval(
    healing: Callable[..., StandaloneSelfHealing], clock: FakeClock
) -> None:
    each = healing()

    @each.guard("db")
    def query(fails: bool) -> None:
        clock.advance(0.02)
        if fails:
            raise OSError("no")

    async def live() -> list[HealthMetrics]:
        await each.initialize()
        loop = HealLoop(each)
        found = []
        for _ in range(4):
            for k in range(20):
                with suppress(OSError):
                    query(k == 0)
            clock.advance(0.6)
            await loop.round()
            found.append(await each.health_metrics())
        return found

    found = asyncio.run(live())
    assert all(metrics.memory_usage_mb > 1.0 for metrics in found)
    for metrics in found[1:]:
        assert metrics.error_rate_percent == pytest.approx(5.0)
        assert metrics.throughput_rps == pytest.approx(20.0)
        assert metrics.response_time_ms == pytest.approx(20.0)
    assert asyncio.run(each.check_health()).severity == 1  # 5 % thrice
