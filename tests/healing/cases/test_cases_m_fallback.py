"""Fallbacks: the cases M11 and M12, on a fake clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from callee import Callee
from virtual_time import run

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.pipeline.fallback import Fallback, FallbackUsed, observe
from hms.agents.healing.pipeline.pipeline import Pipeline
from hms.errors import BreakerOpen

FAULT = OSError("no")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_m11_a_fallback_answers_failures_and_refusals_and_is_marked(
    clock: FakeClock, breaker: Callable[..., Breaker], asynchronous: bool
) -> None:
    guarding, used = breaker(minimum_calls=1), []
    pipeline = Pipeline.of(
        Fallback(lambda error, key: f"cached {key}", on_use=used.append), guarding, clock=clock,
        name="db",
    )
    callee = Callee(clock, FAULT)

    def ask() -> Any:
        if asynchronous:
            return run(pipeline.acall(callee.awaited, ("k",), {}), clock)
        return pipeline.call(callee, ("k",), {})

    with observe() as seen:
        assert (ask(), ask()) == ("cached k", "cached k")
    assert callee.calls == 1  # the second time the breaker was open
    assert [type(each.error) for each in seen.fallbacks] == [OSError, BreakerOpen]
    assert seen.fallbacks == used
    assert seen.fallbacks[0] == FallbackUsed("db", "cached k", FAULT)
    assert pipeline.metrics() == {"fallbacks": 2}


def test_m11_a_right_answer_is_not_marked(clock: FakeClock) -> None:
    pipeline = Pipeline.of(Fallback.value("cached"), clock=clock)
    with observe() as seen:
        assert pipeline.call(Callee(clock), (), {}) == "ok"
    assert seen.fallbacks == []


def test_m11_each_context_sees_its_own_marks(clock: FakeClock) -> None:
    pipeline = Pipeline.of(Fallback.value("cached"), clock=clock)

    async def one(end: Any) -> int:
        with observe() as seen:
            await pipeline.acall(Callee(clock, end, takes_s=1.0).awaited, (), {})
        return len(seen.fallbacks)

    async def main() -> list[int]:
        return await asyncio.gather(one(FAULT), one("right"))

    assert run(main(), clock) == [1, 0]


@pytest.mark.parametrize("interruption", [asyncio.CancelledError, KeyboardInterrupt])
def test_m11_a_cancellation_passes_a_fallback(
    clock: FakeClock, interruption: type[BaseException]
) -> None:
    pipeline = Pipeline.of(Fallback.value("cached"), clock=clock)
    with pytest.raises(interruption):
        pipeline.call(Callee(clock, interruption()), (), {})
    assert pipeline.metrics() == {}


def test_m11_a_hook_that_raises_does_not_cost_the_answer(clock: FakeClock) -> None:
    def broken(used: FallbackUsed) -> None:
        raise RuntimeError("in the hook")

    pipeline = Pipeline.of(Fallback.value("cached", on_use=broken), clock=clock)
    assert pipeline.call(Callee(clock, FAULT), (), {}) == "cached"
    assert pipeline.metrics() == {"fallbacks": 1, "listener_errors": 1}


@pytest.mark.parametrize("asynchronous", [False, True])
def test_m12_a_fallback_that_fails_raises_its_own_error_caused_by_the_first(
    clock: FakeClock, asynchronous: bool
) -> None:
    def broken(error: Exception) -> None:
        raise LookupError("no cache")

    pipeline = Pipeline.of(Fallback(broken), clock=clock)
    with pytest.raises(LookupError, match="no cache") as raised:
        if asynchronous:
            run(pipeline.acall(Callee(clock, FAULT).awaited, (), {}), clock)
        else:
            pipeline.call(Callee(clock, FAULT), (), {})
    assert raised.value.__cause__ is FAULT
