"""One protected call: ask the breaker, make the call, tell the breaker how it went.

    db = healing.guard("db")

    @db                       # a function, a coroutine function, or a generator of either kind
    def read(key): ...

    with db: ...              # or `async with db: ...`: see guard_block.py for what a block takes
    db.call(read_rows, 7)     # or `await db.acall(read_rows, 7)`

While nothing but a breaker is asked for, the decorated function is the fast path itself: see
`era.py`. Retries, time-outs and what else is set go through `guard.pipeline`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import CoroutineType, TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, cast

from hms.agents.healing.breaker.breaker import Breaker, BreakerMetrics
from hms.agents.healing.breaker.permit import Permit
from hms.agents.healing.calls.classification import EVERY_ERROR, is_cancellation
from hms.agents.healing.calls.guard_settings import PLAIN, GuardSettings
from hms.agents.healing.calls.guard_stream import guarded_async_generator, guarded_generator

if TYPE_CHECKING:
    from hms.agents.healing.calls.guard_block import Block
    from hms.agents.healing.pipeline.pipeline import Pipeline
    from hms.agents.healing.pipeline.retry_budget import RetryBudget

P = ParamSpec("P")
R = TypeVar("R")
# one stack for each thread and each task, of all guards: one guard may be entered within itself
_ENTERED: ContextVar[tuple[tuple[int, Permit | Block], ...]] = ContextVar("hms guards", default=())


class Guard:
    """Protects calls to one dependency; may be shared by threads and event loops.

    Args:
        breaker: whom to ask.
        settings: what ends of calls say, and what more than a breaker there is to be.
    """

    __slots__ = (
        "__weakref__", "_strays", "breaker", "budget", "classification", "dependency", "pipeline",
        "settings",
    )

    def __init__(self, breaker: Breaker, settings: GuardSettings = PLAIN) -> None:
        """Guard calls with `breaker`."""
        self.breaker = breaker
        self.settings = settings
        self.classification = EVERY_ERROR
        if not settings.is_plain:
            self.classification = settings.classification(breaker.count_judge_error)
        self.dependency = breaker.dependency
        self.pipeline: Pipeline | None = None
        self.budget: RetryBudget | None = None
        self._strays: list[Permit | Block] | None = None

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """A function that calls `function` while the breaker lets it.

        Raises:
            BreakerOpen: (when called) the call was not made.
        """
        # what an object with a method `__call__` does when called is what that method does
        called = function if inspect.isroutine(function) else type(function).__call__
        for kind, guarded in (
            (inspect.isgeneratorfunction, guarded_generator),
            (inspect.isasyncgenfunction, guarded_async_generator),
        ):
            if kind(function) or kind(called):
                return cast(Callable[P, R], guarded(self, function))
        is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)
        if self.classification.judges:
            judged = self._judged_async(function) if is_async else self._judged(function)
            return cast(Callable[P, R], judged)
        return cast(Callable[P, R], self._async(function) if is_async else self._sync(function))

    def call(self, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> R:
        """Make one protected call.

        Raises:
            BreakerOpen: the call was not made.
        """
        if self.pipeline is not None:
            return cast(R, self.pipeline.call(function, args, kwargs))
        permit = self.breaker.admit()
        try:
            value = function(*args, **kwargs)
        except BaseException as error:
            self.raised(permit, error)
            raise
        if type(value) is CoroutineType:
            return cast(R, self._finish_later(permit, value))
        self.returned(permit, value)
        return value

    async def acall(
        self, function: Callable[..., Awaitable[R]], /, *args: Any, **kwargs: Any
    ) -> R:
        """Make one protected call of a coroutine function.

        Raises:
            BreakerOpen: the call was not made.
        """
        if self.pipeline is not None:
            return cast(R, await self.pipeline.acall(function, args, kwargs))
        permit = self.breaker.admit()
        try:
            value = await function(*args, **kwargs)
        except BaseException as error:
            self.raised(permit, error)
            raise
        self.returned(permit, value)
        return value

    def __enter__(self) -> Self:
        """Ask for one call: a place of the bulkhead and the breaker's leave.

        The time-out of a plain block is a deadline that the code inside may ask for; it stops
        nobody. What repeats, hedges or replaces calls does nothing for blocks.

        Raises:
            BreakerOpen: the call must not be made.
            BulkheadFull: there is no place for it.
            CallTimeout: there is no time for it.
        """
        if self.pipeline is None:
            self._enter(self.breaker.admit())
        else:
            from hms.agents.healing.calls.guard_block import entered

            self._enter(entered(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell the breaker how the call went; the error goes on.

        Raises:
            CallTimeout: in place of the error that a time-out caused.
        """
        held = self._left()
        if not isinstance(held, Permit):
            ended = held.leave(error)
            if ended is not None and ended is not error:
                raise ended from error
        elif error is None:
            self.breaker.succeeded(held)
        else:
            self.raised(held, error)

    async def __aenter__(self) -> Self:
        """Ask for one call, as `with` does; at its time-outs the block is cancelled.

        Raises:
            BreakerOpen: the call must not be made.
            BulkheadFull: there is no place for it.
            CallTimeout: there is no time for it.
        """
        if self.pipeline is None:
            self._enter(self.breaker.admit())
        else:
            from hms.agents.healing.calls.guard_block import entered_async

            self._enter(await entered_async(self))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell the breaker how the call went; the error goes on."""
        self.__exit__(kind, error, trace)

    def use(self, pipeline: Pipeline | None) -> None:
        """Let calls go through these stages from now on; None: through the breaker alone."""
        self.pipeline = pipeline
        self.breaker.stand_aside(pipeline is not None)

    def metrics(self) -> BreakerMetrics:
        """What the breaker counted."""
        return self.breaker.metrics()

    def explain(self) -> str:
        """Why a call would be refused now; empty when it would pass."""
        return self.breaker.explain()

    def describe(self) -> str:
        """What a call passes, outermost first."""
        return "Breaker" if self.pipeline is None else self.pipeline.describe()

    def raised(self, permit: Permit, error: BaseException) -> None:
        """A call ended with an error: a failure, or neutral."""
        classification = self.classification
        if classification.counts(error):
            self.breaker.failed(permit, error, open_for_s=classification.open_for_s(error))
        else:
            self.breaker.ignored(permit, cancelled=is_cancellation(error))

    def returned(self, permit: Permit, value: Any) -> None:
        """A call ended with a value, which may be judged."""
        if not self.classification.judges:
            self.breaker.succeeded(permit)
            return
        verdict = self.classification.verdict(value)
        if verdict.failed is None:
            self.breaker.ignored(permit)
        elif verdict.failed:
            self.breaker.failed(permit, open_for_s=verdict.open_for_s)
        else:
            self.breaker.succeeded(permit)

    def _enter(self, held: Permit | Block) -> None:
        if self._strays is None:
            self._strays = []
        self._strays.append(held)
        _ENTERED.set((*_ENTERED.get(), (id(self), held)))

    def _left(self) -> Permit | Block:
        """What the `with` that ends here holds; entered elsewhere, the guard's newest."""
        entered, strays = _ENTERED.get(), self._strays or []
        for at in range(len(entered) - 1, -1, -1):
            owner, permit = entered[at]
            if owner == id(self) and permit in strays:
                _ENTERED.set((*entered[:at], *entered[at + 1 :]))
                strays.remove(permit)
                return permit
        return strays.pop()

    def _sync(self, function: Callable[..., Any]) -> Callable[..., Any]:
        breaker, starts, now_s = self.breaker, self.breaker.starts, self.breaker.now_s

        @functools.wraps(function)
        def protected(*args: Any, **kwargs: Any) -> Any:
            era = breaker.door
            started_s = now_s()
            if started_s >= era.admit_until_s:
                if self.pipeline is not None:
                    return self.pipeline.call(function, args, kwargs)
                return self.call(function, *args, **kwargs)
            ticket = next(starts)
            era.flights[ticket] = started_s
            try:
                value = function(*args, **kwargs)
            except BaseException as error:
                self.raised(Permit(era, ticket, started_s), error)
                raise
            if type(value) is CoroutineType:
                return self._finish_later(Permit(era, ticket, started_s), value)
            if now_s() < era.until_s:
                next(era.count)
                try:
                    del era.flights[ticket]
                except KeyError:  # another thread found it overdue just now
                    era.overdue.pop(ticket, None)
                return value
            breaker.succeeded(Permit(era, ticket, started_s))
            return value

        return protected

    def _async(self, function: Callable[..., Any]) -> Callable[..., Any]:
        breaker, starts, now_s = self.breaker, self.breaker.starts, self.breaker.now_s

        @functools.wraps(function)
        async def protected(*args: Any, **kwargs: Any) -> Any:
            era = breaker.door
            started_s = now_s()
            if started_s >= era.admit_until_s:
                return await self.acall(function, *args, **kwargs)
            ticket = next(starts)
            era.flights[ticket] = started_s
            try:
                value = await function(*args, **kwargs)
            except BaseException as error:
                self.raised(Permit(era, ticket, started_s), error)
                raise
            if now_s() < era.until_s:
                next(era.count)
                try:
                    del era.flights[ticket]
                except KeyError:  # another thread found it overdue just now
                    era.overdue.pop(ticket, None)
                return value
            breaker.succeeded(Permit(era, ticket, started_s))
            return value

        return protected

    def _judged(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def protected(*args: Any, **kwargs: Any) -> Any:
            return self.call(function, *args, **kwargs)

        return protected

    def _judged_async(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def protected(*args: Any, **kwargs: Any) -> Any:
            return await self.acall(function, *args, **kwargs)

        return protected

    async def _finish_later(self, permit: Permit, coroutine: Any) -> Any:
        """A plain function gave a coroutine: the call ends when that does, not before."""
        try:
            value = await coroutine
        except BaseException as error:
            self.raised(permit, error)
            raise
        self.returned(permit, value)
        return value
