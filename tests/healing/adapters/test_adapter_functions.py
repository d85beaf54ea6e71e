"""Plain functions as a component's entry: their calls are its traffic."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from hms.agents.healing.adapters.functions import answers
from hms.agents.healing.adapters.traffic import traffic_of
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.standalone import StandaloneSelfHealing

Build = Callable[..., StandaloneSelfHealing]


def test_values_and_errors_pass_and_are_counted(healing: Build, clock: FakeClock) -> None:
    instance = healing()

    @answers(instance)
    def on_message(number: int) -> int:
        clock.advance(0.1)
        if number < 0:
            raise ValueError("below zero")
        return 2 * number

    assert on_message(4) == 8
    with pytest.raises(ValueError, match="below zero"):
        on_message(-1)
    traffic = traffic_of(instance)
    assert (traffic.ok, traffic.failed) == (1, 1)
    assert traffic.response_s_sum == pytest.approx(0.2)
    assert on_message.__name__ == "on_message"


def test_coroutine_functions_and_generators_are_timed_to_their_end(
    healing: Build, clock: FakeClock
) -> None:
    instance = healing()

    @answers(instance)
    async def fetch() -> int:
        clock.advance(1.0)
        return 1

    @answers(instance)
    def rows() -> Iterator[int]:
        yield 1
        clock.advance(1.0)
        yield 2

    @answers(instance)
    async def events() -> AsyncIterator[int]:
        yield 1
        clock.advance(1.0)
        raise OSError("gone")

    async def main() -> None:
        assert await fetch() == 1
        with pytest.raises(OSError, match="gone"):
            async for _ in events():
                await asyncio.sleep(0)

    asyncio.run(main())
    assert list(rows()) == [1, 2]
    traffic = traffic_of(instance)
    assert (traffic.ok, traffic.failed, traffic.response_s_sum) == (2, 1, 3.0)


def test_what_is_cut_off_says_nothing(healing: Build, clock: FakeClock) -> None:
    instance = healing()

    @answers(instance)
    def rows() -> Iterator[int]:
        yield 1
        yield 2

    @answers(instance)
    def interrupted() -> None:
        raise KeyboardInterrupt

    half = rows()
    next(half)
    half.close()  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    traffic = traffic_of(instance)
    assert (traffic.ok, traffic.failed, traffic.neutral) == (0, 0, 2)


def test_no_call_is_lost_between_threads(healing: Build) -> None:
    instance = healing()

    @answers(instance)
    def work() -> None:
        return None

    threads = [threading.Thread(target=lambda: [work() for _ in range(500)]) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert traffic_of(instance).ok == 4000


def test_traffic_becomes_a_report_and_is_the_components_own(
    healing: Build, clock: FakeClock
) -> None:
    instance = healing()
    asyncio.run(instance.initialize())
    traffic = traffic_of(instance)
    assert traffic_of(instance) is traffic
    for _ in range(4):
        clock.advance(1.0)
        with pytest.raises(OSError), traffic.request():
            raise OSError("no disk")
        assert instance.report(traffic.metrics(memory_mb=12.0))
    latest = asyncio.run(instance.health_metrics())
    assert (latest.error_rate_percent, latest.memory_usage_mb) == (100.0, 12.0)
    assert latest.throughput_rps == pytest.approx(1.0)
    assert asyncio.run(instance.check_health()).severity == 3
