"""Hedging: the cases M1 to M10, on a fake clock."""

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
from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.agents.healing.pipeline.hedge import Hedge
from hms.agents.healing.pipeline.pipeline import Pipeline
from hms.agents.healing.pipeline.retry_budget import RetryBudget
from hms.agents.healing.pipeline.timeout import Timeout
from hms.agents.policy.parameters import RetryParameters
from hms.errors import CallTimeout, ConfigRefused

FAULT = OSError("no")


def hedge(max_calls: int = 2, **told: Any) -> Hedge:
    return Hedge(idempotent=True, max_calls=max_calls, **told)


class Racers:
    """A callee whose n-th call takes and ends as the n-th of `told` says: (seconds, end)."""

    def __init__(self, clock: FakeClock, *told: tuple[float, Any]) -> None:
        self._clock = clock
        self._told = list(told)
        self.started_at_s: list[float] = []
        self.cancelled: list[int] = []

    async def __call__(self) -> Any:
        number = len(self.started_at_s)
        self.started_at_s.append(round(self._clock.now_s(), 9))
        takes_s, end = self._told[min(number, len(self._told) - 1)]
        try:
            await asyncio.sleep(takes_s)
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        if isinstance(end, BaseException):
            raise end
        return end


HANGS = (60.0, "late")


def test_m1_further_calls_start_a_delay_apart(clock: FakeClock) -> None:
    callee = Racers(clock, HANGS)
    pipeline = Pipeline.of(hedge(4, delay_s=0.5), clock=clock)
    assert run(pipeline.acall(callee, (), {}), clock) == "late"
    assert callee.started_at_s == [0.0, 0.5, 1.0, 1.5]
    assert pipeline.metrics() == {"hedges": 3}


def test_m2_a_failure_starts_the_next_at_once_and_the_delay_anew(clock: FakeClock) -> None:
    callee = Racers(clock, (0.1, FAULT), HANGS)
    run(Pipeline.of(hedge(3, delay_s=0.5), clock=clock).acall(callee, (), {}), clock)
    assert callee.started_at_s == [0.0, 0.1, 0.6]


