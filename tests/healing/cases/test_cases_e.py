"""Breaker cases E: what counts."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from breaker_play import Build, half_open, must_add_up, refused

from hms.agents.healing.breaker.breaker import BreakerMetrics
from hms.agents.healing.calls.guard import Guard
from hms.agents.healing.calls.guard_settings import GuardSettings
from hms.agents.healing.clock import FakeClock
from hms.errors import BreakerOpen, BudgetExhausted, BulkheadFull, ConfigRefused


@pytest.fixture
def guard(breaker: Build) -> Callable[..., Guard]:
    def build(**said: Any) -> Guard:
        return Guard(breaker(), GuardSettings(**said))

    return build


def fail(error: BaseException) -> None:
    raise error


def counted(guard: Guard, error: BaseException) -> BreakerMetrics:
    """What one call that ends so is counted as; the error goes on."""
    with pytest.raises(type(error)) as raised:
        guard(fail)(error)
    assert raised.value is error
    return must_add_up(guard.breaker)


def test_e1_what_is_not_among_the_errors_that_count_is_neutral(
    guard: Callable[..., Guard]
) -> None:
    each = guard(count=OSError)
    assert counted(each, ValueError()).ignored == 1
    assert counted(each, ConnectionError()).failed == 1


def test_e1_it_would_close_no_probe(breaker: Build, clock: FakeClock) -> None:
    each = Guard(half_open(breaker, clock, half_open_calls=1), GuardSettings(count=(OSError,)))
    counted(each, ValueError())
    assert each.breaker.phase == "half_open"
    assert each.breaker.admit().probe


def test_e2_ignoring_wins(guard: Callable[..., Guard]) -> None:
    each = guard(count=(LookupError,), ignore=KeyError)
    assert counted(each, KeyError("k")).ignored == 1
    assert counted(each, IndexError()).failed == 1


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(), GeneratorExit()]
)
@pytest.mark.parametrize("count", [Exception, BaseException])
def test_e3_what_interrupts_or_cancels_is_neutral(
    guard: Callable[..., Guard], error: BaseException, count: type[BaseException]
) -> None:
    seen = counted(guard(count=count), error)
    assert (seen.cancelled, seen.failed, seen.ok) == (1, 0, 0)


def test_e4_a_value_may_be_judged_a_failure(guard: Callable[..., Guard]) -> None:
    each = guard(judge=lambda reply: reply is None or reply.status >= 500)
    reply = SimpleNamespace(status=503)
    assert each(lambda: reply)() is reply
    assert each.metrics().failed == 1
    assert each.call(lambda: None) is None
    assert each.metrics().failed == 2
    each.call(lambda: SimpleNamespace(status=200))
    assert must_add_up(each.breaker).ok == 1


def test_e5_a_judge_that_raises_leaves_the_value_and_is_counted(
    guard: Callable[..., Guard]
) -> None:
    each = guard(judge=lambda reply: reply.status >= 500)
    assert each.call(lambda: 7) == 7
    seen = must_add_up(each.breaker)
    assert (seen.ignored, seen.judge_errors, seen.failed, seen.ok) == (1, 1, 0, 0)


def test_e5_so_does_a_question_about_an_error(guard: Callable[..., Guard]) -> None:
    each = guard(count=lambda error: error.status >= 500)
    seen = counted(each, ValueError())
    assert (seen.ignored, seen.judge_errors) == (1, 1)
    other = guard(ignore=lambda error: error.harmless)
    seen = counted(other, ValueError())
    assert (seen.ignored, seen.judge_errors) == (1, 1)


def test_e6_a_group_fails_if_any_leaf_does(guard: Callable[..., Guard]) -> None:
    each = guard(count=OSError)
    inner = ExceptionGroup("inner", [ValueError(), OSError()])
    assert counted(each, ExceptionGroup("outer", [KeyError(), inner])).failed == 1
    assert counted(each, ExceptionGroup("none", [KeyError(), ValueError()])).ignored == 1
    cancelled = BaseExceptionGroup("all", [asyncio.CancelledError(), KeyboardInterrupt()])
    assert counted(each, cancelled).cancelled == 1


def numbers(clock: FakeClock, until: int, error: Exception | None) -> Iterator[int]:
    for number in range(until):
        clock.advance(0.5)
        yield number
    if error is not None:
        raise error


def test_e7_a_generator_fails_once(guard: Callable[..., Guard], clock: FakeClock) -> None:
    each = guard()
    with pytest.raises(OSError, match="cut"):
        list(each(numbers)(clock, 2, OSError("cut")))
    assert (must_add_up(each.breaker).failed, each.metrics().admitted) == (1, 1)


def test_e7_and_is_neutral_closed_early(guard: Callable[..., Guard], clock: FakeClock) -> None:
    each = guard()
    items = each(numbers)(clock, 5, None)
    assert next(items) == 0
    assert must_add_up(each.breaker).in_flight == 1
    items.close()
    assert must_add_up(each.breaker).ignored == 1
    forgotten = each(numbers)(clock, 5, None)
    next(forgotten)
    del forgotten
    gc.collect()
    assert must_add_up(each.breaker).ignored == 2


def test_e7_closed_early_it_closes_no_breaker(breaker: Build, clock: FakeClock) -> None:
    each = Guard(half_open(breaker, clock, half_open_calls=1))
    items = each(numbers)(clock, 5, None)
    next(items)
    items.close()
    assert each.breaker.phase == "half_open"


def test_e7_only_its_own_time_makes_it_slow(guard: Callable[..., Guard], clock: FakeClock) -> None:
    each = guard()
    for _ in each(numbers)(clock, 2, None):
        clock.advance(100.0)  # its consumer
    assert (must_add_up(each.breaker).ok, each.metrics().slow_in_window) == (1, 0.0)
    for _ in each(numbers)(clock, 5, None):
        pass
    assert each.metrics().slow_in_window == 1.0


def test_e7_what_the_consumer_throws_in_and_gets_back_is_neutral(
    guard: Callable[..., Guard]
) -> None:
    each = guard()

    @contextlib.contextmanager
    @each
    def connection() -> Iterator[int]:
        yield 7

    with pytest.raises(ValueError, match="mine"), connection() as number:
        assert number == 7
        raise ValueError("mine")
    assert must_add_up(each.breaker).ignored == 1
    with connection():
        pass
    assert must_add_up(each.breaker).ok == 1


def test_e7_an_async_generator_likewise(guard: Callable[..., Guard]) -> None:
    each = guard()

    @each
    async def rows(error: Exception | None) -> AsyncIterator[int]:
        yield 1
        yield 2
        if error is not None:
            raise error

    async def use() -> None:
        assert [row async for row in rows(None)] == [1, 2]
        with pytest.raises(OSError, match="cut"):
            [row async for row in rows(OSError("cut"))]
        early = rows(None)
        assert await anext(early) == 1
        await early.aclose()
        thrown = rows(None)
        await anext(thrown)
        with pytest.raises(ValueError, match="mine"):
            await thrown.athrow(ValueError("mine"))

    asyncio.run(use())
    seen = must_add_up(each.breaker)
    assert (seen.ok, seen.failed, seen.ignored, seen.admitted) == (1, 1, 2, 4)


def test_e7_an_open_breaker_starts_no_generator(guard: Callable[..., Guard]) -> None:
    each = guard()
    each.breaker.force_open()
    items = each(numbers)(FakeClock(), 2, None)
    with pytest.raises(BreakerOpen):
        next(items)


def test_e8_a_coroutine_function_is_awaited_and_counted(guard: Callable[..., Guard]) -> None:
    each = guard()

    async def read(error: Exception | None) -> str:
        await asyncio.sleep(0)
        if error is not None:
            raise error
        return "row"

    class Client:
        async def __call__(self, error: Exception | None) -> str:
            return await read(error)

    async def use() -> None:
        for way in (each(read), each(Client()), each(lambda error: read(error))):
            assert await way(None) == "row"
            with pytest.raises(OSError, match="no"):
                await way(OSError("no"))

    asyncio.run(use())
    seen = must_add_up(each.breaker)
    assert (seen.ok, seen.failed, seen.in_flight) == (3, 3, 0)
    assert refused(each.breaker).phase == "open"  # 50 % of 6


@pytest.mark.parametrize("error", [BulkheadFull("full"), BudgetExhausted("none"), BreakerOpen("")])
def test_e9_a_refusal_further_in_is_neutral(
    guard: Callable[..., Guard], error: Exception
) -> None:
    seen = counted(guard(count=BaseException), error)
    assert (seen.ignored, seen.failed) == (1, 0)


@pytest.mark.parametrize("said", [{"count": 7}, {"ignore": ("x",)}, {"judge": 5}])
def test_what_is_no_error_and_no_question_is_refused(
    guard: Callable[..., Guard], said: dict[str, Any]
) -> None:
    with pytest.raises(ConfigRefused, match=next(iter(said))):
        guard(**said)
