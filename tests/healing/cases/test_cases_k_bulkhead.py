"""Bulkheads: the cases K9 to K15, on a fake clock."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from callee import Callee
from virtual_time import run

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.pipeline.adaptive_limit import AdaptiveLimit
from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.agents.healing.pipeline.pipeline import Pipeline
from hms.agents.healing.pipeline.timeout import Timeout
from hms.errors import BulkheadFull, CallTimeout, ConfigRefused


def test_k9_one_more_than_the_places_is_refused(clock: FakeClock) -> None:
    pipeline = Pipeline.of(Bulkhead(2), clock=clock)

    def nested(depth: int) -> int:
        return depth if depth == 0 else int(pipeline.call(nested, (depth - 1,), {}))

    assert pipeline.call(nested, (1,), {}) == 0
    with pytest.raises(BulkheadFull, match="2 of 2 under way"):
        pipeline.call(nested, (2,), {})
    assert pipeline.call(nested, (1,), {}) == 0


def test_k10_two_run_two_wait_in_order_and_the_fifth_is_refused(clock: FakeClock) -> None:
    bulkhead = Bulkhead(2, queue=2)
    pipeline = Pipeline.of(bulkhead, clock=clock)
    begun: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        await asyncio.sleep(1.0)

    async def main() -> list[Any]:
        calls = (pipeline.acall(work, (number,), {}) for number in range(5))
        return await asyncio.gather(*calls, return_exceptions=True)

    ends = run(main(), clock)
    assert begun == [0, 1, 2, 3]
    assert [type(end) for end in ends] == [type(None)] * 4 + [BulkheadFull]
    assert bulkhead.metrics().refused == 1
    assert clock.now_s() == 2.0


def test_k10_threads_and_tasks_stand_in_one_queue(clock: FakeClock) -> None:
    bulkhead = Bulkhead(1, queue=2)
    bulkhead.enter(clock)
    begun: list[str] = []

    def thread() -> None:
        bulkhead.enter(clock)
        begun.append("thread")

    async def task() -> None:
        await bulkhead.enter_async()
        begun.append("task")

    async def main() -> None:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(thread)
            clock.until_parked(1)
            second = asyncio.create_task(task())
            await asyncio.sleep(0)
            assert bulkhead.metrics().waiting == 2
            bulkhead.leave()
            first.result(10.0)
            bulkhead.leave()
            await second

    run(main(), clock)
    assert begun == ["thread", "task"]
    assert bulkhead.metrics().running == 1


@pytest.mark.parametrize("asynchronous", [False, True])
def test_k11_who_waits_too_long_is_refused(clock: FakeClock, asynchronous: bool) -> None:
    bulkhead = Bulkhead(1, queue=1, max_wait_s=1.0)
    bulkhead.enter(clock)
    if asynchronous:
        with pytest.raises(BulkheadFull):
            run(bulkhead.enter_async(), clock)
    else:
        with ThreadPoolExecutor(1) as pool:
            waiter = pool.submit(bulkhead.enter, clock)
            clock.until_parked(1)
            clock.advance(0.5)
            assert not waiter.done()
            clock.advance(0.5)
            with pytest.raises(BulkheadFull):
                waiter.result(10.0)
    assert (clock.now_s(), bulkhead.metrics().waiting) == (1.0, 0)


def test_k11_no_place_is_waited_for_beyond_the_deadline(clock: FakeClock) -> None:
    bulkhead = Bulkhead(1, queue=1)
    bulkhead.enter(clock)
    pipeline = Pipeline.of(Timeout(2.0, scope="total"), bulkhead, clock=clock)
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(pipeline.call, int, (), {})
        clock.until_parked(1)
        clock.advance(2.0)
        with pytest.raises(CallTimeout, match="total"):
            waiter.result(10.0)


def test_k12_a_waiter_that_is_cancelled_makes_room_for_the_next(clock: FakeClock) -> None:
    bulkhead = Bulkhead(1, queue=3)

    async def main() -> None:
        await bulkhead.enter_async()
        waiters = [asyncio.create_task(bulkhead.enter_async()) for _ in range(3)]
        await asyncio.sleep(0)
        waiters[0].cancel()
        await asyncio.sleep(0)
        assert bulkhead.metrics().waiting == 2
        bulkhead.leave()
        waiters[1].cancel()  # it has just been given the place, and cannot use it
        await asyncio.wait(waiters)
        assert [each.cancelled() for each in waiters] == [True, True, False]

    run(main(), clock)
    assert (bulkhead.metrics().running, bulkhead.metrics().waiting) == (1, 0)


def test_k12_a_place_given_to_a_loop_that_is_gone_goes_to_the_next(clock: FakeClock) -> None:
    bulkhead = Bulkhead(1, queue=1)
    bulkhead.enter(clock)
    loop = asyncio.new_event_loop()
    coroutine = bulkhead.enter_async()
    task = loop.create_task(coroutine)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    bulkhead.leave()
    assert bulkhead.metrics().running == 0
    bulkhead.enter(clock)
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    coroutine.close()


def test_k13_a_smaller_limit_never_waits_and_holds_for_newcomers(clock: FakeClock) -> None:
    bulkhead = Bulkhead(10, queue=1)
    for _ in range(8):
        bulkhead.enter(clock)
    bulkhead.resize(5)
    for _ in range(3):
        bulkhead.leave()
        assert not bulkhead.enter_now()
    bulkhead.leave()
    assert bulkhead.enter_now()
    assert bulkhead.metrics().running == 5


def test_k13_a_larger_limit_lets_those_in_who_wait(clock: FakeClock) -> None:
    bulkhead = Bulkhead(1, queue=2)

    async def main() -> None:
        await bulkhead.enter_async()
        waiters = [asyncio.create_task(bulkhead.enter_async()) for _ in range(2)]
        await asyncio.sleep(0)
        bulkhead.resize(2)
        await waiters[0]
        assert not waiters[1].done()
        with pytest.raises(ConfigRefused, match="limit"):
            bulkhead.resize(0)
        bulkhead.leave()
        await waiters[1]

    run(main(), clock)
    assert bulkhead.metrics().running == 2


def test_k14_a_place_is_given_back_once(clock: FakeClock) -> None:
    bulkhead = Bulkhead(2)
    place = bulkhead.place(clock).take()
    place.release()
    with pytest.raises(ValueError, match="once"):
        place.release()
    with pytest.raises(ValueError, match="more places given back"):
        bulkhead.leave()
    with bulkhead.place(clock), bulkhead.place(clock):
        assert not bulkhead.enter_now()
    assert bulkhead.metrics().running == 0


def test_k15_an_adaptive_limit_falls_by_a_tenth_and_rises_by_one(clock: FakeClock) -> None:
    bulkhead = Bulkhead(10, adaptive=AdaptiveLimit(least=2, most=12))
    pipeline = Pipeline.of(bulkhead, clock=clock)
    with pytest.raises(TimeoutError):
        pipeline.call(Callee(clock, TimeoutError("late")), (), {})
    assert bulkhead.limit == 9
    for _ in range(4):
        bulkhead.enter(clock)
    pipeline.call(Callee(clock), (), {})  # five of nine
    assert bulkhead.limit == 10
    bulkhead.leave()
    pipeline.call(Callee(clock), (), {})  # four of ten
    assert bulkhead.limit == 10
    with pytest.raises(ValueError, match="no"):
        pipeline.call(Callee(clock, ValueError("no")), (), {})  # says nothing of load
    assert bulkhead.limit == 10
