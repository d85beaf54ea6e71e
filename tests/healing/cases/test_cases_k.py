"""Time-outs and bulkheads: the cases K1 to K15, on a fake clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from callee import Callee
from virtual_time import run

from hms.agents.healing import deadline
from hms.agents.healing.adaptive_limit import AdaptiveLimit
from hms.agents.healing.breaker import Breaker
from hms.agents.healing.bulkhead import Bulkhead
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.pipeline import Pipeline
from hms.agents.healing.timeout import Timeout
from hms.errors import BulkheadFull, CallTimeout, ConfigRefused


async def until(clock: FakeClock, at_s: float) -> None:
    await asyncio.sleep(at_s - clock.now_s())


def test_k1_a_call_that_hangs_is_cut_at_the_limit_and_cancelled(clock: FakeClock) -> None:
    callee = Callee(clock, takes_s=60.0)
    pipeline = Pipeline.of(Timeout(1.0), clock=clock, name="db")
    with pytest.raises(CallTimeout, match="attempt time-out of `db`: 1 s") as cut:
        run(pipeline.acall(callee.awaited, (), {}), clock)
    assert (clock.now_s(), callee.cancelled, pipeline.metrics()["timeouts"]) == (1.0, 1, 1)
    assert (cut.value.dependency, cut.value.limit_s) == ("db", 1.0)


def test_k2_a_value_that_comes_late_all_the_same_is_returned_and_slow(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    late = breaker(slow_call_s=1.0)

    async def stubborn() -> str:
        try:
            await asyncio.sleep(60.0)
        except asyncio.CancelledError:
            await asyncio.sleep(0.2)
        return "late"

    pipeline = Pipeline.of(late, Timeout(1.0), clock=clock)
    assert run(pipeline.acall(stubborn, (), {}), clock) == "late"
    assert round(clock.now_s(), 9) == 1.2
    assert (late.metrics().ok, late.metrics().slow_in_window) == (1, 1.0)


def test_k2_a_thread_gets_its_late_value_too_and_the_overrun_is_counted(
    clock: FakeClock,
) -> None:
    pipeline = Pipeline.of(Timeout(1.0), clock=clock)
    assert pipeline.call(Callee(clock, "late", takes_s=1.2), (), {}) == "late"
    assert pipeline.call(Callee(clock, "just", takes_s=1.0), (), {}) == "just"
    assert pipeline.metrics() == {"overran": 1}


@pytest.mark.parametrize("at_s", [0.5, 1.0])
def test_k3_a_callers_cancellation_stays_one_also_at_the_limit(
    clock: FakeClock, at_s: float
) -> None:
    callee = Callee(clock, takes_s=60.0)

    async def main() -> None:
        # the caller's timer comes first where both are due at the same moment
        asyncio.get_running_loop().call_at(at_s, lambda: task.cancel())
        task = asyncio.create_task(Pipeline.of(Timeout(1.0), clock=clock).acall(
            callee.awaited, (), {}
        ))
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main(), clock)
    assert clock.now_s() == at_s


@pytest.mark.parametrize("asynchronous", [False, True])
def test_k4_the_callees_own_time_out_passes(clock: FakeClock, asynchronous: bool) -> None:
    own = TimeoutError("its own")
    callee = Callee(clock, own, takes_s=0.1)
    pipeline = Pipeline.of(Timeout(1.0), clock=clock)
    with pytest.raises(TimeoutError) as raised:
        if asynchronous:
            run(pipeline.acall(callee.awaited, (), {}), clock)
        else:
            pipeline.call(callee, (), {})
    assert raised.value is own


def test_k5_the_nearest_limit_cuts_and_is_named(clock: FakeClock) -> None:
    callee = Callee(clock, takes_s=60.0)
    pipeline = Pipeline.of(Timeout(1.0, scope="page"), Timeout(2.0), clock=clock)
    with pytest.raises(CallTimeout, match="page time-out") as cut:
        run(pipeline.acall(callee.awaited, (), {}), clock)
    assert (clock.now_s(), cut.value.scope, cut.value.limit_s) == (1.0, "page", 1.0)


def test_k5_a_thread_that_heeds_the_deadline_is_cut_by_the_nearest(clock: FakeClock) -> None:
    def heeding() -> None:
        while True:
            clock.advance(0.25)
            deadline.check()

    pipeline = Pipeline.of(Timeout(1.0, scope="page"), Timeout(2.0), clock=clock)
    with pytest.raises(CallTimeout, match="page time-out"):
        pipeline.call(heeding, (), {})
    assert (clock.now_s(), pipeline.metrics()) == (1.0, {"timeouts": 1})


def test_k5_a_time_out_of_the_callee_at_the_deadline_is_the_limits(clock: FakeClock) -> None:
    def socket() -> None:
        clock.advance(deadline.remaining_s())
        raise TimeoutError("recv")

    pipeline = Pipeline.of(Timeout(2.0), Timeout(1.0), clock=clock)
    with pytest.raises(CallTimeout) as cut:
        pipeline.call(socket, (), {})
    assert cut.value.limit_s == 1.0
    assert repr(cut.value.__cause__) == "TimeoutError('recv')"
    assert deadline.remaining_s() == float("inf")


def test_k5_nothing_is_begun_when_the_time_is_over(clock: FakeClock) -> None:
    callee = Callee(clock)
    inner = Pipeline.of(Timeout(1.0), clock=clock)

    def layer() -> None:
        clock.advance(3.0)
        inner.call(callee, (), {})

    with pytest.raises(CallTimeout, match="2 s"):
        Pipeline.of(Timeout(2.0), clock=clock).call(layer, (), {})
    assert callee.calls == 0


def test_k6_a_freed_caller_leaves_the_place_taken_until_the_work_ends(
    clock: FakeClock, breaker: Callable[..., Breaker]
) -> None:
    guarding = breaker()
    pipeline = Pipeline.of(
        Timeout(1.0, on="worker"), Bulkhead(1), guarding, clock=clock, name="db"
    )
    ended = threading.Event()

    def works() -> None:
        clock.wait(threading.Event(), 5.0)
        ended.set()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(pipeline.call, works, (), {})
        clock.until_parked(2)  # the caller, and the work
        clock.advance(1.0)
        with pytest.raises(CallTimeout, match="1 s"):
            first.result(10.0)
    assert guarding.metrics().failed == 1
    clock.advance(1.0)
    with pytest.raises(BulkheadFull):
        pipeline.call(int, (), {})
    clock.advance(3.0)
    assert ended.wait(10.0)
    after_the_work(clock, pipeline)
    assert (guarding.metrics().failed, guarding.metrics().double) == (1, 0)


def after_the_work(clock: FakeClock, pipeline: Pipeline) -> None:
    """The place is free once the work's thread has left it."""
    for _ in range(1000):
        try:
            assert pipeline.call(lambda: "again", (), {}) == "again"
        except BulkheadFull:
            threading.Event().wait(0.005)
        else:
            return
    raise AssertionError("the place was never given back")


