"""Limits on disruption (ADR 0005, section 3; ADR 0005, Q12, Q15)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.agents.policy.guard import (
    AT_ONCE,
    FREE,
    LAST_SERVING,
    LIMITED,
    GuardState,
    free_s,
    held_back,
    may_disrupt,
    note_act,
)
from hms.agents.policy.invariants import GUARD, WHOLE, guard_rule
from hms.agents.policy.parameters import GuardParameters

P = GuardParameters()


def acted(*times: float) -> GuardState:
    g = GuardState()
    for each in times:
        note_act(g, each)
    return g


def test_three_acts_in_ten_minutes_then_none():
    g = acted(0.0, 10.0, 20.0)
    assert held_back(g, P, 2.0, 0.0, True, 599.0) == LIMITED
    assert free_s(g, P, 599.0) == 600.0
    assert may_disrupt(g, P, 2.0, 0.0, True, 600.0)


def test_ten_acts_a_day_then_none():
    times = [float(k) * 700.0 for k in range(10)]
    g = acted(*times)
    assert held_back(g, P, 2.0, 0.0, True, 80_000.0) == LIMITED
    assert free_s(g, P, 80_000.0) == 86_400.0
    assert may_disrupt(g, P, 2.0, 0.0, True, 86_400.0)


def test_an_act_at_time_zero_counts():
    assert held_back(acted(0.0, 0.0, 0.0), P, 2.0, 0.0, True, 1.0) == LIMITED


def test_q12_one_at_a_time_this_one_counted_in():
    assert held_back(GuardState(), P, 2.0, 1.0, True, 0.0) == AT_ONCE
    two = GuardParameters(at_once=2)
    assert held_back(GuardState(), two, 2.0, 1.0, True, 0.0) == FREE
    assert held_back(GuardState(), two, 2.0, 2.0, True, 0.0) == AT_ONCE


def test_the_last_replica_that_serves_only_while_it_fails():
    assert held_back(GuardState(), P, 0.0, 0.0, False, 0.0) == LAST_SERVING
    assert held_back(GuardState(), P, 0.0, 0.0, True, 0.0) == FREE
    assert held_back(GuardState(), P, 1.0, 0.0, False, 0.0) == FREE


def test_a_stack_that_is_not_ours_is_not_bound():
    free = GuardParameters(bound=False)
    g = acted(*[0.0] * 10)
    assert held_back(g, free, 0.0, 5.0, False, 0.0) == FREE


@pytest.mark.parametrize(
    ("second_s", "third"), [(4.0, LIMITED), (5.0, LIMITED), (5.001, FREE)]
)
def test_q15_intensity_is_inclusive_and_holds_for_any_stack(second_s, third):
    p = GuardParameters(bound=False, intensity_acts=1, intensity_s=5.0)
    assert held_back(acted(0.0), p, 1.0, 0.0, True, second_s) == third


@given(st.lists(st.floats(0.0, 400.0), max_size=60))
def test_whatever_is_asked_no_window_holds_more_acts_than_allowed(waits):
    g, now_s, acts = GuardState(), 0.0, []
    for wait_s in waits:
        now_s += wait_s
        if may_disrupt(g, P, 2.0, 0.0, True, now_s):
            note_act(g, now_s)
            acts.append(now_s)
            assert guard_rule(g, P) == WHOLE
        else:
            assert free_s(g, P, now_s) > now_s
    for at_s in acts:
        assert sum(at_s - 600.0 < each <= at_s for each in acts) <= 3
        assert sum(at_s - 86_400.0 < each <= at_s for each in acts) <= 10


def test_the_invariant_sees_an_act_too_many():
    assert guard_rule(acted(0.0, 1.0, 2.0), P) == WHOLE
    assert guard_rule(acted(0.0, 1.0, 2.0, 3.0), P) == GUARD
    assert guard_rule(acted(0.0, 1.0, 2.0, 601.0), P) == WHOLE
    assert guard_rule(acted(0.0, 1.0, 2.0, 3.0), GuardParameters(bound=False)) == WHOLE
    assert guard_rule(GuardState(at=10), P) == GUARD
