"""One protected call: ask the breaker, make the call, tell the breaker how it went.

    db = healing.guard("db")

    @db                       # a function or a coroutine function
    def read(key): ...

    with db: ...              # or `async with db: ...`

A call that was cancelled, or refused by a guard behind this one, says nothing of the
dependency and counts nowhere.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from hms.agents.healing.breaker import Breaker, BreakerMetrics, Permit
from hms.errors import CallRefused

P = ParamSpec("P")
R = TypeVar("R")


class Guard:
    """Protects calls to one dependency; may be shared by threads and tasks."""

    __slots__ = ("_entered", "breaker", "dependency")

    def __init__(self, breaker: Breaker) -> None:
        """Guard calls with `breaker`."""
        self.breaker = breaker
        self.dependency = breaker.dependency
        # a stack for each thread and each task, since one guard may be entered within itself
        self._entered: ContextVar[tuple[Permit, ...]] = ContextVar(f"guard {self.dependency}")

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """A function that calls `function` while the breaker lets it.

        Raises:
            BreakerOpen: (when called) the call was not made.
        """
        if inspect.iscoroutinefunction(function):
            return cast(Callable[P, R], self._async_call(function))

        @functools.wraps(function)
        def protected(*args: P.args, **kwargs: P.kwargs) -> R:
            permit = self.breaker.admit()
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                self._end(permit, error)
                raise
            self.breaker.succeeded(permit)
            return result

        return protected

    def __enter__(self) -> Self:
        """Ask for one call.

        Raises:
            BreakerOpen: the call must not be made.
        """
        permit = self.breaker.admit()
        self._entered.set((*self._entered.get(()), permit))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell the breaker how the call went; the error goes on."""
        *outer, permit = self._entered.get()
        self._entered.set(tuple(outer))
        self._end(permit, error)

    async def __aenter__(self) -> Self:
        """Ask for one call, as `with` does; asking never waits."""
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell the breaker how the call went; the error goes on."""
        self.__exit__(kind, error, trace)

    def metrics(self) -> BreakerMetrics:
        """What the breaker counted."""
        return self.breaker.metrics()

    def explain(self) -> str:
        """Why a call would be refused now; empty when it would pass."""
        return self.breaker.explain()

    def _async_call(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def protected(*args: Any, **kwargs: Any) -> Any:
            permit = self.breaker.admit()
            try:
                result = await function(*args, **kwargs)
            except BaseException as error:
                self._end(permit, error)
                raise
            self.breaker.succeeded(permit)
            return result

        return protected

    def _end(self, permit: Permit, error: BaseException | None) -> None:
        """Classify how a call ended: only an `Exception` of the dependency is a failure."""
        if error is None:
            self.breaker.succeeded(permit)
        elif isinstance(error, Exception) and not isinstance(error, CallRefused):
            self.breaker.failed(permit, error)
        else:
            self.breaker.ignored(permit)
