"""The budget behind its lock is the decision call by call, and exact under threads."""

from __future__ import annotations

import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.pipeline.retry_budget import RetryBudget
from hms.agents.policy import retry as decision
from hms.agents.policy.parameters import RetryParameters

acts = st.lists(st.sampled_from(["success", "take", "back", "second"]), max_size=200)


@given(acts, st.integers(0, 1000), st.sampled_from([0.0, 0.1]), st.sampled_from([1.0, 3.0]))
def test_deposits_made_as_one_amount_are_deposits_call_by_call(
    acts: list[str], ratio: int, by_time_rps: float, tokens: float
) -> None:
    clock = FakeClock()
    p = RetryParameters(budget_ratio=ratio / 1000, budget_min_rps=by_time_rps, budget_max=tokens)
    budget, state = RetryBudget(p, clock), decision.RetryState()
    held = 0
    for act in acts:
        if act == "success":
            budget.succeeded()
            decision.deposit(state, p, 1.0)
        elif act == "take":
            granted = decision.take(state, p, clock.now_s())
            assert budget.take() == granted
            held += granted
        elif act == "back" and held:
            budget.give_back()
            decision.give_back(state)
            held -= 1
        elif act == "second":
            clock.advance(1.0)
    decision.refill(state, p, clock.now_s())
    told = budget.metrics()
    assert told.tokens == pytest.approx(decision.tokens_left(state, p), abs=1e-9)
    assert told.successes == acts.count("success")


def test_under_threads_no_token_is_made_or_lost() -> None:
    p = RetryParameters(budget_ratio=0.1, budget_max=20.0)
    budget, before = RetryBudget(p, FakeClock()), sys.getswitchinterval()
    while budget.take():
        pass
    taken: list[int] = []

    def work() -> None:
        mine = 0
        for _ in range(1000):
            budget.succeeded()
            mine += budget.take()
        taken.append(mine)

    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(before)
    told = budget.metrics()
    assert told.successes == 8000
    assert told.taken == 20 + sum(taken)
    assert told.taken + told.exhausted == 8000 + 21
    assert sum(taken) + told.tokens == pytest.approx(800.0)


def test_parameters_change_and_what_is_missing_stays_missing() -> None:
    budget = RetryBudget(RetryParameters(budget_max=3.0), FakeClock())
    assert [budget.take(), budget.take()] == [True, True]
    budget.reconfigure(RetryParameters(budget_max=2.0))
    assert not budget.take()
    budget.reconfigure(RetryParameters(budget_max=10.0))
    assert budget.metrics().tokens == 8.0
