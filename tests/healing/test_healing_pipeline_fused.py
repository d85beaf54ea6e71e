"""The fused success path does what the nested stages do, on any history of calls."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from typing import Any

import pytest
from callee import Callee
from hypothesis import given
from hypothesis import strategies as st
from virtual_time import run

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.clock import FakeClock, MonotonicClock
from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.agents.healing.pipeline.deadline import current
from hms.agents.healing.pipeline.fallback import Fallback
from hms.agents.healing.pipeline.hedge import Hedge
from hms.agents.healing.pipeline.pipeline import Pipeline, nested, nested_async
from hms.agents.healing.pipeline.retry import Retry
from hms.agents.healing.pipeline.stage import Call
from hms.agents.healing.pipeline.timeout import Timeout
from hms.agents.policy.parameters import BreakerParameters, RetryParameters
from hms.errors import BulkheadFull

ENDS: tuple[Any, ...] = (
    "right", "right", "right", OSError("no"), ConnectionRefusedError("no"), TimeoutError("own"),
    KeyError("neutral"), BulkheadFull("further in"), KeyboardInterrupt(),
)  # fmt: skip
calls = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.02, 1.0, 6.0]),  # before it
        st.sampled_from([0.0, 0.01, 0.3, 0.6, 2.5]),  # it takes
        st.integers(0, len(ENDS) - 1),
    ),
    max_size=40,
)
present = st.fixed_dictionaries(
    {name: st.booleans() for name in ("fallback", "total", "retry", "bulkhead", "attempt")}
)


class World:
    """A pipeline of the default order, and everything that it can be seen by."""

    def __init__(self, present: dict[str, bool], fuse: bool) -> None:
        self.clock = FakeClock()
        breaker = BreakerParameters(
            minimum_calls=4, window_calls=8, half_open_calls=2, jitter_share=0.0, open_s=2.0
        )
        self.breaker = Breaker("db", breaker, self.clock, lambda: 0.5)
        self.bulkhead = Bulkhead(2)
        retry = RetryParameters(max_attempts=3, base_s=0.1, retry_on_error=True, budget_max=4.0)
        stages = {
            "fallback": Fallback.value("cached"),
            "total": Timeout(2.0, scope="total"),
            "retry": Retry(OSError, parameters=retry),
            "bulkhead": self.bulkhead,
            "breaker": self.breaker,
            "attempt": Timeout(0.5, scope="attempt"),
        }
        chosen = [stage for name, stage in stages.items() if present.get(name, True)]
        self.pipeline = Pipeline.of(*chosen, clock=self.clock, draw=lambda: 0.5)  # type: ignore[arg-type]
        self.is_fused = "_fused" in self.pipeline.call.__qualname__
        if not fuse:
            self.pipeline.call = nested(
                self.pipeline.stages, self.pipeline._where, self.pipeline.acall
            )
            step = nested_async(self.pipeline.stages, self.pipeline._where)
            self.pipeline._acall = lambda *given: step(Call(*given))
        self.seen: list[Any] = []

    def make(self, before_s: float, takes_s: float, end: Any) -> None:
        self.clock.advance(before_s)

        def callee() -> Any:
            deadline = current.get()
            self.seen.append(("called", self.clock.now_s(), deadline and deadline[0]))
            self.clock.advance(takes_s)
            if isinstance(end, BaseException):
                raise end
            return end

        try:
            self.seen.append(self.pipeline.call(callee, (), {}))
        except BaseException as error:  # noqa: BLE001 (compared)
            self.seen.append((type(error), str(error)))
        assert current.get() is None

    async def make_async(self, before_s: float, takes_s: float, end: Any) -> None:
        """The same as a task of its own; an interruption is a caller's cancellation."""
        await asyncio.sleep(before_s)

        async def callee() -> Any:
            deadline = current.get()
            self.seen.append(("called", self.clock.now_s(), deadline and deadline[0]))
            await asyncio.sleep(takes_s)
            if isinstance(end, KeyboardInterrupt):
                raise asyncio.CancelledError
            if isinstance(end, BaseException):
                raise end
            return end

        try:
            self.seen.append(await self.pipeline.acall(callee, (), {}))
        except BaseException as error:  # noqa: BLE001 (compared)
            self.seen.append((type(error), str(error)))
        assert current.get() is None

    def told(self) -> tuple[Any, ...]:
        return (
            self.seen, self.breaker.metrics(), self.bulkhead.metrics(),
            self.pipeline.budget.metrics(), self.pipeline.metrics(), self.clock.now_s(),
        )