@pytest.mark.parametrize("order", ["bulkhead first", "time-out first"])
def test_k6_the_place_is_held_wherever_the_bulkhead_stands(
    clock: FakeClock, order: str
) -> None:
    stages: list[Any] = [Bulkhead(1), Timeout(1.0, on="worker")]
    pipeline = Pipeline.of(*stages[:: 1 if order == "bulkhead first" else -1], clock=clock)
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(pipeline.call, gate.wait, (), {})
        clock.until_parked(1)
        clock.advance(1.0)
        with pytest.raises(CallTimeout):
            first.result(10.0)
    with pytest.raises(BulkheadFull):
        pipeline.call(int, (), {})
    gate.set()
    after_the_work(clock, pipeline)


@pytest.mark.parametrize("span_s", [0, 0.0, -1.0, float("nan"), float("inf"), True])
def test_k7_a_limit_that_is_no_span_is_refused(span_s: float) -> None:
    with pytest.raises(ConfigRefused, match="Timeout"):
        Timeout(span_s)


def test_k7_none_is_no_limit(clock: FakeClock) -> None:
    pipeline = Pipeline.of(Timeout(None), Bulkhead(1), clock=clock)
    assert pipeline.call(Callee(clock, takes_s=1e6), (), {}) == "ok"
    assert pipeline.describe() == "Bulkhead"


def test_k8_waiting_for_a_place_is_not_the_attempt(clock: FakeClock) -> None:
    pipeline = Pipeline.of(Bulkhead(1, queue=1), Timeout(1.0), clock=clock)

    async def main() -> list[Any]:
        calls = (
            pipeline.acall(Callee(clock, takes_s=takes_s).awaited, (), {})
            for takes_s in (0.9, 0.5)
        )
        return await asyncio.gather(*calls)

    assert run(main(), clock) == ["ok", "ok"]
    assert round(clock.now_s(), 9) == 1.4


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


@pytest.mark.parametrize(
    "build",
    [
        lambda: Bulkhead(0), lambda: Bulkhead(True), lambda: Bulkhead(1, queue=-1),
        lambda: Bulkhead(1, max_wait_s=0.0), lambda: AdaptiveLimit(least=0),
        lambda: AdaptiveLimit(kept_share=1.0), lambda: Timeout(1.0, on="signal"),
    ],
)  # fmt: skip
def test_k7_numbers_that_make_no_sense_are_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ConfigRefused):
        build()