def test_m3_the_loser_is_cancelled_and_says_nothing(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    guarding = breaker(slow_call_s=5.0)
    callee = Racers(clock, HANGS, (0.2, "second"))
    pipeline = Pipeline.of(hedge(delay_s=0.5), guarding, clock=clock)
    assert run(pipeline.acall(callee, (), {}), clock) == "second"
    assert (round(clock.now_s(), 9), callee.cancelled) == (0.7, [0])
    told = guarding.metrics()
    assert (told.ok, told.failed, told.cancelled, told.in_flight) == (1, 0, 1, 0)
    assert pipeline.metrics() == {"hedges": 1, "hedges_won": 1}


def test_m3_a_loser_that_goes_on_keeps_its_place(clock: FakeClock) -> None:
    bulkhead = Bulkhead(1)
    pipeline = Pipeline.of(bulkhead, hedge(delay_s=0.5), clock=clock)
    started = []

    async def stubborn() -> str:
        started.append(1)
        if len(started) > 1:
            return "second"
        try:
            await asyncio.sleep(60.0)
        except asyncio.CancelledError:
            await asyncio.sleep(3.0)
        return "first"

    async def main() -> None:
        assert await pipeline.acall(stubborn, (), {}) == "second"
        assert bulkhead.metrics().running == 1
        await asyncio.sleep(3.1)
        assert bulkhead.metrics().running == 0

    run(main(), clock)


def test_m3_threads_cannot_be_stopped_and_keep_their_place(clock: FakeClock) -> None:
    bulkhead = Bulkhead(1)
    pipeline = Pipeline.of(bulkhead, hedge(delay_s=0.5), clock=clock)
    gate, over = threading.Event(), threading.Event()
    names = iter(["first", "second"])

    def callee() -> str:
        name = next(names)
        if name == "first":
            gate.wait(10.0)
            over.set()
        return name

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(pipeline.call, callee, (), {})
        clock.until_parked(1)
        clock.advance(0.5)
        assert answer.result(10.0) == "second"
    assert bulkhead.metrics().running == 1
    gate.set()
    assert over.wait(10.0)
    for _ in range(1000):
        if bulkhead.metrics().running == 0:
            return
        threading.Event().wait(0.005)
    raise AssertionError("the place was never given back")


@pytest.mark.parametrize("delay_s", [None, 0.5])
def test_m4_an_error_that_is_none_of_the_named_ends_all(
    clock: FakeClock, delay_s: float | None
) -> None:
    fatal = KeyError("fatal")
    told = (HANGS, (0.1, fatal)) if delay_s else ((0.1, fatal),)
    callee = Racers(clock, *told)
    with pytest.raises(KeyError) as raised:
        run(
            Pipeline.of(hedge(delay_s=delay_s, on=OSError), clock=clock).acall(callee, (), {}),
            clock,
        )
    assert raised.value is fatal
    assert callee.cancelled == ([0] if delay_s else [])


@pytest.mark.parametrize("asynchronous", [False, True])
def test_m5_where_all_fail_the_first_calls_error_is_raised_and_the_others_noted(
    clock: FakeClock, asynchronous: bool
) -> None:
    first = OSError("first")
    pipeline = Pipeline.of(hedge(3), clock=clock)
    with pytest.raises(OSError, match="first") as raised:
        if asynchronous:
            callee = Racers(clock, (0.1, first), (0.1, OSError("second")), (0.1, OSError("third")))
            run(pipeline.acall(callee, (), {}), clock)
        else:
            pipeline.call(Callee(clock, first, OSError("second"), OSError("third")), (), {})
    assert raised.value is first
    assert raised.value.__notes__ == [
        "hedge 2 failed, too: OSError('second')", "hedge 3 failed, too: OSError('third')"
    ]


@pytest.mark.parametrize(("delay_s", "starts"), [(0.0, [0.0, 0.0, 0.0]), (None, [0.0, 0.1, 0.2])])
def test_m6_without_delay_all_at_once_and_with_none_only_after_a_failure(
    clock: FakeClock, delay_s: float | None, starts: list[float]
) -> None:
    callee = Racers(clock, (0.1, FAULT), (0.1, FAULT), (0.1, "third"))
    pipeline = Pipeline.of(hedge(3, delay_s=delay_s), clock=clock)
    assert run(pipeline.acall(callee, (), {}), clock) == "third"
    assert callee.started_at_s == starts


def test_m6_threads_start_all_at_once_too(clock: FakeClock) -> None:
    barrier = threading.Barrier(3)  # nobody answers before all have begun
    pipeline = Pipeline.of(hedge(3, delay_s=0.0), clock=clock)
    assert pipeline.call(barrier.wait, (10.0,), {}) in (0, 1, 2)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_m7_without_a_token_the_first_call_goes_on_alone(
    clock: FakeClock, asynchronous: bool
) -> None:
    budget = RetryBudget(RetryParameters(budget_max=0.0), clock)
    pipeline = Pipeline.of(hedge(delay_s=0.5), clock=clock, budget=budget)
    if asynchronous:
        callee = Racers(clock, (2.0, "slow"))
        assert run(pipeline.acall(callee, (), {}), clock) == "slow"
        assert callee.started_at_s == [0.0]
    else:
        gate = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(pipeline.call, gate.wait, (), {})
            clock.until_parked(1)
            clock.advance(0.5)
            clock.until_parked(1)
            gate.set()
            assert answer.result(10.0) is True
    assert budget.metrics().exhausted == 1
    assert pipeline.metrics() == {"budget_exhausted": 1}


def test_m8_a_quantile_hedges_only_once_twenty_durations_are_known(clock: FakeClock) -> None:
    pipeline = Pipeline.of(hedge(quantile=0.95), clock=clock)
    durations = [number / 10 for number in range(1, 20)]

    async def all_of_them() -> None:
        for duration_s in [*durations, 2.0]:
            callee = Racers(clock, (duration_s, "ok"))
            await pipeline.acall(callee, (), {})
            assert callee.started_at_s[1:] == []
        slow = Racers(clock, (60.0, "slow"), (0.1, "hedge"))
        assert await pipeline.acall(slow, (), {}) == "hedge"
        assert round(slow.started_at_s[1] - slow.started_at_s[0], 6) == 1.9

    run(all_of_them(), clock)


def test_m8_threads_learn_too(clock: FakeClock) -> None:
    stage = hedge(quantile=0.5)
    pipeline = Pipeline.of(stage, clock=clock)
    for _ in range(20):
        assert stage.knows_too_little
        pipeline.call(Callee(clock, takes_s=0.3), (), {})
    assert stage.wait_s() == pytest.approx(0.3)


@pytest.mark.parametrize(
    "told",
    [
        {"idempotent": False},
        {"idempotent": True, "max_calls": 1},
        {"idempotent": True, "delay_s": -1.0},
        {"idempotent": True, "quantile": 1.0},
        {"idempotent": True, "quantile": 0.9, "delay_s": 1.0},
        {"idempotent": True, "on": ()},
    ],
)
def test_m9_a_hedge_of_what_must_not_be_made_twice_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ConfigRefused):
        Hedge(**told)


def half_open(breaker: Callable[..., Breaker], clock: FakeClock) -> Breaker:
    broken = breaker(minimum_calls=2)
    for _ in range(2):
        broken.failed(broken.admit(), FAULT)
    clock.advance(5.0)
    return broken


@pytest.mark.parametrize("outside", [False, True])
def test_m10_a_slow_probe_is_not_hedged(
    clock: FakeClock, breaker: Callable[..., Breaker], outside: bool
) -> None:
    stages = [half_open(breaker, clock), hedge(delay_s=0.5)]
    callee = Racers(clock, (1.5, "probe"))
    pipeline = Pipeline.of(*stages[:: -1 if outside else 1], clock=clock)
    assert run(pipeline.acall(callee, (), {}), clock) == "probe"
    assert len(callee.started_at_s) == 1


def test_m4_a_hedged_call_of_threads_ends_at_its_deadline(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    guarding, gate = breaker(), threading.Event()
    pipeline = Pipeline.of(Timeout(1.0), hedge(delay_s=5.0), guarding, clock=clock)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(pipeline.call, gate.wait, (), {})
        clock.until_parked(1)
        while guarding.metrics().in_flight == 0:
            threading.Event().wait(0.001)
        clock.advance(1.0)
        with pytest.raises(CallTimeout):
            answer.result(10.0)
    assert guarding.metrics().failed == 1
    gate.set()
