"""A guarded call that must be made at most once, whatever retries the policy asks for."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from hms.agents.healing.calls.guard import Guard
    from hms.agents.healing.clock import Clock
    from hms.agents.healing.pipeline.pipeline import Pipeline

R = TypeVar("R")
_ONCE: weakref.WeakKeyDictionary[Guard, tuple[Pipeline, Pipeline]] = weakref.WeakKeyDictionary()


def call_once(guard: Guard, clock: Clock, function: Callable[[], R]) -> R:
    """As `guard.call`, without retry and hedge.

    Raises:
        CallRefused: it was not made.
    """
    if guard.pipeline is None:
        return guard.call(function)
    return cast(R, single(guard, clock, guard.pipeline).call(function, (), {}))


async def acall_once(guard: Guard, clock: Clock, function: Callable[[], Awaitable[R]]) -> R:
    """As `guard.acall`, without retry and hedge.

    Raises:
        CallRefused: it was not made.
    """
    if guard.pipeline is None:
        return await guard.acall(function)
    return await single(guard, clock, guard.pipeline).acall(function, (), {})


def single(guard: Guard, clock: Clock, whole: Pipeline) -> Pipeline:
    """The same stages, the very same breaker and bulkhead among them, but those that repeat."""
    kept = _ONCE.get(guard)
    if kept is None or kept[0] is not whole:  # reconfigured since
        from hms.agents.healing.pipeline.hedge import Hedge
        from hms.agents.healing.pipeline.pipeline import Pipeline
        from hms.agents.healing.pipeline.retry import Retry

        stages = [each for each in whole.stages if not isinstance(each, Retry | Hedge)]
        once = Pipeline.of(
            *stages, name=guard.dependency, clock=clock, budget=whole.budget,
            classification=guard.classification, counts=whole.counts,
        )
        kept = _ONCE[guard] = (whole, once)
    return kept[1]
