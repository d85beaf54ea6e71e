"""Rules of the decision that no case names, seen through the runtime alone."""

from __future__ import annotations

import pytest
from breaker_play import OFF, Build, at, half_open, must_add_up, parameters_of, play, refused

from hms.agents.healing.clock import FakeClock
from hms.agents.policy.kinds import FOREVER_S, GROWTH_LINEAR


def test_mixed_batches_earn_a_row_by_its_expected_number(breaker: Build) -> None:
    """n(1-q)q^k/(1-q^k) at q .5, k 5: 1/31 for each two calls, so 62 calls."""
    each = breaker(consecutive_failures=5, **OFF)
    for _ in range(30):
        assert each.report_calls(ok=1, failed=1, slow=0) == "closed"
    assert each.report_calls(ok=1, failed=1, slow=0) == "open"
    assert each.explanation().cause == "consecutive failures"


def test_batches_of_failures_alone_are_a_row(breaker: Build) -> None:
    each = breaker(consecutive_failures=5, **OFF)
    assert each.report_calls(ok=0, failed=4, slow=0) == "closed"
    assert each.report_calls(ok=0, failed=1, slow=0) == "open"


def test_a_rare_failure_in_a_batch_earns_next_to_nothing(breaker: Build) -> None:
    each = breaker(consecutive_failures=100, **OFF)
    for _ in range(1000):
        assert each.report_calls(ok=9, failed=1, slow=0) == "closed"
    assert each.report_calls(ok=0, failed=0, slow=0) == "closed"


def test_metrics_only_forgets_what_a_row_had_earned_once_it_is_told(breaker: Build) -> None:
    each = breaker(consecutive_failures=5, **OFF)
    each.metrics_only()
    for batch in range(1, 70):
        each.report_calls(ok=1, failed=1, slow=0)
        assert each.metrics().would_open == batch // 31
    assert each.explanation().cause == "consecutive failures"


def test_a_linear_open_time(breaker: Build, clock: FakeClock) -> None:
    each = breaker(
        consecutive_failures=1, half_open_calls=1, open_growth=GROWTH_LINEAR, open_multiplier=2.0,
        open_max_s=17.0, **OFF,
    )  # fmt: skip
    spans = []
    for _ in range(5):
        play(each, "F")
        spans.append(refused(each).retry_after_s)
        clock.advance(spans[-1])
    assert spans == [5.0, 10.0, 15.0, 17.0, 17.0]


def test_without_a_multiplier_it_does_not_grow(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock, half_open_calls=1)
    play(each, "F")
    assert refused(each).retry_after_s == 5.0


def test_forced_open_names_its_cause_and_no_time(breaker: Build) -> None:
    each = breaker()
    each.force_open()
    error = refused(each)
    assert (error.cause, error.retry_after_s) == ("forced", FOREVER_S)
    each.release()
    each.disable()
    assert each.explanation().cause == "none"


def test_half_open_by_the_row_alone_says_so(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock, consecutive_failures=3, **OFF)
    play(each, "F")
    assert (each.explanation().cause, each.explanation().detail) == (
        "consecutive failures", "1 in a row",
    )  # fmt: skip


def test_probes_that_fail_say_nothing_where_only_slowness_counts(
    breaker: Build, clock: FakeClock
) -> None:
    each = breaker(failure_rate=2.0, slow_call_rate=0.5)
    assert play(each, "L L L L L", clock) == "open"
    clock.advance(5.0)
    assert play(each, "F") == "half_open"
    assert play(each, "F") == "closed"


def test_slow_probes_say_nothing_where_only_failures_count(
    breaker: Build, clock: FakeClock
) -> None:
    each = half_open(breaker, clock, slow_call_rate=2.0)
    assert play(each, "L L", clock) == "closed"


def test_without_a_breaker_all_pass_whatever_it_was_before(
    breaker: Build, clock: FakeClock
) -> None:
    each = breaker()
    play(each, "FFFFF")
    each.reconfigure(parameters_of(each, enabled=False))
    play(each, "F" * 20)
    clock.advance(3600.0)
    play(each, "SF")
    assert each.explain() == ""
    counted = must_add_up(each)
    assert (counted.refused, counted.failed, counted.ok) == (0, 26, 1)


def test_nothing_trips_below_the_minimum_also_by_slow_calls_in_flight(
    breaker: Build, clock: FakeClock
) -> None:
    each = breaker(minimum_calls=5, slow_call_rate=0.5)
    for _ in range(4):
        each.admit()
    clock.advance(2.001)
    assert not each.admit().probe
    clock.advance(2.001)
    assert refused(each).cause == "slow calls in flight"


def test_a_breaker_may_be_told_how_long_to_stay_open(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    for nonsense in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="expected: a finite time"):
            each.open_for(nonsense)
    each.open_for(7.0)
    assert refused(each).retry_after_s == 7.0
    clock.advance(7.0)
    assert play(each, "SS") == "closed"


def test_a_success_after_a_slice_turned_is_judged(breaker: Build, clock: FakeClock) -> None:
    """Old successes leave, the rate rises, and the next result may be a success."""
    each = breaker(window_kind=1, window_s=10.0, minimum_calls=2, failure_rate=0.6)
    play(each, "S S")
    at(clock, 1.5)
    play(each, "F F")
    at(clock, 9.99)
    each.admit()
    needs_no_lock = each.admit()
    assert not needs_no_lock.sampled
    at(clock, 10.0)
    each.succeeded(needs_no_lock)
    assert (each.phase, each.explanation().detail) == ("open", "66.7 % of 3 >= 60 %")
