"""A guarded generator: one call, from its first item to its end.

It is admitted when the first item is asked for. Only the time spent in it counts towards slow; what
its consumer does between two items does not, and neither does a hang in it as slow in flight. A
consumer that closes it early says nothing of the dependency, nor does an error that the consumer
throws in and gets back.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hms.agents.healing.calls.guard import Guard


class Stream:
    """The one call that a generator is."""

    __slots__ = ("_begun_s", "_guard", "_permit", "_spent_s", "sent", "thrown")

    def __init__(self, guard: Guard) -> None:
        """Ask for the call.

        Raises:
            BreakerOpen: the generator must not be started.
        """
        self._guard = guard
        self._permit = guard.breaker.admit()
        self._permit.sampled = False
        guard.breaker.park(self._permit)
        self._spent_s = 0.0
        self._begun_s = guard.breaker.now_s()
        self.sent: Any = None
        self.thrown: BaseException | None = None

    def pause(self) -> None:
        """An item is out: its consumer's time begins."""
        self._spent_s += self._guard.breaker.now_s() - self._begun_s

    def resume(self, sent: Any, thrown: BaseException | None) -> None:
        """The consumer wants the next item."""
        self.sent, self.thrown = sent, thrown
        self._begun_s = self._guard.breaker.now_s()

    def finish(self, error: BaseException | None) -> None:
        """It ended by itself."""
        self.pause()
        permit, breaker = self._permit, self._guard.breaker
        permit.started_s = breaker.now_s() - self._spent_s
        if error is None:
            breaker.succeeded(permit)
        elif error is self.thrown:
            breaker.ignored(permit)
        else:
            self._guard.raised(permit, error)

    def close(self) -> None:
        """Its consumer, or the garbage collector, wants no more of it."""
        self._guard.breaker.let_go(self._permit)


def guarded_generator(guard: Guard, function: Callable[..., Any]) -> Callable[..., Any]:
    """A generator function that is one call of the guard each time it is iterated."""

    @functools.wraps(function)
    def protected(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        if guard.pipeline is not None:
            return (yield from guard.pipeline.stream(function, args, kwargs))
        stream, inner = Stream(guard), function(*args, **kwargs)
        while True:
            try:
                if stream.thrown is None:
                    item = inner.send(stream.sent)
                else:
                    item = inner.throw(stream.thrown)
            except StopIteration as stop:
                stream.finish(None)
                return stop.value
            except BaseException as error:
                stream.finish(error)
                raise
            stream.pause()
            try:
                sent = yield item
            except GeneratorExit:
                stream.close()
                inner.close()
                raise
            except BaseException as error:  # noqa: BLE001  (thrown in: the generator decides)
                stream.resume(None, error)
            else:
                stream.resume(sent, None)

    return protected


def guarded_async_generator(guard: Guard, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for `async for`."""

    @functools.wraps(function)
    async def protected(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        if guard.pipeline is not None:
            piped = guard.pipeline.astream(function, args, kwargs)
            async for item in piped:  # what a consumer sends or throws in stays outside
                yield item
            return
        stream, inner = Stream(guard), function(*args, **kwargs)
        while True:
            try:
                if stream.thrown is None:
                    item = await inner.asend(stream.sent)
                else:
                    item = await inner.athrow(stream.thrown)
            except StopAsyncIteration:
                stream.finish(None)
                return
            except BaseException as error:
                stream.finish(error)
                raise
            stream.pause()
            try:
                sent = yield item
            except GeneratorExit:
                stream.close()
                await inner.aclose()
                raise
            except BaseException as error:  # noqa: BLE001  (thrown in: the generator decides)
                stream.resume(None, error)
            else:
                stream.resume(sent, None)

    return protected
