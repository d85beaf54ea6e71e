"""Reports to status, with hysteresis: three in a row, both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hms.agents.healing import (
    Critical,
    Degraded,
    Failed,
    HealthMetrics,
    HealthStatus,
    Healthy,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.standalone import StandaloneSelfHealing

Build = Callable[..., StandaloneSelfHealing]


def states(healing: StandaloneSelfHealing, clock: FakeClock, percents: list[float]) -> list[str]:
    """The state after each report of so many percent errors, a second apart."""

    async def follow() -> list[str]:
        await healing.initialize()
        found = []
        for percent in percents:
            clock.advance(1.0)
            assert healing.report(HealthMetrics(error_rate_percent=percent, throughput_rps=10.0))
            found.append(type(await healing.check_health()).__name__)
        return found

    return asyncio.run(follow())


def test_s1_a_state_is_entered_after_three_reports_in_a_row(
    healing: Build, clock: FakeClock
) -> None:
    found = states(healing(), clock, [5, 5, 4, 5, 5, 5])
    assert found == ["Healthy"] * 5 + ["Degraded"]


def test_s2_and_left_after_three_below_its_way_back(healing: Build, clock: FakeClock) -> None:
    found = states(healing(), clock, [5, 5, 5, 4, 4, 4, 2, 2, 2])
    assert found == ["Healthy"] * 2 + ["Degraded"] * 6 + ["Healthy"]


@pytest.mark.parametrize(
    ("percent", "state"), [(4.9, Healthy), (5, Degraded), (25, Critical), (90, Failed)]
)
def test_each_state_has_its_limit(
    healing: Build, clock: FakeClock, percent: float, state: type[HealthStatus]
) -> None:
    assert states(healing(), clock, [percent] * 3)[-1] == state.__name__


def test_a_worse_state_is_left_for_the_milder_one_that_still_holds(
    healing: Build, clock: FakeClock
) -> None:
    assert states(healing(), clock, [95] * 3 + [6] * 3)[-1] == "Degraded"
    assert states(healing(), clock, [95] * 3 + [20] * 3)[-1] == "Critical"


def test_memory_near_its_limit_is_critical(healing: Build, clock: FakeClock) -> None:
    each = healing(memory_limit_mb=100.0)

    async def follow() -> HealthStatus:
        await each.initialize()
        for _ in range(3):
            each.report(HealthMetrics(memory_usage_mb=90.0))
        return await each.check_health()

    assert asyncio.run(follow()) == Critical("0 % errors, memory at 90 % of its limit")


def test_s7_an_open_dependency_is_degraded_not_failed(healing: Build, clock: FakeClock) -> None:
    each = healing()

    async def follow() -> HealthStatus:
        await each.initialize()
        each.guard("db").breaker.report_calls(ok=0, failed=10, slow=0)
        return await each.check_health()

    assert asyncio.run(follow()) == Degraded("breaker open: db")


@pytest.mark.parametrize(
    "metrics",
    [
        HealthMetrics(error_rate_percent=float("nan")),
        HealthMetrics(response_time_ms=float("inf")),
        HealthMetrics(memory_usage_mb=-1.0),
        HealthMetrics(error_rate_percent=101.0),
        HealthMetrics(custom={"queue": float("nan")}),
    ],
)
def test_s3_a_report_that_cannot_be_believed_is_refused_and_counted(
    healing: Build, metrics: HealthMetrics
) -> None:
    each = healing()

    async def follow() -> HealthMetrics:
        await each.initialize()
        assert not each.report(metrics)
        return await each.health_metrics()

    assert asyncio.run(follow()) == HealthMetrics()
    assert each.refused_reports == 1


def test_units_are_converted_once() -> None:
    metrics = HealthMetrics(error_rate_percent=12.5, response_time_ms=250.0)
    assert (metrics.error_share, metrics.response_s) == (0.125, 0.25)
