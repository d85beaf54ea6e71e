"""The breaker's rules, case by case (ADR 0005: A closed, B open time, D, F, G)."""

import pytest
from breaker_cases import ROW_ONLY, case
from hypothesis import given
from hypothesis import strategies as st

from hms.agents.policy.breaker import (
    BreakerState,
    is_slow,
    lose_era,
    may_pass,
    open_duration_s,
    open_for,
    reconfigure,
    record,
    remaining_s,
    set_mode,
)
from hms.agents.policy.kinds import (
    CAUSE_CONSECUTIVE,
    CAUSE_FAILURE_RATE,
    CAUSE_FORCED,
    CAUSE_GIVEN,
    CAUSE_SLOW_IN_FLIGHT,
    CAUSE_SLOW_RATE,
    CLOSED,
    DISABLED,
    FORCED_OPEN,
    FOREVER_S,
    GROWTH_LINEAR,
    HALF_OPEN,
    METRICS_ONLY,
    OPEN,
    PASS,
    REFUSED,
)
from hms.agents.policy.parameters import BreakerParameters


def test_a1_a_success_may_trip_it():
    b = case(window_calls=5)
    assert b.calls("FFFS") == CLOSED
    assert b.calls("S") == OPEN
    assert b.s.cause == CAUSE_FAILURE_RATE


def test_a2_it_opens_at_exactly_the_threshold():
    assert case(window_calls=4, minimum_calls=4).calls("SFSF") == OPEN


def test_a3_below_the_minimum_of_calls_no_rate_counts():
    assert case().calls("FFFF") == CLOSED


def test_a5_the_oldest_result_leaves_the_window():
    assert case(minimum_calls=10, failure_rate=0.3).calls("FFSSSSSSSF") == OPEN
    assert case(minimum_calls=10, failure_rate=0.3).calls("FFSSSSSSSSF") == CLOSED


def test_a8_an_idle_time_window_is_empty():
    b = case(window_kind=1, window_s=5.0, failure_rate=0.2)
    b.calls("FFFF", 0.0)
    assert b.calls("F", 3600.0) == CLOSED


def test_a10_a_success_resets_the_failures_in_a_row():
    b = case(consecutive_failures=3, **ROW_ONLY)
    assert b.calls("FFSFF") == CLOSED
    assert b.calls("F") == OPEN
    assert b.s.cause == CAUSE_CONSECUTIVE


def test_a12_failures_in_a_row_ignore_the_minimum_of_calls():
    b = case(consecutive_failures=3)
    assert b.calls("FFF") == OPEN
    assert b.s.cause == CAUSE_CONSECUTIVE


def test_a13_slow_successes_open_it():
    b = case(window_calls=4, minimum_calls=4, slow_call_rate=0.5)
    assert b.calls("LLSS") == OPEN
    assert b.s.cause == CAUSE_SLOW_RATE


def test_a14_exactly_the_limit_is_not_slow():
    p = BreakerParameters(slow_call_s=2.0)
    assert not is_slow(p, 2.0)
    assert not is_slow(p, 12.3 + 2.0 - 12.3)
    assert is_slow(p, 2.001)


def test_a15_a_slow_failure_is_in_both_rates():
    b = case(window_calls=5, failure_rate=0.6, slow_call_rate=0.6)
    assert b.calls("BLFSL") == OPEN
    assert b.s.cause == CAUSE_SLOW_RATE


def test_rates_hold_at_the_counts_where_products_round_up():
    """`failed >= f * total` without slack is wrong at 7, 14, 28, 55, 56 of 100."""
    for percent in range(1, 101):
        b = case(window_calls=100, minimum_calls=100, failure_rate=percent / 100)
        record(b.s, b.p, b.slots, 0.0, 100.0, float(percent), 0.0, 0.0)
        assert b.s.phase == OPEN
        b = case(window_calls=100, minimum_calls=100, failure_rate=percent / 100)
        record(b.s, b.p, b.slots, 0.0, 100.0, float(percent - 1), 0.0, 0.0)
        assert b.s.phase == CLOSED


@pytest.mark.parametrize(
    ("k", "q", "calls_by_credit"), [(5, 0.3, 586), (5, 0.5, 62), (5, 0.9, 6.9)]
)
def test_mixed_amounts_earn_credit_for_runs_of_failures(k, q, calls_by_credit):
    b = case(consecutive_failures=k, window_calls=10_000, **ROW_ONLY)
    chunk, calls = 0.1, 0.0
    while b.s.phase == CLOSED:
        record(b.s, b.p, b.slots, 0.0, chunk, chunk * q, 0.0, 0.0)
        calls += chunk
    assert calls == pytest.approx(calls_by_credit, rel=0.02)


