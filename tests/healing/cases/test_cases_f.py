"""Breaker cases F: eras, calls in flight."""

from __future__ import annotations

import itertools

import pytest
from breaker_play import OFF, Build, at, end, must_add_up, play, refused

from hms.agents.healing.breaker.breaker import Breaker, Permit
from hms.agents.healing.breaker.events import BreakerEvent
from hms.agents.healing.clock import FakeClock


@pytest.mark.parametrize("outcome", ["S", "F"])
def test_f1_a_late_result_counts_nowhere(
    breaker: Build, clock: FakeClock, outcome: str
) -> None:
    told: list[BreakerEvent] = []
    rules = breaker(consecutive_failures=2, **OFF).parameters
    each = Breaker("db", rules, clock, lambda: 0.5, [told.append])
    early = each.admit()
    at(clock, 1.0)
    play(each, "F F")
    at(clock, 2.0)
    end(each, early, outcome)
    assert (each.phase, must_add_up(each).late) == ("open", 1)
    assert refused(each).retry_after_s == 4.0
    assert [event.kind for event in told if event.kind == "opened"] == ["opened"]


def test_f2_the_counters_add_up_at_any_moment(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    out: list[Permit] = []
    for number, event in enumerate(itertools.islice(itertools.cycle("SFFSXFISLFFFF"), 300)):
        if each.phase == "open":
            clock.advance(5.0)
        must_add_up(each)
        if each.explain() == "":
            out.append(each.admit())
        must_add_up(each)
        if len(out) > number % 4:
            end(each, out.pop(number % len(out)), event, clock)
        assert must_add_up(each).in_flight == len(out)
    assert must_add_up(each).late > 0


def test_f3_slow_calls_in_flight_open_it(breaker: Build, clock: FakeClock) -> None:
    each = breaker(window_kind=1, minimum_calls=10, slow_call_rate=0.5)
    for _ in range(20):
        each.admit()
    at(clock, 2.0)
    end(each, each.admit(), "I")
    at(clock, 2.001)
    assert refused(each).cause == "slow calls in flight"
    assert each.explanation().detail == "100.0 % of 20 >= 50 %"
    assert each.metrics().failed_in_window == 0.0


def test_f4_what_they_end_with_is_late(breaker: Build, clock: FakeClock) -> None:
    each = breaker(window_kind=1, minimum_calls=10, slow_call_rate=0.5)
    permits = [each.admit() for _ in range(20)]
    at(clock, 2.001)
    refused(each)
    at(clock, 3.0)
    for permit in permits:
        end(each, permit, "S")
    counted = must_add_up(each)
    assert (counted.late, counted.in_flight, each.phase) == (20, 0, "open")


def test_f5_a_slow_call_is_counted_once(breaker: Build, clock: FakeClock) -> None:
    each = breaker(window_calls=4, minimum_calls=4)
    slow = each.admit()
    at(clock, 2.5)
    play(each, "S")
    assert each.metrics().slow_in_flight == 1
    end(each, slow, "S")
    counted = must_add_up(each)
    assert (each.phase, counted.slow_in_window, counted.calls_in_window) == ("closed", 1.0, 2.0)
    assert counted.slow_in_flight == 0


def test_f6_a_permit_counts_once_and_a_forged_one_never(breaker: Build) -> None:
    each = breaker()
    permit = each.admit()
    each.succeeded(permit)
    each.failed(permit)
    each.ignored(permit)
    each.succeeded(permit)
    counted = must_add_up(each)
    assert (counted.ok, counted.failed, counted.double) == (1, 0, 3)
    forged = Permit(permit.era, 7, 0.0)
    for foreign in (forged, breaker().admit()):
        with pytest.raises(ValueError, match="never gave out this permit"):
            each.failed(foreign)
    assert must_add_up(each).admitted == 1


def test_f6_also_where_the_first_report_needed_no_lock(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    play(each, "S")
    first, second = each.admit(), each.admit()
    assert not first.sampled
    each.succeeded(first)
    each.succeeded(first)
    each.failed(second)
    each.succeeded(second)
    counted = must_add_up(each)
    assert (counted.ok, counted.failed, counted.double) == (2, 1, 2)
