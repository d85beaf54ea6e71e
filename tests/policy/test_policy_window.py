"""The window against a list of single calls that remembers everything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hms.agents.policy.kinds import WINDOW_COUNT, WINDOW_TIME
from hms.agents.policy.parameters import BreakerParameters
from hms.agents.policy.window import (
    WindowState,
    add,
    clear,
    evict,
    failed_at,
    fill,
    refit,
    slow_at,
    total_at,
    transfer,
    turn,
)


def ring(slots: int) -> WindowState:
    return WindowState(calls=[0.0] * slots, fails=[0.0] * slots, slows=[0.0] * slots)


def by_count(size: int) -> BreakerParameters:
    return BreakerParameters(window_kind=WINDOW_COUNT, window_calls=size)


def by_time(seconds: float) -> BreakerParameters:
    return BreakerParameters(window_kind=WINDOW_TIME, window_s=seconds)


def counts(w: WindowState, p: BreakerParameters, slots: int, now_s: float) -> tuple[float, ...]:
    return (
        total_at(w, p, slots, now_s),
        failed_at(w, p, slots, now_s),
        slow_at(w, p, slots, now_s),
    )


outcomes = st.tuples(st.integers(1, 30), st.booleans(), st.booleans())


@given(st.integers(1, 25), st.lists(outcomes, max_size=60))
def test_count_window_holds_the_last_calls_whatever_their_chunks(size, chunks):
    slots = size + 1
    w, p = ring(slots), by_count(size)
    seen: list[tuple[bool, bool]] = []
    for calls, failed, slow in chunks:
        add(w, p, slots, float(calls), float(calls * failed), float(calls * slow))
        seen += [(failed, slow)] * calls
        last = seen[-size:]
        expected = (len(last), sum(f for f, _ in last), sum(s for _, s in last))
        assert counts(w, p, slots, 0.0) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 100), st.lists(outcomes, max_size=80))
def test_coarse_count_window_holds_exactly_its_size_and_no_more_failures_than_calls(size, chunks):
    w, p = ring(16), by_count(size)
    calls_so_far = 0
    for calls, failed, slow in chunks:
        add(w, p, 16, float(calls), float(calls * failed), float(calls * slow))
        calls_so_far += calls
        total, fails, slows = counts(w, p, 16, 0.0)
        assert total == pytest.approx(min(calls_so_far, size), abs=1e-6)
        assert sum(w.calls) == pytest.approx(total, abs=1e-6)
        assert -1e-9 <= fails <= total + 1e-6
        assert -1e-9 <= slows <= total + 1e-6


def test_count_window_evicts_a_part_of_the_oldest_slot():
    w, p = ring(16), by_count(10)
    add(w, p, 16, 8.0, 8.0, 0.0)
    add(w, p, 16, 6.0, 0.0, 0.0)
    assert counts(w, p, 16, 0.0) == pytest.approx((10.0, 4.0, 0.0))


def test_a_chunk_larger_than_the_window_leaves_its_own_share_of_failures():
    w, p = ring(16), by_count(20)
    add(w, p, 16, 5.0, 0.0, 0.0)
    add(w, p, 16, 100.0, 30.0, 10.0)
    assert counts(w, p, 16, 0.0) == pytest.approx((20.0, 6.0, 2.0))


steps = st.tuples(st.floats(0.0, 7.0), st.integers(1, 4), st.booleans(), st.booleans())


@given(st.integers(2, 16), st.sampled_from([1.0, 5.0, 10.0, 12.5]), st.lists(steps, max_size=60))
def test_time_window_holds_the_results_of_its_slices(slots, window_s, flow):
    w, p = ring(slots), by_time(window_s)
    seen: list[tuple[int, int, bool, bool]] = []
    now_s = 0.0
    for passed_s, calls, failed, slow in flow:
        now_s += passed_s
        number = int(now_s * slots / window_s + 1e-9)
        kept = [each for each in seen if each[0] > number - slots]
        before = (sum(c for _, c, _, _ in kept), sum(c * f for _, c, f, _ in kept))
        assert counts(w, p, slots, now_s)[:2] == pytest.approx(before, abs=1e-9)
        turn(w, p, slots, now_s)
        add(w, p, slots, float(calls), float(calls * failed), float(calls * slow))
        seen.append((number, calls, failed, slow))
        kept = [each for each in seen if each[0] > number - slots]
        after = tuple(float(sum(x)) for x in zip(*((c, c * f, c * s) for _, c, f, s in kept),
                                                 strict=True))
        assert counts(w, p, slots, now_s) == pytest.approx(after, abs=1e-9)


def test_a7_two_failures_leave_after_ten_seconds():
    w, p = ring(10), by_time(10.0)
    for at_s in (0.0, 0.95):
        turn(w, p, 10, at_s)
        add(w, p, 10, 1.0, 1.0, 0.0)
    assert total_at(w, p, 10, 9.99) == 2.0
    assert total_at(w, p, 10, 10.0) == 0.0


def test_a8_an_idle_window_is_empty_after_an_hour():
    w, p = ring(10), by_time(5.0)
    add(w, p, 10, 4.0, 4.0, 0.0)
    turn(w, p, 10, 3600.0)
    add(w, p, 10, 1.0, 1.0, 0.0)
    assert counts(w, p, 10, 3600.0) == (1.0, 1.0, 0.0)


@given(st.floats(0.0, 50.0), st.lists(st.floats(0.0, 9.0), max_size=20))
def test_reading_changes_nothing(read_s, times):
    w, p = ring(16), by_time(10.0)
    now_s = 0.0
    for passed_s in times:
        now_s += passed_s
        turn(w, p, 16, now_s)
        add(w, p, 16, 1.0, 0.0, 1.0)
    before = repr(w)
    counts(w, p, 16, now_s + read_s)
    assert repr(w) == before


def test_a_clock_that_steps_back_empties_nothing():
    w, p = ring(10), by_time(10.0)
    turn(w, p, 10, 8.0)
    add(w, p, 10, 3.0, 1.0, 0.0)
    turn(w, p, 10, 2.0)
    add(w, p, 10, 1.0, 1.0, 0.0)
    assert counts(w, p, 10, 8.0) == (4.0, 2.0, 0.0)


def test_no_residue_is_left_by_a_million_turns_worth_of_subtraction():
    w, p = ring(16), by_time(1.0)
    now_s = 0.0
    for _ in range(5000):
        now_s += 0.0173
        turn(w, p, 16, now_s)
        add(w, p, 16, 0.1, 0.1, 0.1)
    turn(w, p, 16, now_s + 2.0)
    assert (w.total, w.failed, w.slow) == (0.0, 0.0, 0.0)


@settings(max_examples=50)
@given(st.floats(0.0, 20.0), st.floats(0.1, 40.0), st.sampled_from([5.0, 10.0]))
def test_filling_over_a_jump_equals_counting_through_it(start_s, length_s, window_s):
    p = by_time(window_s)
    jumped, counted = ring(16), ring(16)
    for w in (jumped, counted):
        clear(w, 16, 0.0)
        turn(w, p, 16, start_s)
    fill(jumped, p, 16, start_s, start_s + length_s, 10.0, 0.0, 2.0)
    ticks = 4000
    for k in range(ticks):
        turn(counted, p, 16, start_s + length_s * (k + 0.5) / ticks)
        add(counted, p, 16, 10.0 * length_s / ticks, 0.0, 2.0 * length_s / ticks)
    turn(counted, p, 16, start_s + length_s)
    at_s = start_s + length_s
    assert counts(jumped, p, 16, at_s) == pytest.approx(
        counts(counted, p, 16, at_s), abs=0.01 * length_s + 1e-6
    )
    assert jumped.no == counted.no


def test_filling_a_count_window_leaves_only_the_flow():
    w, p = ring(16), by_count(20)
    add(w, p, 16, 20.0, 20.0, 0.0)
    fill(w, p, 16, 0.0, 10.0, 5.0, 0.0, 0.0)
    assert counts(w, p, 16, 10.0) == pytest.approx((20.0, 0.0, 0.0))


def test_g3_a_smaller_count_window_keeps_the_newest():
    w = ring(11)
    for i in range(10):
        add(w, by_count(10), 11, 1.0, 1.0 if i >= 7 else 0.0, 0.0)
    refit(w, by_count(10), by_count(4), 11, 0.0)
    assert counts(w, by_count(4), 11, 0.0) == (4.0, 3.0, 0.0)
    add(w, by_count(4), 11, 1.0, 0.0, 0.0)
    assert counts(w, by_count(4), 11, 0.0) == (4.0, 3.0, 0.0)


def test_another_width_keeps_the_counts_until_it_turns():
    w = ring(10)
    old, new = by_time(10.0), by_time(5.0)
    turn(w, old, 10, 3.0)
    add(w, old, 10, 2.0, 1.0, 0.0)
    refit(w, old, new, 10, 3.0)
    assert counts(w, new, 10, 3.0) == (2.0, 1.0, 0.0)
    assert counts(w, new, 10, 7.9) == (2.0, 1.0, 0.0)
    assert counts(w, new, 10, 8.0) == (0.0, 0.0, 0.0)


def test_another_kind_of_window_starts_empty():
    w = ring(11)
    add(w, by_count(10), 11, 5.0, 5.0, 5.0)
    refit(w, by_count(10), by_time(10.0), 11, 42.0)
    assert counts(w, by_time(10.0), 11, 42.0) == (0.0, 0.0, 0.0)
    assert w.start_s == 42.0


def test_a_longer_ring_takes_over_the_newest_calls():
    w = ring(5)
    for failed in (1.0, 1.0, 0.0, 0.0, 1.0):
        add(w, by_count(4), 5, 1.0, failed, 0.0)
    longer = ring(11)
    transfer(longer, by_count(10), 11, w, 5)
    assert counts(longer, by_count(10), 11, 0.0) == (4.0, 2.0, 0.0)
    shorter = ring(3)
    transfer(shorter, by_count(2), 3, w, 5)
    assert counts(shorter, by_count(2), 3, 0.0) == (2.0, 1.0, 0.0)


def test_evicting_more_than_is_held_leaves_nothing_negative():
    w = ring(4)
    add(w, by_count(3), 4, 2.0, 2.0, 0.0)
    evict(w, 4, 5.0)
    assert (w.total, w.failed) == (0.0, 0.0)