def test_an_amount_of_failures_alone_adds_to_the_row():
    b = case(consecutive_failures=5, **ROW_ONLY)
    record(b.s, b.p, b.slots, 0.0, 4.0, 4.0, 0.0, 0.0)
    assert b.s.phase == CLOSED
    record(b.s, b.p, b.slots, 0.0, 3.0, 0.0, 0.0, 0.0)
    record(b.s, b.p, b.slots, 0.0, 4.0, 4.0, 0.0, 0.0)
    assert b.s.phase == CLOSED
    record(b.s, b.p, b.slots, 0.0, 1.0, 1.0, 0.0, 0.0)
    assert b.s.phase == OPEN


def test_b1_it_is_due_at_exactly_its_time():
    b = case()
    b.calls("FFFFF", 0.0)
    assert b.call("S", 4.999) == "refused"
    assert b.call("S", 5.0) == "probe"


def test_b3_open_times_grow_and_start_anew_once_closed():
    b = case(half_open_calls=1, open_multiplier=2.0, open_max_s=30.0, consecutive_failures=1)
    now_s, opened = 0.0, []
    b.call("F", now_s)
    for _ in range(5):
        opened.append(b.s.due_s - now_s)
        now_s = b.s.due_s
        assert b.call("F", now_s) == "probe"
    assert opened == [5.0, 10.0, 20.0, 30.0, 30.0]
    now_s = b.s.due_s
    b.call("S", now_s)
    assert b.s.phase == CLOSED
    b.call("F", now_s)
    assert b.s.due_s - now_s == 5.0


def test_open_times_may_grow_by_a_step_each():
    p = BreakerParameters(open_s=30.0, open_max_s=100.0, open_growth=GROWTH_LINEAR,
                          jitter_share=0.0)
    assert [open_duration_s(p, n, 0.9) for n in range(4)] == [30.0, 60.0, 90.0, 100.0]


@given(st.integers(0, 40), st.floats(0.0, 1.0, exclude_max=True))
def test_b4_jitter_only_takes_off(n, u):
    p = BreakerParameters(open_s=5.0, open_multiplier=1.5, open_max_s=60.0, jitter_share=0.2)
    whole_s = open_duration_s(p, n, 0.0)
    assert whole_s <= 60.0
    assert 0.8 * whole_s <= open_duration_s(p, n, u) <= whole_s


def test_b9_the_callee_may_say_for_how_long():
    b = case()
    open_for(b.s, 2.0, 30.0)
    assert (b.s.phase, b.s.cause, b.s.due_s, b.s.opened_in_row) == (OPEN, CAUSE_GIVEN, 32.0, 0)
    reconfigure(b.s, b.p, BreakerParameters(open_s=1.0), b.slots, 3.0)
    assert remaining_s(b.s, 3.0) == 29.0


def test_b10_two_thousand_failed_probes_stay_at_the_cap():
    b = case(half_open_calls=1, open_multiplier=2.0, consecutive_failures=1)
    b.call("F", 0.0)
    for _ in range(2000):
        b.call("F", b.s.due_s)
    now_s = b.s.opened_at_s
    assert b.s.due_s - now_s == 60.0


def test_d1_forced_open_stays_open():
    b = case()
    set_mode(b.s, b.slots, FORCED_OPEN, 0.0)
    assert b.call("S", 3.2e7) == "refused"
    assert remaining_s(b.s, 3.2e7) == FOREVER_S
    assert b.s.cause == CAUSE_FORCED
    set_mode(b.s, b.slots, CLOSED, 3.2e7)
    assert b.call("S", 3.2e7) == "pass"
    assert b.s.window.total == 1.0


def test_d4_disabled_admits_all_and_counts_nothing():
    by_hand = case()
    set_mode(by_hand.s, by_hand.slots, DISABLED, 0.0)
    off = case(enabled=False)
    for b in (by_hand, off):
        assert b.calls("F" * 100) == b.s.phase != OPEN
        assert b.s.window.total == 0.0


def test_d5_metrics_only_says_when_it_would_open_once_until_it_calms():
    b = case(window_calls=5)
    set_mode(b.s, b.slots, METRICS_ONLY, 0.0)
    told = []
    for outcome in "FFFFFFSSSSFFF":
        before = b.s.breached
        assert b.call(outcome, 0.0) == "pass"
        told.append(b.s.breached and not before)
    assert told == [False] * 4 + [True] + [False] * 7 + [True]
    assert b.s.cause == CAUSE_FAILURE_RATE


