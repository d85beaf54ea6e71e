"""Pipelines: the cases N1 to N8, outermost stage first; the callee fails always unless told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from callee import Callee
from virtual_time import run

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.calls.classification import EVERY_ERROR
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.agents.healing.pipeline.default_order import build_pipeline
from hms.agents.healing.pipeline.fallback import Fallback
from hms.agents.healing.pipeline.hedge import Hedge
from hms.agents.healing.pipeline.pipeline import Pipeline
from hms.agents.healing.pipeline.retry import Retry
from hms.agents.healing.pipeline.retry_budget import RetryBudget
from hms.agents.healing.pipeline.timeout import Timeout
from hms.agents.policy.healing_policy import EdgeParameters
from hms.agents.policy.kinds import BUDGET_NONE
from hms.agents.policy.parameters import RetryParameters, TimeoutParameters
from hms.errors import BreakerOpen, BulkheadFull, CallTimeout

FAULT = OSError("no")


def retry(attempts: int, on: Any = OSError) -> Retry:
    return Retry(on, parameters=RetryParameters(
        max_attempts=attempts, base_s=0.0, budget_kind=BUDGET_NONE, retry_on_error=True
    ))


def in_a_row(breaker: Callable[..., Breaker], failures: int) -> Breaker:
    return breaker(failure_rate=2.0, slow_call_rate=2.0, consecutive_failures=failures)


def test_n1_retries_within_a_breaker_end_when_it_opens(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    callee = Callee(clock, FAULT)
    pipeline = Pipeline.of(retry(7, Exception), in_a_row(breaker, 3), clock=clock)
    with pytest.raises(BreakerOpen):
        pipeline.call(callee, (), {})
    assert callee.calls == 3


def test_n2_a_breaker_around_retries_sees_one_failure(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    guarding, callee = breaker(), Callee(clock, FAULT)
    with pytest.raises(OSError, match="no"):
        Pipeline.of(guarding, retry(3), clock=clock).call(callee, (), {})
    assert (callee.calls, guarding.metrics().failed) == (3, 1)


@pytest.mark.parametrize(("fallback_first", "calls"), [(True, 3), (False, 1)])
def test_n3_a_fallback_answers_after_the_retries_or_before_them(
    clock: FakeClock, fallback_first: bool, calls: int
) -> None:
    callee = Callee(clock, FAULT)
    stages: list[Any] = [Fallback.value("cached"), retry(3)]
    pipeline = Pipeline.of(*stages[:: 1 if fallback_first else -1], clock=clock)
    assert pipeline.call(callee, (), {}) == "cached"
    assert (callee.calls, pipeline.metrics()["fallbacks"]) == (calls, 1)
    assert pipeline.budget.metrics().successes == 0  # a fallback's value fills no bucket


def test_n4_a_limit_within_retries_is_one_for_each_attempt(clock: FakeClock) -> None:
    durations = iter([9.0, 9.0, 0.01])

    async def callee() -> str:
        await asyncio.sleep(next(durations))
        return "value"

    pipeline = Pipeline.of(retry(3), Timeout(0.05), clock=clock)
    assert run(pipeline.acall(callee, (), {}), clock) == "value"
    assert round(clock.now_s(), 9) == 0.11


def test_n5_our_deadline_is_a_failure_to_the_breaker_within(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    guarding = breaker()
    pipeline = Pipeline.of(Timeout(1.0), guarding, clock=clock)
    with pytest.raises(CallTimeout):
        run(pipeline.acall(Callee(clock, takes_s=60.0).awaited, (), {}), clock)
    assert (guarding.metrics().failed, guarding.metrics().cancelled) == (1, 0)


@pytest.mark.parametrize(("after_s", "slow"), [(0.5, 0.0), (3.0, 1.0)])
def test_n5_a_callers_cancellation_is_slow_if_it_was_else_neutral(
    clock: FakeClock, breaker: Callable[..., Breaker], after_s: float, slow: float
) -> None:
    guarding = breaker(slow_call_s=2.0)
    pipeline = Pipeline.of(Timeout(10.0), guarding, clock=clock)

    async def main() -> None:
        task = asyncio.create_task(pipeline.acall(Callee(clock, takes_s=60.0).awaited, (), {}))
        await asyncio.sleep(after_s)
        task.cancel()
        await asyncio.wait([task])

    run(main(), clock)
    told = guarding.metrics()
    assert (told.failed, told.cancelled, told.slow_in_window) == (0, 1, slow)


def test_n5_the_breaker_learns_of_a_thread_that_never_ends(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    guarding, gate = breaker(), threading.Event()
    pipeline = Pipeline.of(Timeout(1.0, on="worker"), guarding, clock=clock)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(pipeline.call, gate.wait, (), {})
        clock.until_parked(1)
        while guarding.metrics().in_flight == 0:
            threading.Event().wait(0.001)
        clock.advance(1.0)
        with pytest.raises(CallTimeout):
            call.result(10.0)
    assert guarding.metrics().failed == 1
    gate.set()


def test_n6_each_attempt_is_hedged(clock: FakeClock) -> None:
    callee = Callee(clock, FAULT, takes_s=0.02)
    pipeline = Pipeline.of(retry(3), Hedge(idempotent=True, delay_s=0.01), clock=clock)
    with pytest.raises(OSError, match="no"):
        run(pipeline.acall(callee.awaited, (), {}), clock)
    assert callee.calls == 6


def test_n7_a_full_bulkhead_is_not_tried_again(clock: FakeClock) -> None:
    bulkhead, callee = Bulkhead(1), Callee(clock)
    bulkhead.enter(clock)
    with pytest.raises(BulkheadFull):
        Pipeline.of(retry(7, Exception), bulkhead, clock=clock).call(callee, (), {})
    assert (callee.calls, bulkhead.metrics().refused) == (0, 1)


def default_pipeline(guarding: Breaker, clock: FakeClock, **said: Any) -> Pipeline | None:
    nothing = dict.fromkeys(("bulkhead", "fallback", "hedge", "retry_after", "timeout"))
    settings = SimpleNamespace(**{**nothing, "idempotent": True, **said})
    edge = EdgeParameters(
        guarding.parameters, said.get("retry", RetryParameters()),
        said.get("limits", TimeoutParameters()),
    )
    budget = RetryBudget(edge.retry, clock)
    return build_pipeline(
        settings, edge, guarding, EVERY_ERROR, budget, clock, lambda: 0.5, said.get("previous")
    )


def test_n8_the_default_order_is_this_and_says_so(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    pipeline = default_pipeline(
        breaker(), clock, bulkhead=10, fallback="cached", hedge=True, timeout=0.3,
        retry=RetryParameters(max_attempts=3), limits=TimeoutParameters(total_s=2.0),
    )
    assert pipeline is not None
    assert pipeline.describe() == (
        "Fallback > total Timeout > Retry > Bulkhead > Breaker > Hedge > Timeout"
    )


def test_n8_what_is_not_asked_for_is_not_in_it(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    assert default_pipeline(breaker(), clock) is None
    only = default_pipeline(breaker(), clock, limits=TimeoutParameters(call_s=0.5))
    assert only is not None
    assert only.describe() == "Breaker > Timeout"


def test_n8_an_order_that_is_spelt_out_holds(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    pipeline = Pipeline.of(Timeout(1.0), breaker(), retry(2), Bulkhead(1), clock=clock)
    assert pipeline.describe() == "total Timeout > Breaker > Retry > Bulkhead"


def test_n8_places_and_counters_outlive_a_change_of_configuration(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    guarding = breaker()
    before = default_pipeline(guarding, clock, bulkhead=1, fallback="cached")
    assert before is not None

    def while_replaced() -> str:
        after = default_pipeline(
            guarding, clock, bulkhead=1, fallback="cached", previous=before,
            retry=RetryParameters(max_attempts=2),
        )
        assert after is not None
        assert after.call(int, (), {}) == "cached"  # the one place is taken still
        assert after.metrics() == {"fallbacks": 1}
        return "first"

    assert before.call(while_replaced, (), {}) == "first"
