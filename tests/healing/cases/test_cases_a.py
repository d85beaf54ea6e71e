"""Breaker cases A: closed."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from typing import Any

import pytest
from breaker_play import OFF, Build, at, end, must_add_up, play

from hms.agents.healing import AdaptiveConfig
from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.breaker.events import BreakerEvent
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.factory import create_basic_self_healing
from hms.agents.policy.parameters import BreakerParameters
from hms.errors import BreakerOpen, ConfigRefused


def test_a1_a_success_may_trip(breaker: Build) -> None:
    each = breaker(window_calls=5)
    assert play(each, "F F F S") == "closed"
    assert play(each, "S") == "open"
    assert "60.0 % of 5 >= 50 %" in each.explain()


def test_a2_opens_at_exactly_the_threshold(breaker: Build) -> None:
    assert play(breaker(window_calls=4, minimum_calls=4), "S F S F") == "open"


def test_a3_nothing_below_the_minimum(breaker: Build) -> None:
    each = breaker()
    assert play(each, "F F F F") == "closed"
    counted = each.metrics()
    assert counted.calls_in_window < each.parameters.minimum_calls
    assert counted.failed_in_window == 4.0


def test_a4_a_minimum_larger_than_the_window_is_refused(breaker: Build) -> None:
    with pytest.raises(ConfigRefused, match=r"breaker\.minimum_calls: 5 results never fit"):
        breaker(window_calls=4, minimum_calls=5)


def test_a5_the_oldest_result_leaves(breaker: Build) -> None:
    held = {"window_calls": 10, "minimum_calls": 10, "failure_rate": 0.3}
    assert play(breaker(**held), "F F SSSSSSS F") == "open"
    each = breaker(**held)
    assert play(each, "F F SSSSSSSS F") == "closed"
    assert each.metrics().failed_in_window == 2.0


def test_a6_half_of_what_a_time_window_holds(breaker: Build, clock: FakeClock) -> None:
    each = breaker(window_kind=1, window_s=20.0)
    for moment_s, event in enumerate("SSSFF"):
        at(clock, float(moment_s))
        assert play(each, event) == "closed"
    at(clock, 5.0)
    assert play(each, "F") == "open"


def test_a7_results_leave_a_time_window_with_their_slice(breaker: Build, clock: FakeClock) -> None:
    each = breaker(window_kind=1, window_s=10.0)
    play(each, "F")
    at(clock, 0.95)
    play(each, "F")
    at(clock, 9.99)
    assert each.metrics().calls_in_window == 2.0
    at(clock, 10.0)
    assert each.metrics().calls_in_window == 0.0


def test_a8_an_idle_window_is_empty(breaker: Build, clock: FakeClock) -> None:
    each = breaker(window_kind=1, window_s=5.0, failure_rate=0.2)
    play(each, "F F F F")
    at(clock, 3600.0)
    assert play(each, "F") == "closed"
    assert each.metrics().calls_in_window == 1.0


def test_a9_a_call_longer_than_the_window_counts_when_it_ends(
    breaker: Build, clock: FakeClock
) -> None:
    each = breaker(window_kind=1, window_s=30.0)
    permit = each.admit()
    at(clock, 40.0)
    end(each, permit, "F")
    assert each.metrics().failed_in_window == 1.0


def test_a10_a_success_ends_a_row(breaker: Build) -> None:
    each = breaker(consecutive_failures=3, **OFF)
    assert play(each, "F F S F F") == "closed"
    assert play(breaker(consecutive_failures=3, **OFF), "F F F") == "open"


def test_a11_an_ignored_result_does_not_end_a_row(breaker: Build) -> None:
    assert play(breaker(consecutive_failures=3, **OFF), "F F I F") == "open"


def test_a12_a_row_opens_whatever_the_minimum_says(breaker: Build) -> None:
    each = breaker(consecutive_failures=3)
    assert play(each, "F F F") == "open"
    assert each.explanation().cause == "consecutive failures"
    assert each.explanation().detail == "3 in a row"


def test_a13_slow_successes_open_it(breaker: Build, clock: FakeClock) -> None:
    each = breaker(window_calls=4, minimum_calls=4, slow_call_rate=0.5)
    assert play(each, "L L S S", clock) == "open"
    assert each.explanation().cause == "slow-call rate"
    assert each.metrics().failed_in_window == 0.0


def test_a14_exactly_the_limit_is_not_slow(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    permit = each.admit()
    at(clock, 2.0)
    each.succeeded(permit)
    assert each.metrics().slow_in_window == 0.0
    play(each, "L", clock)
    assert each.metrics().slow_in_window == 1.0


def test_a15_a_slow_failure_is_in_both_rates(breaker: Build, clock: FakeClock) -> None:
    each = breaker(window_calls=5, failure_rate=0.6, slow_call_rate=0.6)
    permit = each.admit()
    clock.advance(2.001)
    end(each, permit, "F")
    assert play(each, "L F S L", clock) == "open"
    assert each.explanation().cause == "slow-call rate"
    counted = each.metrics()
    assert (counted.failed_in_window, counted.slow_in_window) == (2.0, 3.0)


def test_a16_who_trips_it_gets_its_own_error(clock: FakeClock) -> None:
    healing = create_basic_self_healing("cart", clock=clock)
    guard = healing.guard("db")
    rules = dataclasses.replace(guard.breaker.parameters, consecutive_failures=2, **OFF)
    guard.breaker.reconfigure(rules)
    errors = [OSError("first"), OSError("second")]

    @guard
    def read() -> None:
        raise errors[calls]

    for calls in range(2):
        with pytest.raises(OSError, match=r"first|second") as raised:
            read()
        assert raised.value is errors[calls]
    with pytest.raises(BreakerOpen):
        read()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("failure_rate", 0.0), ("failure_rate", 101.0), ("open_s", 0.0),
        ("failure_rate", float("nan")), ("half_open_calls", True), ("slow_call_s", float("inf")),
        ("window_kind", 2), ("window_calls", 2.5),
    ],
)  # fmt: skip
def test_a17_what_has_no_meaning_is_refused_by_name(
    breaker: Build, name: str, value: Any
) -> None:
    with pytest.raises(ConfigRefused, match=rf"breaker\.{name}: "):
        breaker(**{name: value})
    each = breaker()
    held = each.parameters
    with pytest.raises(ConfigRefused, match=name):
        each.reconfigure(dataclasses.replace(held, **{name: value}))
    assert each.parameters is held


def test_a17_no_failures_in_a_row_are_refused_by_name() -> None:
    healing = create_basic_self_healing("cart")

    async def configure() -> None:
        await healing.initialize()
        await healing.apply_config(
            AdaptiveConfig({"circuit_breaker": {"failure_threshold": 0}}, "test", 1.0)
        )

    with pytest.raises(ConfigRefused, match="failure_threshold"):
        asyncio.run(configure())


def test_a18_a_hundred_threads_that_fail_at_once_open_it_once(clock: FakeClock) -> None:
    told: list[BreakerEvent] = []
    given = BreakerParameters(consecutive_failures=5, jitter_share=0.0, **OFF)
    each = Breaker("db", given, clock, lambda: 0.5, [told.append])
    together = threading.Barrier(100)

    def fail() -> None:
        permit = each.admit()
        together.wait()
        end(each, permit, "F")

    threads = [threading.Thread(target=fail) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = must_add_up(each)
    assert [event.kind for event in told] == ["opened"]
    assert (counted.failed, counted.failed + counted.late) == (5, 100)