def test_d7_reset_forgets_window_and_open_count():
    b = case(open_multiplier=2.0)
    b.calls("FFFFF")
    set_mode(b.s, b.slots, CLOSED, 1.0)
    assert (b.s.phase, b.s.window.total, b.s.opened_in_row) == (CLOSED, 0.0, 0)
    b.calls("FFFFF", 1.0)
    assert b.s.due_s == 6.0


def test_no_calls_leave_the_row_as_it_is():
    b = case(consecutive_failures=3, **ROW_ONLY)
    b.calls("FF")
    record(b.s, b.p, b.slots, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert b.calls("F") == OPEN


def test_metrics_only_tells_of_credit_again_only_when_it_is_earned_again():
    b = case(consecutive_failures=1, window_calls=1000, minimum_calls=1000, **ROW_ONLY)
    set_mode(b.s, b.slots, METRICS_ONLY, 0.0)
    told = []
    for _ in range(4):
        record(b.s, b.p, b.slots, 0.0, 1.0, 0.5, 0.0, 0.0)
        told.append(b.s.breached)
    assert told == [False, True, False, True]


def test_every_transition_starts_an_era():
    b = case(half_open_calls=1)
    eras = [b.s.era]
    b.calls("FFFFF")
    eras.append(b.s.era)
    b.call("S", 5.0)
    eras.append(b.s.era)
    assert eras == [0, 1, 3]  # opened; half-open and closed


def test_results_while_open_count_nowhere():
    b = case()
    b.calls("FFFFF")
    before = repr(b.s)
    record(b.s, b.p, b.slots, 1.0, 5.0, 5.0, 0.0, 0.0)
    assert repr(b.s) == before


def test_f3_slow_calls_in_flight_open_it_at_admission():
    b = case(window_kind=1, window_s=10.0, minimum_calls=10, slow_call_rate=0.5)
    assert may_pass(b.s, b.p, b.slots, 2.0, 0.0, 0.0) == PASS
    assert may_pass(b.s, b.p, b.slots, 2.001, 20.0, 0.0) == REFUSED
    assert (b.s.phase, b.s.cause) == (OPEN, CAUSE_SLOW_IN_FLIGHT)


def test_slow_calls_in_flight_are_no_samples_of_the_failure_rate():
    b = case(minimum_calls=10, failure_rate=0.5)
    b.calls("FFFF")
    assert may_pass(b.s, b.p, b.slots, 0.0, 5.0, 0.0) == PASS


def test_g1_g2_the_open_time_is_measured_anew():
    b = case(open_s=60.0)
    b.calls("FFFFF", 0.0)
    shorter = BreakerParameters(open_s=10.0, jitter_share=0.0, open_multiplier=1.0)
    reconfigure(b.s, b.p, shorter, b.slots, 4.0)
    assert remaining_s(b.s, 4.0) == 6.0
    longer = BreakerParameters(open_s=60.0, jitter_share=0.0, open_multiplier=1.0)
    reconfigure(b.s, shorter, longer, b.slots, 4.0)
    assert remaining_s(b.s, 4.0) == 56.0


def test_g4_a_lower_limit_waits_for_the_next_result():
    b = case(consecutive_failures=5, **ROW_ONLY)
    b.calls("FFF")
    new = BreakerParameters(consecutive_failures=3, **ROW_ONLY)
    reconfigure(b.s, b.p, new, b.slots, 0.0)
    assert b.s.phase == CLOSED
    b.p = new
    assert b.calls("F") == OPEN


def test_g8_a_restart_while_half_open_is_open_and_due_with_its_count():
    b = case(open_multiplier=2.0)
    b.calls("FFFFF", 0.0)
    may_pass(b.s, b.p, b.slots, 5.0, 0.0, 0.0)
    assert b.s.phase == HALF_OPEN
    lose_era(b.s, 6.0)
    assert (b.s.phase, b.s.opened_in_row, remaining_s(b.s, 6.0)) == (OPEN, 1, 0.0)


def test_losing_an_era_while_closed_keeps_the_counts():
    b = case()
    b.calls("FF")
    lose_era(b.s, 1.0)
    assert (b.s.phase, b.s.era, b.s.window.total) == (CLOSED, 1, 2.0)


def test_zero_is_the_valid_start():
    s = BreakerState()
    assert s.phase == CLOSED
    assert s.window.calls == [0.0] * 16
