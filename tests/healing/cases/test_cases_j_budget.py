"""The retry budget: the cases J18 to J24, on a fake clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from callee import Callee
from virtual_time import run

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.pipeline.hedge import Hedge
from hms.agents.healing.pipeline.pipeline import Pipeline
from hms.agents.healing.pipeline.retry import Retry
from hms.agents.healing.pipeline.retry_budget import RetryBudget
from hms.agents.policy.kinds import BUDGET_IN_FLIGHT, BUDGET_NONE
from hms.agents.policy.parameters import RetryParameters
from hms.errors import BudgetExhausted

FAULT = OSError("no")


def free(**changed: Any) -> RetryParameters:
    """Parameters without jitter and budget, of base .1 s."""
    given: dict[str, Any] = {
        "max_attempts": 3, "base_s": 0.1, "multiplier": 2.0, "max_s": 2.0, "jitter_kind": 0,
        "budget_kind": BUDGET_NONE, "retry_on_error": True,
    }
    return RetryParameters(**{**given, **changed})


def retry(on: Any = OSError, **changed: Any) -> Retry:
    stage = {key: changed.pop(key) for key in ("judge", "retry_after") if key in changed}
    return Retry(on, parameters=free(**changed), **stage)


def budgeted(clock: FakeClock, **changed: Any) -> Pipeline:
    given = {"budget_kind": 1, "budget_max": 10.0, "budget_ratio": 0.1, "base_s": 0.0}
    return Pipeline.of(retry(**{**given, **changed}), clock=clock)


def spend(pipeline: Pipeline, calls: int, callee: Callee) -> None:
    for _ in range(calls):
        with pytest.raises(OSError, match="no"):
            pipeline.call(callee, (), {})


def test_j18_an_outage_draws_no_more_retries_than_the_budget(clock: FakeClock) -> None:
    callee, pipeline = Callee(clock, FAULT), budgeted(clock)
    spend(pipeline, 100, callee)
    assert callee.calls == 110


def test_j18_a_budget_of_tokens_is_on_where_nothing_is_said(clock: FakeClock) -> None:
    callee = Callee(clock, FAULT)
    spend(Pipeline.of(Retry(OSError), clock=clock), 100, callee)
    assert callee.calls == 110


def test_j19_ten_successes_are_exactly_one_token(clock: FakeClock) -> None:
    pipeline = budgeted(clock)
    spend(pipeline, 100, Callee(clock, FAULT))
    good = Callee(clock)
    for _ in range(9):
        pipeline.call(good, (), {})
    failing = Callee(clock, FAULT)
    spend(pipeline, 1, failing)
    assert failing.calls == 1
    pipeline.call(good, (), {})
    assert pipeline.budget.metrics().tokens == 1.0
    spend(pipeline, 1, failing)
    assert failing.calls == 3


def test_j20_of_two_threads_one_gets_the_last_token(clock: FakeClock) -> None:
    parameters = free(budget_kind=1, budget_max=1.0)
    for _ in range(50):
        budget = RetryBudget(parameters, clock)
        barrier = threading.Barrier(2)

        def ask(barrier: threading.Barrier = barrier, budget: RetryBudget = budget) -> bool:
            barrier.wait()
            return budget.take()

        with ThreadPoolExecutor(2) as pool:
            answers = [each.result() for each in [pool.submit(ask), pool.submit(ask)]]
        assert sorted(answers) == [False, True]


def test_j21_without_a_token_the_last_error_comes_at_once(clock: FakeClock) -> None:
    pipeline = budgeted(clock, budget_max=0.0, base_s=0.1)
    callee = Callee(clock, FAULT)
    spend(pipeline, 1, callee)
    assert (callee.calls, clock.now_s()) == (1, 0.0)
    assert pipeline.metrics()["budget_exhausted"] == 1
    assert pipeline.budget.metrics().exhausted == 1


@pytest.mark.parametrize("waits", [False, True])
def test_who_wants_to_know_is_told_that_the_budget_is_empty(clock: FakeClock, waits: bool) -> None:
    stage = Retry(OSError, parameters=free(budget_kind=1, budget_max=0.0), raise_exhausted=True)
    pipeline, callee = Pipeline.of(stage, name="db", clock=clock), Callee(clock, FAULT)
    with pytest.raises(
        BudgetExhausted, match=r"retry budget of `db` is empty: attempt 2 of 3 is not made"
    ) as told:
        if waits:
            run(pipeline.acall(callee.awaited, (), {}), clock)
        else:
            pipeline.call(callee, (), {})
    assert told.value.__cause__ is FAULT
    assert (callee.calls, pipeline.metrics()) == (1, {"budget_exhausted": 1})


def test_j22_a_token_is_taken_before_the_wait_and_given_back_when_that_is_cancelled(
    clock: FakeClock,
) -> None:
    pipeline = budgeted(clock, base_s=5.0, max_s=5.0)
    callee = Callee(clock, FAULT)

    async def main() -> None:
        task = asyncio.create_task(pipeline.acall(callee.awaited, (), {}))
        await asyncio.sleep(1.0)
        assert pipeline.budget.metrics().tokens == 9.0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main(), clock)
    told = pipeline.budget.metrics()
    assert (told.tokens, told.taken, told.given_back, callee.calls) == (10.0, 1, 1, 1)


@pytest.mark.parametrize(("in_flight", "allowed"), [(100, 20), (5, 3)])
def test_j23_a_share_of_the_calls_under_way_may_be_retries(
    clock: FakeClock, in_flight: int, allowed: int
) -> None:
    parameters = free(budget_kind=BUDGET_IN_FLIGHT, in_flight_share=0.2, in_flight_min=3)
    pipeline = Pipeline.of(Retry(OSError, parameters=parameters), clock=clock)
    counts = {"retried": 0}

    async def callee(number: int, tried: list[int]) -> None:
        tried.append(number)
        await asyncio.sleep(1.0 if len(tried) == 1 else 10.0)
        counts["retried"] += len(tried) == 2
        raise FAULT

    async def main() -> None:
        await asyncio.gather(
            *(pipeline.acall(callee, (number, []), {}) for number in range(in_flight)),
            return_exceptions=True,
        )

    run(main(), clock)
    assert counts["retried"] == allowed


def test_j24_call_sites_and_hedges_of_a_dependency_share_one_budget(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    budget = RetryBudget(free(budget_kind=1, budget_max=3.0), clock)
    one = Pipeline.of(retry(base_s=0.0), clock=clock, budget=budget)
    two = Pipeline.of(Hedge(idempotent=True, max_calls=3), clock=clock, budget=budget)
    callee = Callee(clock, FAULT)
    spend(one, 1, callee)
    assert (callee.calls, budget.metrics().tokens) == (3, 1.0)
    spend(two, 1, callee)
    assert (callee.calls, budget.metrics().tokens) == (5, 0.0)
    spend(one, 1, callee)
    assert callee.calls == 6
