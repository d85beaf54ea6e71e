"""A guard that asks for more than a breaker: the same decorator, through its pipeline."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest
from callee import Callee
from virtual_time import run

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.agents.healing.pipeline.deadline import remaining_s
from hms.agents.healing.pipeline.fallback import Fallback
from hms.agents.healing.pipeline.hedge import Hedge
from hms.agents.healing.pipeline.pipeline import Pipeline
from hms.agents.healing.pipeline.retry import Retry
from hms.agents.healing.pipeline.timeout import Timeout
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.parameters import RetryParameters
from hms.errors import BulkheadFull, ConfigRefused

Build = Callable[..., StandaloneSelfHealing]
FAULT = OSError("no")
TWICE = RetryParameters(max_attempts=2, base_s=0.0, retry_on_error=True)


def test_what_a_guard_is_told_stands_around_its_calls(healing: Build, clock: FakeClock) -> None:
    guard = healing().guard("db", bulkhead=5, timeout=0.5, fallback="cached")
    assert guard.describe() == "Fallback > Bulkhead > Breaker > Timeout"

    @guard
    def read(key: str) -> Any:
        return key, remaining_s()

    @guard
    async def fetch(key: str) -> Any:
        await asyncio.sleep(60.0)

    assert read("k") == ("k", 0.5)
    assert run(fetch("k"), clock) == "cached"
    assert (guard.metrics().ok, guard.metrics().failed) == (1, 1)


def test_a_neutral_error_is_an_answer_and_no_fallbacks(healing: Build) -> None:
    guard = healing().guard("db", ignore=(KeyError,), fallback=lambda error, key: f"not {key}")

    @guard
    def read(key: str) -> Any:
        raise (KeyError if key == "missing" else OSError)(key)

    with pytest.raises(KeyError):
        read("missing")
    assert read("broken") == "not broken"


def test_a_call_that_is_not_idempotent_is_repeated_only_if_it_was_never_begun(
    clock: FakeClock,
) -> None:
    stage = Retry(OSError, parameters=TWICE, idempotent=False)
    pipeline = Pipeline.of(stage, clock=clock)
    for end, calls in ((FAULT, 1), (TimeoutError("late"), 1), (ConnectionRefusedError("down"), 2)):
        callee = Callee(clock, end)
        with pytest.raises(OSError, match=str(end)):
            pipeline.call(callee, (), {})
        assert callee.calls == calls


def test_a_hedge_of_a_guard_needs_idempotence(healing: Build) -> None:
    with pytest.raises(ConfigRefused, match="idempotent"):
        healing().guard("db", hedge=True, idempotent=False)
    with pytest.raises(ConfigRefused, match="hedge is 3"):
        healing().guard("db", hedge=3)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"timout": 0.5}, "nearest: `timeout`"),
        ({"kind": "database"}, "unknown kind `database`"),
        ({"criticality": "hgh"}, "nearest: `high`"),
        ({"timeout": "0.5"}, "expected: seconds"),
    ],
)
def test_a_mistyped_argument_is_refused(healing: Build, given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigRefused, match=told):
        healing().guard("db", **given)


def test_a_component_or_dependency_that_is_none_is_refused(healing: Build) -> None:
    with pytest.raises(ConfigRefused, match="expected: a name"):
        healing().guard("")
    with pytest.raises(ConfigRefused, match="nearest: `high`"):
        healing(criticality="hgih")


def items_of(*ends: Any) -> tuple[list[int], Callable[[], Generator[Any, Any, str]]]:
    """A generator function that yields what it is told, and raises what is an error."""
    begun: list[int] = []

    def items() -> Generator[Any, Any, str]:
        begun.append(1)
        if len(begun) == 1:
            raise FAULT
        for end in ends:
            if isinstance(end, BaseException):
                raise end
            yield end
        return "returned"

    return begun, items


def test_a_generator_keeps_its_place_and_its_permit_to_its_end(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    guarding, bulkhead = breaker(), Bulkhead(1)
    pipeline = Pipeline.of(Retry(OSError, parameters=TWICE), bulkhead, guarding, clock=clock)
    _, items = items_of("a", "b")
    stream = pipeline.stream(items, (), {})
    assert next(stream) == "a"
    assert (bulkhead.metrics().running, guarding.metrics().in_flight) == (1, 1)
    with pytest.raises(BulkheadFull):
        next(pipeline.stream(items, (), {}))
    assert next(stream) == "b"
    with pytest.raises(StopIteration) as stop:
        next(stream)
    assert stop.value.value == "returned"
    told = guarding.metrics()
    assert (bulkhead.metrics().running, told.ok, told.failed, told.in_flight) == (0, 1, 1, 0)


def test_a_generator_that_is_closed_or_fails_gives_its_place_back(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    guarding, bulkhead = breaker(), Bulkhead(1)
    stages = (Hedge(idempotent=True), Retry(OSError, parameters=TWICE), bulkhead, guarding)
    pipeline = Pipeline.of(*stages, clock=clock)
    stream = pipeline.stream(items_of("a", "b")[1], (), {})
    next(stream)
    stream.close()
    assert bulkhead.metrics().running == 0
    with pytest.raises(OSError, match="no"):
        list(pipeline.stream(items_of("a", FAULT)[1], (), {}))
    assert (bulkhead.metrics().running, guarding.metrics().in_flight) == (0, 0)


def test_what_is_sent_and_thrown_in_reaches_the_generator(clock: FakeClock) -> None:
    def echo() -> Generator[Any, Any, None]:
        got = yield "ready"
        with contextlib.suppress(KeyError):
            yield got
        yield "caught"

    stream = Pipeline.of(Timeout(1.0), clock=clock).stream(echo, (), {})
    assert (next(stream), stream.send("sent"), stream.throw(KeyError())) == (
        "ready", "sent", "caught"
    )
    assert list(stream) == []


@pytest.mark.parametrize("fallback", [["x", "y"], ()])
def test_a_fallback_of_a_generator_gives_the_items(clock: FakeClock, fallback: Any) -> None:
    pipeline = Pipeline.of(Fallback.value(fallback), clock=clock)
    assert list(pipeline.stream(items_of()[1], (), {})) == list(fallback)

    async def broken() -> AsyncGenerator[Any, None]:
        raise FAULT
        yield

    async def main() -> list[Any]:
        return [item async for item in pipeline.astream(broken, (), {})]

    assert run(main(), clock) == list(fallback)


def test_async_generators_are_retried_until_the_first_item(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    guarding, bulkhead, begun = breaker(), Bulkhead(1), []
    pipeline = Pipeline.of(Retry(OSError, parameters=TWICE), bulkhead, guarding, clock=clock)

    async def items() -> AsyncGenerator[Any, Any]:
        begun.append(1)
        if len(begun) == 1:
            raise FAULT
        got = yield "a"
        yield got
        raise FAULT

    async def main() -> None:
        stream = pipeline.astream(items, (), {})
        assert await anext(stream) == "a"
        assert bulkhead.metrics().running == 1
        assert await stream.asend("sent") == "sent"
        with pytest.raises(OSError, match="no"):
            await anext(stream)
        assert bulkhead.metrics().running == 0
        second = pipeline.astream(items, (), {})
        await anext(second)
        await second.aclose()
        assert bulkhead.metrics().running == 0

    run(main(), clock)
    assert (len(begun), guarding.metrics().failed, guarding.metrics().in_flight) == (3, 2, 0)


def test_a_guard_with_stages_lets_generators_through_them(healing: Build) -> None:
    guard = healing().guard("db", bulkhead=1)

    @guard
    def read() -> Generator[int, None, None]:
        yield 1
        yield 2

    @guard
    async def fetch() -> AsyncGenerator[int, None]:
        yield 1
        yield 2

    async def main() -> list[int]:
        return [item async for item in fetch()]

    first = read()
    assert next(first) == 1
    with pytest.raises(BulkheadFull):
        next(read())
    assert list(first) == [2]
    assert asyncio.run(main()) == [1, 2]
    assert guard.metrics().ok == 2
