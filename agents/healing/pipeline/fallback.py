"""Something else in place of an answer, marked as such.

A fallback's value is returned as it is: wrapping it would change the type that callers know.
That it is one can be seen in three ways, none of which costs a call that succeeds:

    with observe() as seen:            # around any number of guarded calls, threads and tasks
        price = read_price(sku)        # of its own context included
    if seen.fallbacks: ...             # dependency, value, and the error that led to it

    Fallback(cached, on_use=log)       # a hook
    pipeline.metrics()["fallbacks"]    # a counter

(Not an attribute such as `guard.last`: between the call and the look another thread's call may
end, and a mark that lies is worse than none.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from hms.agents.healing.calls.classification import Errors
from hms.agents.healing.pipeline.stage import AsyncStep, Call, Step, Surroundings, matcher


@dataclass(frozen=True, slots=True)
class FallbackUsed:
    """One answer that a fallback gave."""

    dependency: str
    value: Any
    error: Exception


@dataclass(slots=True)
class Observation:
    """What happened to the calls made inside `observe()`."""

    fallbacks: list[FallbackUsed] = field(default_factory=list)


_observed: ContextVar[tuple[Observation, ...]] = ContextVar("observed", default=())


@contextmanager
def observe() -> Iterator[Observation]:
    """See which answers of the calls inside are a fallback's."""
    seen = Observation()
    token = _observed.set((*_observed.get(), seen))
    try:
        yield seen
    finally:
        _observed.reset(token)


class Fallback:
    """A stage that answers where what is inside it fails or is refused.

    Args:
        handler: called with the error and then the call's own arguments; a coroutine function
            only around coroutines. What it raises is the caller's, with the first error as its
            cause.
        on: the errors that it answers; a cancellation or an interruption never is one.
        on_use: told of each answer it gave; what it raises is counted (`listener_errors`).
    """

    __slots__ = ("_handler", "_on", "_on_use")

    label = "Fallback"

    def __init__(
        self,
        handler: Callable[..., Any],
        *,
        on: Errors = Exception,
        on_use: Callable[[FallbackUsed], object] | None = None,
    ) -> None:
        self._handler = handler
        self._on = matcher(on, "Fallback")
        self._on_use = on_use

    @classmethod
    def value(
        cls,
        value: Any,
        *,
        on: Errors = Exception,
        on_use: Callable[[FallbackUsed], object] | None = None,
    ) -> Fallback:
        """Always the same answer."""
        return cls(lambda error, *args, **kwargs: value, on=on, on_use=on_use)

    def around(self, inner: Step, where: Surroundings) -> Step:
        """Nothing before the call, the handler after its failure."""

        def step(call: Call) -> Any:
            try:
                return inner(call)
            except Exception as error:
                if not self._on(error):
                    raise
                try:
                    value = self._handler(error, *call.args, **call.kwargs)
                except Exception as second:
                    second.__cause__ = second.__cause__ or error
                    raise
                self._mark(call, where, value, error)
                return value

        return step

    def around_async(self, inner: AsyncStep, where: Surroundings) -> AsyncStep:
        """The same for coroutines."""

        async def step(call: Call) -> Any:
            try:
                return await inner(call)
            except Exception as error:
                if not self._on(error):
                    raise
                try:
                    value = self._handler(error, *call.args, **call.kwargs)
                    if hasattr(value, "__await__"):
                        value = await value
                except Exception as second:
                    second.__cause__ = second.__cause__ or error
                    raise
                self._mark(call, where, value, error)
                return value

        return step

    def _mark(self, call: Call, where: Surroundings, value: Any, error: Exception) -> None:
        call.fell_back = True
        where.counts.add("fallbacks")
        used = FallbackUsed(where.dependency, value, error)
        for seen in _observed.get():
            seen.fallbacks.append(used)
        if self._on_use is not None:
            try:
                self._on_use(used)
            except Exception:  # noqa: BLE001 (a listener must not cost the answer; counted)
                where.counts.add("listener_errors")
