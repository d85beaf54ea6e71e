"""`with guard:` and `async with guard:`: places and deadlines as far as each can promise them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from virtual_time import run

from hms.agents.healing import AdaptiveConfig, create_basic_self_healing
from hms.agents.healing.calls.guard import Guard
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.pipeline import deadline
from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.errors import BreakerOpen, BulkheadFull, CallTimeout


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(100.0)


def guard_of(clock: FakeClock, **settings: Any) -> Guard:
    return create_basic_self_healing("cart", clock=clock, store="memory").guard("db", **settings)


def counted(guard: Guard) -> tuple[int, int, int, int]:
    m = guard.metrics()
    return m.ok, m.failed, m.cancelled, m.in_flight


def test_a_block_holds_a_place_of_the_bulkhead(clock: FakeClock) -> None:
    places = Bulkhead(2)
    guard = guard_of(clock, bulkhead=places)
    with guard, guard:
        assert places.metrics().running == 2
        with pytest.raises(BulkheadFull), guard:
            pytest.fail("entered")
    assert places.metrics().running == 0
    assert counted(guard) == (2, 0, 0, 0)


def test_so_does_an_async_block_and_it_waits_for_one(clock: FakeClock) -> None:
    places = Bulkhead(1, queue=1)
    guard = guard_of(clock, bulkhead=places)
    order: list[str] = []

    async def use(name: str) -> None:
        async with guard:
            order.append(f"{name} in, {places.metrics().running}")
            await asyncio.sleep(0.0)
            order.append(f"{name} out")

    async def both() -> None:
        await asyncio.gather(use("a"), use("b"))

    asyncio.run(both())
    assert order == ["a in, 1", "a out", "b in, 1", "b out"]
    assert places.metrics().running == 0


def test_a_block_that_an_open_breaker_refuses_gives_its_place_back(clock: FakeClock) -> None:
    places = Bulkhead(1)
    guard = guard_of(clock, bulkhead=places)
    guard.breaker.force_open()
    for _ in range(3):
        with pytest.raises(BreakerOpen), guard:
            pytest.fail("entered")
    assert places.metrics().running == 0

    async def use() -> None:
        async with guard:
            pytest.fail("entered")

    with pytest.raises(BreakerOpen):
        asyncio.run(use())
    assert places.metrics().running == 0
    assert deadline.remaining_s() == float("inf")


def test_a_plain_block_is_told_its_deadline_and_not_cut(clock: FakeClock) -> None:
    guard = guard_of(clock, timeout=0.5)
    with guard:
        assert deadline.remaining_s() == 0.5
        clock.advance(2.0)  # it heeds no deadline: it ends late, by itself
        assert deadline.remaining_s() == 0.0
        with pytest.raises(CallTimeout):
            deadline.check()
    assert deadline.remaining_s() == float("inf")
    assert counted(guard) == (1, 0, 0, 0)
    assert guard.pipeline is not None
    assert guard.pipeline.counts.taken() == {"overran": 1}


@pytest.mark.parametrize(("after_s", "error"), [(0.4, TimeoutError), (0.5, CallTimeout)])
def test_a_plain_block_that_gives_up_at_its_deadline_has_timed_out(
    clock: FakeClock, after_s: float, error: type[Exception]
) -> None:
    guard = guard_of(clock, timeout=0.5)
    with pytest.raises(TimeoutError) as raised, guard:
        clock.advance(after_s)
        raise TimeoutError("the socket's")
    assert type(raised.value) is error
    assert counted(guard) == (0, 1, 0, 0)


def test_a_plain_block_is_not_begun_without_time(clock: FakeClock) -> None:
    outer, inner = guard_of(clock, timeout=1.0), guard_of(clock, timeout=5.0)
    with outer:
        with inner:
            assert deadline.remaining_s() == 1.0
        assert deadline.remaining_s() == 1.0
        clock.advance(1.0)
        with pytest.raises(CallTimeout), inner:
            pytest.fail("entered")
    assert counted(inner) == (1, 0, 0, 0)


def test_an_async_block_is_cancelled_at_its_limit() -> None:
    clock = FakeClock()
    healing = create_basic_self_healing("cart", clock=clock, store="memory")
    places = Bulkhead(1)
    guard = healing.guard("db", timeout=0.5, bulkhead=places)
    seen: list[str] = []

    async def use() -> None:
        with pytest.raises(CallTimeout, match=r"attempt time-out of `db`: 0\.5 s are over"):
            async with guard:
                assert deadline.remaining_s() == 0.5
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    seen.append(f"cut at {clock.now_s():g}")
                    raise
        seen.append("went on")
        await asyncio.sleep(0.0)

    run(use(), clock)
    assert seen == ["cut at 0.5", "went on"]
    assert counted(guard) == (0, 1, 0, 0)
    assert places.metrics().running == 0


def test_an_async_block_that_is_cancelled_by_its_caller_stays_cancelled() -> None:
    clock = FakeClock()
    healing = create_basic_self_healing("cart", clock=clock, store="memory")
    guard = healing.guard("db", timeout=5.0)

    async def block() -> None:
        async with guard:
            await asyncio.Event().wait()

    async def use() -> None:
        task = asyncio.ensure_future(block())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(use(), clock)
    assert counted(guard) == (0, 0, 1, 0)


def test_the_total_limit_also_cuts_the_wait_for_a_place() -> None:
    clock = FakeClock()
    healing = create_basic_self_healing("cart", clock=clock, store="memory")
    places = Bulkhead(1, queue=5)

    async def use() -> None:
        await healing.initialize()
        config = AdaptiveConfig({"timeout": {"total_s": 2.0}}, "lab", 1.0)
        await healing.apply_config(config)
        guard = healing.guard("db", bulkhead=places)
        with places.place():  # somebody else's
            with pytest.raises(CallTimeout, match="total time-out of `db`: 2 s are over"):
                async with guard:
                    pytest.fail("entered")
            assert (clock.now_s(), counted(guard)) == (2.0, (0, 0, 0, 0))

    run(use(), clock)
    assert (places.metrics().running, places.metrics().waiting) == (0, 0)
