"""Who reports: the component, its loop in its place, or each a part."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.interface import Failed, HealthMetrics, Healthy
from hms.agents.healing.loop import HealLoop
from hms.agents.healing.standalone import StandaloneSelfHealing

ILL = HealthMetrics(error_rate_percent=100.0, throughput_rps=20.0)
WELL = HealthMetrics(throughput_rps=20.0)


class Rounds:
    """A loop's rounds, one a second."""

    def __init__(self, healing: StandaloneSelfHealing, clock: FakeClock) -> None:
        self.healing, self.clock, self.now = healing, clock, 0
        asyncio.run(healing.initialize())
        self.loop = HealLoop(healing)

    def go_on(self, seconds: int, metrics: HealthMetrics | None = None, every_s: int = 1) -> None:
        for _ in range(seconds):
            self.clock.advance(1.0)
            if metrics is not None and self.now % every_s == 0:
                self.healing.report(metrics)
            self.now += 1
            asyncio.run(self.loop.round())

    @property
    def status(self) -> type:
        return type(asyncio.run(self.healing.check_health()))


@pytest.mark.parametrize("every_s", [1, 2, 5])
def test_a_component_that_reports_less_often_than_rounds_are_made_is_seen_ill(
    healing: Callable[..., StandaloneSelfHealing], clock: FakeClock, every_s: int
) -> None:
    rounds = Rounds(healing(), clock)
    rounds.go_on(5 * every_s, WELL, every_s)
    rounds.go_on(2 * every_s + 1, ILL, every_s)
    assert rounds.status is Failed


def test_a_component_that_stops_reporting_fails_though_its_loop_goes_on(
    healing: Callable[..., StandaloneSelfHealing], clock: FakeClock
) -> None:
    rounds = Rounds(healing(), clock)
    rounds.go_on(30, WELL, every_s=5)
    rounds.go_on(20)
    assert rounds.status is Healthy
    rounds.go_on(12)
    assert rounds.status is Failed


def test_one_report_of_its_own_leaves_the_reporting_to_the_loop(
    healing: Callable[..., StandaloneSelfHealing], clock: FakeClock
) -> None:
    rounds = Rounds(healing(), clock)
    rounds.go_on(1, WELL)
    rounds.go_on(60)
    assert rounds.status is Healthy
    assert rounds.healing.health.latest.memory_usage_mb > 1.0


def test_the_rhythm_is_that_of_the_components_own_reports(
    healing: Callable[..., StandaloneSelfHealing], clock: FakeClock
) -> None:
    rounds = Rounds(healing(), clock)
    rounds.go_on(10)
    rounds.go_on(60 * 8, WELL, every_s=60)  # six times the time that three reports may take
    assert rounds.status is Healthy


def test_custom_metrics_stand_beside_what_the_loop_reports(
    healing: Callable[..., StandaloneSelfHealing], clock: FakeClock
) -> None:
    each = healing()
    query = each.guard("db", count=OSError)

    def fail() -> None:
        raise OSError("no")

    rounds = Rounds(each, clock)
    for _ in range(6):
        for _ in range(3):
            with pytest.raises(OSError):
                query.call(fail)
            for _ in range(4):
                query.call(lambda: None)
        rounds.go_on(1)
        assert each.report(HealthMetrics(custom={"waiting": 4.0}))
    assert each.health.latest.custom == {"waiting": 4.0}
    assert each.health.latest.error_rate_percent == pytest.approx(20.0)
    assert asyncio.run(each.check_health()).severity == 1
    assert not each.report(HealthMetrics(custom={"waiting": float("nan")}))
