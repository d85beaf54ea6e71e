"""Breaker cases B: open time."""

from __future__ import annotations

import gc
import itertools
import random
import tracemalloc
import weakref

import pytest
from breaker_play import OFF, Build, at, must_add_up, parameters_of, play, refused

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.breaker.events import BreakerEvent
from hms.agents.healing.calls.classification import Verdict
from hms.agents.healing.calls.guard import Guard
from hms.agents.healing.calls.guard_settings import GuardSettings
from hms.agents.healing.clock import FakeClock, MonotonicClock
from hms.agents.policy.parameters import BreakerParameters


def test_b1_a_probe_may_come_when_nothing_is_left(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    play(each, "FFFFF")
    at(clock, 4.999)
    assert refused(each).phase == "open"
    at(clock, 5.0)
    assert each.admit().probe


def test_b2_reading_changes_nothing(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    play(each, "FFFFF")
    events = each.metrics().events
    at(clock, 9.0)
    assert (each.phase, each.explain(), each.metrics().phase) == ("open", "", "open")
    assert each.metrics().events == events
    each.admit()
    assert each.phase == "half_open"


def open_times(each: Breaker, clock: FakeClock, count: int) -> list[float]:
    """How long it stays open, time after time, every probe failing."""
    found = []
    for _ in range(count):
        play(each, "F")
        assert each.phase == "open"
        found.append(refused(each).retry_after_s)
        clock.advance(found[-1])
    return found


def test_b3_it_grows_to_the_cap_and_starts_anew_once_closed(
    breaker: Build, clock: FakeClock
) -> None:
    each = breaker(
        consecutive_failures=1, half_open_calls=1, open_multiplier=2.0, open_max_s=30.0, **OFF
    )
    assert open_times(each, clock, 5) == [5.0, 10.0, 20.0, 30.0, 30.0]
    assert play(each, "S") == "closed"
    assert open_times(each, clock, 1) == [5.0]


def test_b4_jitter_only_takes_off_and_is_drawn_once_an_opening(clock: FakeClock) -> None:
    given = BreakerParameters(
        consecutive_failures=1, half_open_calls=1, open_multiplier=1.0, jitter_share=0.2, **OFF
    )
    each = Breaker("db", given, clock, random.Random(7).random)
    spans = open_times(each, clock, 1000)
    assert all(4.0 < span <= 5.0 for span in spans)
    assert max(spans) - min(spans) > 0.9
    play(each, "F")
    assert refused(each).retry_after_s == refused(each).retry_after_s


def test_b5_the_wall_clock_decides_nothing(
    breaker: Build, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = breaker(open_s=60.0)
    play(each, "FFFFF")
    at(clock, 1.0)
    monkeypatch.setattr("time.time", lambda: -3600.0)
    at(clock, 59.999)
    refused(each)
    at(clock, 60.0)
    assert each.admit().probe
    assert MonotonicClock.now_s.__name__ == "monotonic"  # what a breaker reads unless told


def test_b6_refusals_extend_nothing_and_are_in_no_window(
    breaker: Build, clock: FakeClock
) -> None:
    each = breaker()
    play(each, "FFFFF")
    for moment_s in (1.0, 2.0, 3.0, 4.0):
        at(clock, moment_s)
        refused(each)
    assert each.metrics().calls_in_window == 5.0
    at(clock, 5.0)
    assert each.admit().probe
    assert must_add_up(each).refused == 4


def test_b7_a_refusal_says_why_and_when_to_come_again(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    play(each, "FFFFF")
    at(clock, 3.0)
    error = refused(each)
    assert error.retry_after_s == pytest.approx(2.0)
    assert (error.cause, error.last_error) == ("failure rate", "ValueError('no')")
    assert (error.dependency, error.phase) == ("db", "open")


def test_b8_each_refusal_is_a_new_error_and_memory_stays_flat(breaker: Build) -> None:
    each = breaker()
    play(each, "FFFFF")
    assert refused(each) is not refused(each)
    for _ in range(100):
        refused(each)
    tracemalloc.start()
    try:
        before = held_by_breakers()
        kept = [weakref.ref(refused(each)) for _ in range(5_000)]
        grown = held_by_breakers() - before
    finally:
        tracemalloc.stop()
    assert [error() for error in kept if error() is not None] == []
    assert grown < 5_000  # a number kept of each refusal would take more than 100,000
    assert refused(each).__traceback__ is not None


def held_by_breakers() -> int:
    """Bytes that were allocated in the breaker's own files, whatever else runs in the process."""
    gc.collect()
    taken = tracemalloc.take_snapshot()
    own = taken.filter_traces([tracemalloc.Filter(True, "*/healing/breaker/*")])
    return sum(each.size for each in own.statistics("filename"))


@pytest.mark.parametrize("half_open", [False, True])
def test_b9_the_callee_may_say_for_how_long(
    breaker: Build, clock: FakeClock, half_open: bool
) -> None:
    each = breaker(open_multiplier=2.0)
    if half_open:
        play(each, "FFFFF")
        clock.advance(5.0)
    opened_before = each.saved().opened_in_row
    settings = GuardSettings(judge=lambda status: Verdict(status >= 500, 30.0))
    assert Guard(each, settings).call(lambda: 503) == 503
    assert refused(each).retry_after_s == pytest.approx(30.0)
    assert refused(each).cause == "told by the callee"
    assert each.saved().opened_in_row == opened_before
    each.reconfigure(parameters_of(each, open_s=7.0))
    assert refused(each).retry_after_s == pytest.approx(30.0)


def test_b10_thousands_of_failed_probes_stay_at_the_cap(breaker: Build, clock: FakeClock) -> None:
    each = breaker(
        consecutive_failures=1, half_open_calls=1, open_multiplier=2.0, open_max_s=60.0, **OFF
    )
    assert open_times(each, clock, 2000)[-1] == 60.0


def test_b9_an_error_may_say_it_too_and_nonsense_is_not_believed(breaker: Build) -> None:
    told: list[BreakerEvent] = []
    answers = iter([-1.0, float("nan"), True, 0.0, 30.0])
    each = breaker(minimum_calls=10)
    each._events.listeners = [told.append]
    guard = Guard(each, GuardSettings(retry_after=lambda error: next(answers)))
    for _ in itertools.repeat(None, 5):
        with pytest.raises(OSError, match="gone"):
            guard.call(_gone)
    assert [event.kind for event in told] == ["opened"]
    assert each.metrics().failed == 5


def _gone() -> None:
    raise OSError("gone")
