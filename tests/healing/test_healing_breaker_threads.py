"""32 threads at one breaker, at a switch interval of 1 µs; ten million calls in the soak."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from breaker_play import must_add_up, play
from breaker_threads import Found, hammer, switching_each_microsecond

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.calls.dependencies import Dependencies
from hms.agents.healing.calls.guard import Guard
from hms.agents.healing.clock import FakeClock, MonotonicClock
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import BreakerParameters

THREADS = 32


def must_hold(found: Found) -> None:
    assert found.most_probes_out <= 3
    assert found.numbers == list(range(1, len(found.numbers) + 1))
    assert found.kinds["opened"] > 100
    still_open = found.kinds["opened"] - found.kinds["half_opened"]  # the last, at the end
    assert still_open in (0, 1)
    assert found.outcomes["refused"] > 100


@pytest.mark.slow
def test_h4_nothing_is_lost_among_200_000_calls_of_32_threads(clock: FakeClock) -> None:
    must_hold(hammer(THREADS, 200_000, clock))


@pytest.mark.soak
def test_h4_nothing_is_lost_among_ten_million_calls(clock: FakeClock) -> None:
    for _ in range(10):
        must_hold(hammer(THREADS, 1_000_000, FakeClock(clock.now_s())))


def test_successes_of_many_threads_are_counted_each_once() -> None:
    """On the real clock, in step with looks every 50 ms and overdue calls of 1 ms."""
    each = Breaker(
        "db", BreakerParameters(slow_call_s=1e-3, slow_call_rate=2.0), MonotonicClock(), float
    )
    call = Guard(each)(int)

    def work() -> None:
        for _ in range(5_000):
            call()

    threads = [threading.Thread(target=work) for _ in range(8)]
    with switching_each_microsecond():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    counted = must_add_up(each)
    assert (counted.ok, counted.in_flight, counted.late) == (40_000, 0, 0)
    assert not each.era.flights
    assert not each.era.overdue


def test_a_garbage_collected_generator_waits_for_no_lock(clock: FakeClock) -> None:
    each = Breaker("db", BreakerParameters(), clock, lambda: 0.5)

    @Guard(each)
    def rows() -> Iterator[int]:
        yield 1
        yield 2

    under_way = rows()
    next(under_way)
    with each._lock:  # as if the collector came while this thread holds it
        under_way.close()
    assert each.metrics().in_flight == 1
    play(each, "F")  # takes the lock
    counted = must_add_up(each)
    assert (counted.ignored, counted.in_flight) == (1, 0)


def test_names_come_and_go_under_threads(clock: FakeClock) -> None:
    each = Dependencies(HealingPolicy(), True, clock, lambda: 0.5, names_max=20)

    def work(seed: int) -> None:
        for number in range(300):
            guard = each.guard(f"tenant {(number * 7 + seed) % 60}")
            if number % 50 == seed:
                guard.breaker.open_for(1.0)
                guard.breaker.reset()
            if guard.breaker.phase == "closed":
                guard.breaker.report_calls(1, 0, 0)

    with switching_each_microsecond(), ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, seed) for seed in range(8)]:
            done.result()
    each.guard("one more")
    assert len(each.guards()) <= 20
    assert each.open_names() == []
