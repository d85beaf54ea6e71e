"""A guarded call: decorator and context manager, sync and async, and what counts as failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.calls.guard import Guard
from hms.errors import BreakerOpen, BulkheadFull


@pytest.fixture
def guard(breaker: Callable[..., Breaker]) -> Guard:
    return Guard(breaker())


def fail(error: type[BaseException]) -> None:
    raise error("no")


def test_a_function_keeps_its_name_its_arguments_and_its_result(guard: Guard) -> None:
    @guard
    def add(left: int, right: int = 1) -> int:
        """Add."""
        return left + right

    assert (add(1), add(1, right=2), add.__name__, add.__doc__) == (2, 3, "add", "Add.")
    assert guard.metrics().ok == 2


def test_e8_a_coroutine_function_is_awaited_and_counted(guard: Guard) -> None:
    @guard
    async def read(key: str) -> str:
        if key == "missing":
            raise KeyError(key)
        return key

    async def both() -> str:
        with pytest.raises(KeyError):
            await read("missing")
        return await read("there")

    assert asyncio.run(both()) == "there"
    assert (guard.metrics().ok, guard.metrics().failed) == (1, 1)


def test_an_open_breaker_does_not_call_and_the_fifth_caller_gets_its_own_error(
    guard: Guard,
) -> None:
    made = []

    @guard
    def read() -> None:
        made.append(1)
        raise OSError("refused")

    for _ in range(5):
        with pytest.raises(OSError, match="refused"):
            read()
    with pytest.raises(BreakerOpen):
        read()
    assert len(made) == 5


def test_with_and_async_with_count_as_calls_do(guard: Guard) -> None:
    async def use() -> None:
        async with guard as same:
            assert same is guard
        with pytest.raises(OSError, match="no"):
            async with guard:
                fail(OSError)

    with guard, guard:
        pass
    asyncio.run(use())
    counted = guard.metrics()
    assert (counted.ok, counted.failed, counted.in_flight) == (3, 1, 0)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_e3_an_interruption_is_neutral_and_goes_on(
    guard: Guard, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        guard(fail)(error)
    assert (guard.metrics().cancelled, guard.metrics().failed) == (1, 0)


@pytest.mark.parametrize("error", [BreakerOpen, BulkheadFull])
def test_e9_a_refusal_behind_this_guard_is_neutral(
    guard: Guard, error: type[Exception]
) -> None:
    with pytest.raises(error):
        guard(fail)(error)
    assert (guard.metrics().ignored, guard.metrics().failed) == (1, 0)


def test_tasks_that_share_a_guard_do_not_end_each_others_calls(guard: Guard) -> None:
    async def use(turn: asyncio.Event, next_turn: asyncio.Event, wrong: bool) -> None:
        async with guard:
            next_turn.set()
            await turn.wait()
            if wrong:
                raise OSError("no")

    async def two() -> list[object]:
        first, second = asyncio.Event(), asyncio.Event()
        return list(
            await asyncio.gather(
                use(first, second, True), use(second, first, False), return_exceptions=True
            )
        )

    wrong, right = asyncio.run(two())
    assert isinstance(wrong, OSError)
    assert right is None
    assert (guard.metrics().ok, guard.metrics().failed) == (1, 1)
