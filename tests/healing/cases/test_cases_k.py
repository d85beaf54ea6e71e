"""Time-outs: the cases K1 to K8, on a fake clock."""

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
from hms.agents.healing.pipeline import deadline
from hms.agents.healing.pipeline.adaptive_limit import AdaptiveLimit
from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.agents.healing.pipeline.pipeline import Pipeline
from hms.agents.healing.pipeline.timeout import Timeout
from hms.errors import BulkheadFull, CallTimeout, ConfigRefused


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
