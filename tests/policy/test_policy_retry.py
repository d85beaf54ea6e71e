"""Retry budget, to the thousandth, and backoff."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.agents.policy.kinds import (
    ATTEMPT_CANCELLED,
    ATTEMPT_ERROR,
    ATTEMPT_REFUSED,
    ATTEMPT_TIMEOUT,
    ATTEMPT_UNAVAILABLE,
    BUDGET_IN_FLIGHT,
    BUDGET_NONE,
    JITTER_DECORRELATED,
    JITTER_EQUAL,
    JITTER_FULL,
    JITTER_NONE,
    SUCCEEDED,
)
from hms.agents.policy.parameters import RetryParameters
from hms.agents.policy.retry import (
    RetryState,
    backoff_s,
    deposit,
    drift,
    give_back,
    in_flight_left,
    may_retry,
    mean_backoff_s,
    refill,
    retries_left,
    spend,
    take,
    tokens_left,
)


def test_j18_an_outage_draws_no_more_retries_than_the_bucket_holds():
    r, p = RetryState(), RetryParameters(budget_max=10.0, budget_ratio=0.1)
    retries = sum(take(r, p, 0.0) for _ in range(200))
    assert retries == 10


def test_j19_ten_successes_put_back_exactly_one_token():
    r, p = RetryState(), RetryParameters(budget_max=10.0, budget_ratio=0.1)
    while take(r, p, 0.0):
        pass
    for _ in range(9):
        deposit(r, p, 1.0)
    assert not take(r, p, 0.0)
    deposit(r, p, 1.0)
    assert tokens_left(r, p) == 1.0
    assert take(r, p, 0.0)
    assert tokens_left(r, p) == 0.0


def test_j22_a_token_of_a_retry_never_made_is_given_back():
    r, p = RetryState(), RetryParameters(budget_max=1.0)
    assert take(r, p, 0.0)
    assert not take(r, p, 0.0)
    give_back(r)
    assert take(r, p, 0.0)


acts = st.lists(st.sampled_from(["success", "retry", "back"]), max_size=300)


@given(st.integers(0, 1000), st.integers(1, 20), acts)
def test_counting_calls_is_exact_in_thousandths(ratio, tokens, calls):
    p = RetryParameters(budget_ratio=ratio / 1000, budget_max=float(tokens))
    r, held = RetryState(), tokens * 1000  # an integer model
    for call in calls:
        if call == "success":
            deposit(r, p, 1.0)
            held = min(held + ratio, tokens * 1000)
        elif call == "retry":
            assert take(r, p, 0.0) == (held >= 1000)
            held -= 1000 if held >= 1000 else 0
        else:
            give_back(r)
            held = min(held + 1000, tokens * 1000)
        assert tokens * 1000 - r.spent == held


@given(st.integers(0, 200), st.integers(1, 400))
def test_a_sum_of_successes_deposits_as_much_as_each_alone(ratio, calls):
    p = RetryParameters(budget_ratio=ratio / 1000, budget_max=100.0)
    together, alone = RetryState(spent=100_000.0), RetryState(spent=100_000.0)
    deposit(together, p, float(calls))
    for _ in range(calls):
        deposit(alone, p, 1.0)
    assert together.spent == alone.spent


def test_a_long_flow_meets_floor_and_brim_at_its_end_only():
    p = RetryParameters(budget_ratio=0.1, budget_max=100)
    r = RetryState()
    drift(r, p, retries=888.0, successes=8000.0)  # 88 more than come back, of a full bucket
    assert tokens_left(r, p) == pytest.approx(12.0)
    drift(r, p, retries=0.0, successes=5000.0)
    assert tokens_left(r, p) == 100.0


def test_tokens_come_by_time_only_where_they_are_asked_for():
    r, p = RetryState(spent=10_000.0), RetryParameters(budget_min_rps=2.0)
    refill(r, p, 1.5)
    assert tokens_left(r, p) == 3.0
    refill(r, p, 0.5)  # the clock steps back
    assert tokens_left(r, p) == 3.0
    refill(r, p, 1.5)
    assert tokens_left(r, p) == 3.0
    dry = RetryState(spent=10_000.0)
    refill(dry, RetryParameters(), 1000.0)
    assert tokens_left(dry, RetryParameters()) == 0.0


def test_whole_retries_are_granted_and_spent_mass_never_exceeds_the_bucket():
    r, p = RetryState(spent=7_500.0), RetryParameters()
    assert retries_left(r, p, 0.0, 0.0) == 2.0
    spend(r, p, 5.0)
    assert r.spent == 10_000.0
    assert retries_left(r, p, 0.0, 0.0) == 0.0


def test_j23_retries_in_flight_are_a_share_of_the_calls_under_way():
    p = RetryParameters(budget_kind=BUDGET_IN_FLIGHT, in_flight_share=0.2, in_flight_min=3)
    assert in_flight_left(p, 100.0, 0.0) == 20.0
    assert in_flight_left(p, 5.0, 0.0) == 3.0
    assert retries_left(RetryState(), p, 100.0, 15.0) == 5.0
    assert retries_left(RetryState(), p, 5.0, 9.0) == 0.0


def test_without_a_budget_nothing_bounds_retries():
    r, p = RetryState(), RetryParameters(budget_kind=BUDGET_NONE, budget_max=1.0)
    assert retries_left(r, p, 0.0, 50.0) == -1.0
    assert all(take(r, p, 0.0) for _ in range(5))


def test_j2_waits_grow_to_the_cap():
    p = RetryParameters(base_s=0.1, multiplier=2.0, max_s=2.0, jitter_kind=JITTER_NONE)
    waits = [backoff_s(p, attempt, 0.0, 0.7) for attempt in range(1, 8)]
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0])


def test_j7_the_two_thousandth_wait_is_at_the_cap():
    p = RetryParameters(base_s=0.1, multiplier=10.0, max_s=5.0, jitter_kind=JITTER_NONE)
    assert backoff_s(p, 2000, 0.0, 0.5) == 5.0


@given(st.integers(1, 9), st.floats(0.0, 1.0, exclude_max=True), st.floats(0.0, 9.0))
def test_j3_to_j5_each_jitter_stays_in_its_range(attempt, u, previous_s):
    shape = {"base_s": 0.1, "multiplier": 2.0, "max_s": 2.0}
    full = backoff_s(RetryParameters(jitter_kind=JITTER_FULL, **shape), attempt, previous_s, u)
    equal = backoff_s(RetryParameters(jitter_kind=JITTER_EQUAL, **shape), attempt, previous_s, u)
    none = backoff_s(RetryParameters(jitter_kind=JITTER_NONE, **shape), attempt, previous_s, u)
    p = RetryParameters(jitter_kind=JITTER_DECORRELATED, **shape)
    decorrelated = backoff_s(p, attempt, previous_s, u)
    assert 0.0 <= full <= none
    assert none / 2 <= equal <= none
    assert 0.1 <= decorrelated <= max(min(2.0, 3 * previous_s), 0.3)


def test_j6_full_jitter_is_spread_at_the_cap():
    p = RetryParameters(base_s=1.0, max_s=2.0, jitter_kind=JITTER_FULL)
    waits = [backoff_s(p, 9, 0.0, u / 1000) for u in range(1000)]
    assert min(waits) == 0.0
    assert max(waits) == pytest.approx(1.998)
    assert sum(waits) / 1000 == pytest.approx(mean_backoff_s(p, 9), rel=1e-2)


def test_the_mean_wait_of_every_jitter():
    shape = {"base_s": 0.1, "multiplier": 2.0, "max_s": 2.0}
    means = [
        mean_backoff_s(RetryParameters(jitter_kind=kind, **shape), 2)
        for kind in (JITTER_NONE, JITTER_FULL, JITTER_EQUAL, JITTER_DECORRELATED)
    ]
    assert means == pytest.approx([0.2, 0.1, 0.15, 0.35])


def test_which_outcomes_are_tried_again_and_how_often():
    p = RetryParameters(max_attempts=3, retry_on_error=False, retry_on_cancelled=True)
    assert may_retry(p, 2, ATTEMPT_REFUSED)
    assert may_retry(p, 2, ATTEMPT_UNAVAILABLE)
    assert may_retry(p, 2, ATTEMPT_TIMEOUT)
    assert may_retry(p, 2, ATTEMPT_CANCELLED)
    assert not may_retry(p, 2, ATTEMPT_ERROR)
    assert not may_retry(p, 3, ATTEMPT_REFUSED)
    assert not may_retry(p, 1, SUCCEEDED)