@given(present, calls)
def test_fused_and_nested_stages_cannot_be_told_apart(
    present: dict[str, bool], calls: list[tuple[float, float, int]]
) -> None:
    fused, plain = World(present, fuse=True), World(present, fuse=False)
    assert fused.is_fused
    for before_s, takes_s, end in calls:
        for world in (fused, plain):
            world.make(before_s, takes_s, ENDS[end])
    told, wanted = fused.told(), plain.told()
    assert told == wanted
    assert told[2].running == 0


@given(present, calls, st.integers(1, 3))
def test_the_same_holds_for_coroutines_also_side_by_side(
    present: dict[str, bool], calls: list[tuple[float, float, int]], at_once: int
) -> None:
    worlds = [World({**present, "total": False}, fuse) for fuse in (True, False)]

    async def play(world: World) -> None:
        for start in range(0, len(calls), at_once):
            await asyncio.gather(
                *(world.make_async(before_s, takes_s, ENDS[end])
                  for before_s, takes_s, end in calls[start : start + at_once])
            )

    for world in worlds:
        run(play(world), world.clock)
    told, wanted = (world.told() for world in worlds)
    assert told == wanted
    assert told[2].running == 0
    if calls:
        assert "_fused_async" in getattr(worlds[0].pipeline._acall, "__qualname__", "")


@pytest.mark.parametrize(
    "stages",
    [
        (Bulkhead(1), Retry(OSError)),
        (Timeout(1.0, on="worker"),),
        (Hedge(idempotent=True),),
        (Retry(OSError, judge=bool),),
        (Retry(OSError, parameters=RetryParameters(max_attempts=2, budget_kind=2)),),
    ],
    ids=["other order", "worker", "hedge", "judge", "calls watched"],
)
def test_what_is_more_than_the_common_order_is_not_fused(stages: tuple[Any, ...]) -> None:
    clock = FakeClock()
    breaker = Breaker("db", BreakerParameters(), clock, lambda: 0.5)
    pipeline = Pipeline.of(*stages, breaker, clock=clock)
    assert "nested" in pipeline.call.__qualname__
    elsewhere = Pipeline.of(breaker, Timeout(1.0), clock=MonotonicClock())
    assert "nested" in elsewhere.call.__qualname__


def test_a_nearer_deadline_around_the_call_stays(clock: FakeClock) -> None:
    breaker = Breaker("db", BreakerParameters(), clock, lambda: 0.5)
    inner = Pipeline.of(breaker, Timeout(5.0), clock=clock)

    def layer() -> Any:
        return inner.call(current.get, (), {})

    at_s, limit = Pipeline.of(Timeout(1.0, scope="page"), clock=clock).call(layer, (), {})
    assert (at_s, limit.scope) == (1.0, "page")


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("end", [OSError("no"), KeyError("no"), TimeoutError("no")])
def test_an_error_leaves_no_ring_to_the_collector(fuse: bool, end: Exception) -> None:
    world = World({"fallback": False}, fuse)

    class Held:
        """Something of the callee's, as a socket."""

    seen: list[weakref.ref[Held]] = []

    def callee() -> None:
        held = Held()
        seen.append(weakref.ref(held))
        raise type(end)(*end.args)

    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(OSError, KeyError):
            world.pipeline.call(callee, (), {})
        assert [each() for each in seen] == [None] * len(seen)
    finally:
        gc.enable()


@pytest.mark.parametrize("fuse", [True, False])
def test_a_plain_function_that_gives_a_coroutine_is_awaited_and_counted(fuse: bool) -> None:
    world = World({"total": False, "fallback": False}, fuse)
    callee = Callee(world.clock, OSError("no"), "right", takes_s=0.1)
    answer = run(world.pipeline.call(lambda: callee.awaited(), (), {}), world.clock)
    told = world.breaker.metrics()
    assert (answer, callee.calls, told.ok, told.failed) == ("right", 2, 1, 1)
    assert (told.cancelled, told.in_flight, world.bulkhead.metrics().running) == (1, 0, 0)
