"""Section 3.4.3: metrics are collected and analysed, a status follows, issues, and a history.

The table of transitions: docs/health.md; its cases: S1 to S7 and S14 in tests/healing/cases.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from component_under_test import ERRORS, OUT_OF_MEMORY, WELL, Component

from hms.agents.healing import Critical, Degraded, Failed, HealthMetrics
from hms.agents.healing.loop import HealLoop
from hms.agents.healing.testing import FakeClock

Build = Callable[..., Component]


def test_metrics_are_collected_without_code_of_the_component(
    component: Build, clock: FakeClock
) -> None:
    cart = component().start()
    rounds, guard = HealLoop(cart.healing), cart.healing.guard("db")

    async def lives() -> HealthMetrics:
        for _ in range(3):
            clock.advance(1.0)
            guard.call(lambda: "row")
            with pytest.raises(OSError), guard:
                raise OSError("down")
            await rounds.round()
        return await cart.healing.health_metrics()

    seen: HealthMetrics = cart.run(lives())
    assert seen.memory_usage_mb > 1.0
    assert seen.error_rate_percent == pytest.approx(50.0)
    assert seen.throughput_rps == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("errors_percent", "status"), [(10.0, Degraded), (30.0, Critical), (95.0, Failed)]
)
def test_the_status_follows_from_them(
    component: Build, errors_percent: float, status: type
) -> None:
    cart = component().start()
    cart.live(3, HealthMetrics(error_rate_percent=errors_percent, throughput_rps=10.0))
    assert type(cart.status) is status
    cart.live(10, WELL)
    assert cart.status.is_healthy


def test_issues_that_need_recovery_are_named(component: Build) -> None:
    cart = component(memory_limit_mb=1000.0).start()
    cart.live(5, OUT_OF_MEMORY)
    assert cart.healing.issue is not None
    assert cart.healing.issue.kind == "memory"
    cart.live(30, WELL)
    assert cart.healing.issue is None


def test_what_is_unusual_is_noticed(component: Build) -> None:
    cart = component().start()
    cart.live(60, WELL)
    cart.live(3, HealthMetrics(10.0, 100.0, 20.0, 0.0, 500.0))
    assert "throughput_rps" in {each.metric for each in cart.healing.health.unusual}


def test_history_can_be_asked_for_a_span(component: Build) -> None:
    cart = component().start()
    cart.live(20, WELL)
    cart.live(20, ERRORS)
    points = cart.healing.health.history(0.0, 100.0)
    assert points[0].error_rate_percent == 0.0
    assert points[-1].error_rate_percent == 50.0
