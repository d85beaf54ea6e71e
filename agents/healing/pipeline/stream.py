"""Generators through a pipeline: everything holds until the first item is out.

A generator that fails before its first item is as a call that failed: it is retried, answered
by a fallback, cut by a time-out. Once an item is out its consumer has seen it, and repeating
items would be worse than the error, so that goes on. Two things last to the generator's end:
its place in a bulkhead, and its permit, which is one call of the breaker (guard_stream.py).
No hedge is sent: two halves of a stream are no answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from typing import Any

from hms.agents.healing.calls.guard import Guard
from hms.agents.healing.calls.guard_stream import guarded_async_generator, guarded_generator
from hms.agents.healing.pipeline.breaker_stage import BreakerStage
from hms.agents.healing.pipeline.hedge import Hedge
from hms.agents.healing.pipeline.stage import AsyncStep, Call, Stage, Step, Surroundings

NOTHING = object()


class OpenStream:
    """A generator whose first item is out: work left behind by the call that began it."""

    __slots__ = ("_call", "_over", "_then", "first", "items", "returned")

    def __init__(self, call: Call, items: Any, first: Any, returned: Any = None) -> None:
        """`first` is NOTHING where it ended without an item."""
        self._call = call.branch()  # it is itself what the call left behind
        self._over = False
        self._then: list[Callable[[], None]] = []
        self.items = items
        self.first = first
        self.returned = returned

    @property
    def call(self) -> Call:
        """What it leaves behind in its turn: nothing."""
        return self._call

    def when_over(self, then: Callable[[], None]) -> None:
        """Call `then` when it has ended, at once if it has."""
        if self._over:
            then()
        else:
            self._then.append(then)

    def end(self) -> None:
        """It has ended."""
        self._over = True
        while self._then:
            self._then.pop()()


def streamed(
    stages: tuple[Stage, ...], where: Surroundings
) -> Callable[[Callable[..., Any], tuple[Any, ...], Any], Generator[Any, Any, Any]]:
    """Makes protected generators."""
    step: Step = start
    for stage in reversed(stages):
        if not isinstance(stage, BreakerStage | Hedge):
            step = stage.around(step, where)
    guards = guards_of(stages, where)

    def stream(
        function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any
    ) -> Generator[Any, Any, Any]:
        for guard in guards:
            function = guarded_generator(guard, function)
        opened = step(Call(function, args, kwargs))
        if not isinstance(opened, OpenStream):  # a fallback's
            return (yield from opened)
        try:
            if opened.first is NOTHING:
                return opened.returned
            return (yield from relay(opened.items, opened.first))
        finally:
            opened.end()

    return stream


def streamed_async(
    stages: tuple[Stage, ...], where: Surroundings
) -> Callable[[Callable[..., Any], tuple[Any, ...], Any], AsyncGenerator[Any, Any]]:
    """Makes protected async generators."""
    step: AsyncStep = start_async
    for stage in reversed(stages):
        if not isinstance(stage, BreakerStage | Hedge):
            step = stage.around_async(step, where)
    guards = guards_of(stages, where)

    async def stream(
        function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any
    ) -> AsyncGenerator[Any, Any]:
        for guard in guards:
            function = guarded_async_generator(guard, function)
        opened = await step(Call(function, args, kwargs))
        if not isinstance(opened, OpenStream):  # a fallback's
            async for item in each_of(opened):
                yield item
            return
        try:
            item = opened.first
            while item is not NOTHING:
                try:
                    sent = yield item
                except GeneratorExit:
                    await opened.items.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 (thrown in: the generator decides)
                    item = await anext_of(opened.items.athrow(error))
                else:
                    item = await anext_of(opened.items.asend(sent))
        finally:
            opened.end()

    return stream


def guards_of(stages: Iterable[Stage], where: Surroundings) -> list[Guard]:
    """One for each breaker, the innermost first."""
    guards = [Guard(each.breaker) for each in stages if isinstance(each, BreakerStage)]
    for guard in guards:
        guard.classification = where.classification
    return guards[::-1]


def start(call: Call) -> OpenStream:
    """Ask for the first item."""
    items = call.function(*call.args, **call.kwargs)
    try:
        first = next(items)
    except StopIteration as stop:
        return OpenStream(call, items, NOTHING, stop.value)
    opened = OpenStream(call, items, first)
    call.left.append(opened)
    return opened


async def start_async(call: Call) -> OpenStream:
    """Ask for the first item."""
    items = call.function(*call.args, **call.kwargs)
    first = await anext_of(items.asend(None))
    opened = OpenStream(call, items, first)
    if first is not NOTHING:
        call.left.append(opened)
    return opened


async def anext_of(item: Any) -> Any:
    """The awaited item, NOTHING at the end."""
    try:
        return await item
    except StopAsyncIteration:
        return NOTHING


async def each_of(items: AsyncIterator[Any] | Iterator[Any]) -> AsyncGenerator[Any, None]:
    """What a fallback gave, of either kind."""
    if isinstance(items, AsyncIterator):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


def relay(items: Generator[Any, Any, Any], item: Any) -> Generator[Any, Any, Any]:
    """Go on with a generator whose first item was taken already."""
    try:
        while True:
            try:
                sent = yield item
            except GeneratorExit:
                items.close()
                raise
            except BaseException as error:  # noqa: BLE001 (thrown in: the generator decides)
                item = items.throw(error)
            else:
                item = items.send(sent)
    except StopIteration as stop:
        return stop.value
