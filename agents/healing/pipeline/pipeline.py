"""Stages around a call, in an order that is written down, outermost first.

    db = Pipeline.of(Retry(on=OSError), Breaker(...), Timeout(0.3), name="db")

    @db                                    # a function or a coroutine function
    def read(key): ...

    db.call(read_raw, ("key",), {})        # the same without a decorator
    await db.acall(fetch, ("key",), {})
    db.describe()                          # "Retry > Breaker > Timeout"

Any order that is spelt out holds. `build_pipeline` takes the default one, of which a dependency's
settings leave out what is not used:

    Fallback > total Timeout > Retry > Bulkhead > Breaker > Hedge > Timeout

So a fallback answers last, no retry outlasts the caller's patience, each attempt asks for a place
and for the breaker's leave anew, and waiting for a place is not held against the callee.

Plain functions, from any thread; coroutines on asyncio. Stages that neither wait nor limit time
(Breaker, Fallback, a Retry without wait) let coroutines of any other loop through as well.
"""

from __future__ import annotations

import functools
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from typing import Any, ParamSpec, TypeVar, cast

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.calls.classification import EVERY_ERROR, Classification
from hms.agents.healing.clock import Clock, MonotonicClock, Sleeper, sleeper_of
from hms.agents.healing.pipeline.breaker_stage import BreakerStage
from hms.agents.healing.pipeline.fused import Arguments, Caller, Named, fused
from hms.agents.healing.pipeline.hedge import Hedge
from hms.agents.healing.pipeline.retry import Retry
from hms.agents.healing.pipeline.retry_budget import RetryBudget
from hms.agents.healing.pipeline.stage import (
    AsyncStep,
    Call,
    Counts,
    GaveCoroutine,
    Stage,
    Step,
    Surroundings,
    invoke,
    invoke_async,
)
from hms.agents.healing.pipeline.timeout import Timeout
from hms.agents.policy.parameters import RetryParameters

P = ParamSpec("P")
R = TypeVar("R")


class Pipeline:
    """Stages around calls to one dependency; shared by threads and tasks.

    Attributes:
        call: makes one call of a plain function, in this thread: `call(function, args, kwargs)`.
        stages: outermost first.
        budget: what all retries and hedges in it are paid from.
    """

    __slots__ = ("_acall", "_where", "budget", "call", "stages")

    call: Callable[[Callable[..., Any], Arguments, Named], Any]

    def __init__(self, stages: tuple[Stage, ...], where: Surroundings) -> None:
        """Stages outermost first; see `of`."""
        self.stages = stages
        self.budget = where.budget
        self._where = where
        self._acall: Callable[[Callable[..., Any], Arguments, Named], Awaitable[Any]] | None = None
        self.call = fused(stages, where, nested(stages, where, self.acall), self.acall)

    @classmethod
    def of(
        cls,
        *stages: Stage | Breaker | None,
        name: str = "",
        clock: Clock | None = None,
        sleeper: Sleeper | None = None,
        draw: Callable[[], float] = random.random,
        budget: RetryBudget | None = None,
        classification: Classification | None = None,
        counts: Counts | None = None,
    ) -> Pipeline:
        """These stages in this order, outermost first.

        Args:
            name: of the dependency, for messages.
            clock: monotonic; a fake one also does the waiting.
            draw: a number in [0, 1).
            budget: shared with others; else one of the Retry's parameters.
            classification: which ends are failures; by default every `Exception`.
            counts: go on with the counters of a pipeline before.
        """
        clock = clock or MonotonicClock()
        present = in_scope([
            BreakerStage(each) if isinstance(each, Breaker) else each
            for each in stages
            if each is not None and not (isinstance(each, Timeout) and each.span_s is None)
        ])
        retries = [each for each in present if isinstance(each, Retry)]
        parameters = retries[0].parameters if retries else RetryParameters()
        budget = budget or own_budget(retries) or RetryBudget(parameters, clock)
        where = Surroundings(
            dependency=name,
            clock=clock,
            sleeper=sleeper or sleeper_of(clock),
            draw=draw,
            budget=budget,
            classification=classification or EVERY_ERROR,
            breakers=tuple(each.breaker for each in present if isinstance(each, BreakerStage)),
            depositors=depositors(present, budget),
            counts=counts or Counts(),
        )
        return cls(tuple(present), where)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """The function, protected: plain or coroutine."""
        from inspect import iscoroutinefunction

        if iscoroutinefunction(function):
            asynchronous = cast(Callable[..., Awaitable[Any]], function)

            @functools.wraps(function)
            async def protected_async(*args: Any, **kwargs: Any) -> Any:
                return await self.acall(asynchronous, args, kwargs)

            return cast(Callable[P, R], protected_async)
        call = self.call

        @functools.wraps(function)
        def protected(*args: P.args, **kwargs: P.kwargs) -> R:
            return cast(R, call(function, args, kwargs))

        return protected

    async def acall(
        self, function: Callable[..., Awaitable[R]], args: Arguments, kwargs: Named
    ) -> R:
        """Make one call of a coroutine function, in this task."""
        if self._acall is None:  # built when first needed: it loads asyncio
            from hms.agents.healing.pipeline.fused_async import fused_async

            step = nested_async(self.stages, self._where)
            self._acall = fused_async(self.stages, self._where, step)
        return cast(R, await self._acall(function, args, kwargs))

    def stream(
        self, function: Callable[..., Any], args: Arguments, kwargs: Named
    ) -> Generator[Any, Any, Any]:
        """Iterate a generator function's items; see stream.py for what holds."""
        from hms.agents.healing.pipeline.stream import streamed

        return streamed(self.stages, self._where)(function, args, kwargs)

    def astream(
        self, function: Callable[..., Any], args: Arguments, kwargs: Named
    ) -> AsyncGenerator[Any, Any]:
        """The same for async generators."""
        from hms.agents.healing.pipeline.stream import streamed_async

        return streamed_async(self.stages, self._where)(function, args, kwargs)

    @property
    def where(self) -> Surroundings:
        """What its stages know of each other."""
        return self._where

    @property
    def counts(self) -> Counts:
        """What its stages did; a pipeline that replaces it goes on with it."""
        return self._where.counts

    def describe(self) -> str:
        """The order, outermost first."""
        return " > ".join(each.label for each in self.stages)

    def metrics(self) -> dict[str, int]:
        """How often what happened, by name; what never happened is not in it.

        retries, attempts_exhausted, no_time_left, budget_exhausted, timeouts, overran, hedges,
        hedges_won, fallbacks, judge_errors, retry_after_errors, listener_errors.
        """
        return self._where.counts.taken()


def in_scope(stages: Iterable[Stage]) -> list[Stage]:
    """The same; a Timeout around a Retry limits all attempts, so it is called total."""
    found: list[Stage] = []
    retried = False
    for stage in reversed(list(stages)):
        if isinstance(stage, Timeout):
            stage = stage.within("total" if retried else "attempt")
        retried = retried or isinstance(stage, Retry)
        found.append(stage)
    return found[::-1]


def own_budget(stages: Iterable[Retry]) -> RetryBudget | None:
    """The first budget that a stage was given."""
    return next((each.budget for each in stages if each.budget is not None), None)


def depositors(stages: list[Stage], budget: RetryBudget) -> frozenset[int]:
    """One stage for each budget, so that a success within two retries fills it once.

    The innermost Retry, since it judges values; a Hedge where there is none.
    """
    chosen: dict[int, Stage] = {}
    for kind in (Retry, Hedge):
        for stage in reversed(stages):
            if isinstance(stage, kind):
                chosen.setdefault(id(stage.budget or budget), stage)
    return frozenset(id(stage) for stage in chosen.values())


def nested(
    stages: Iterable[Stage], where: Surroundings, acall: Caller
) -> Callable[[Callable[..., Any], Arguments, Named], Any]:
    """Step around step, for any order; `acall` takes over what turns out to be a coroutine."""
    step: Step = invoke
    for stage in reversed(list(stages)):
        step = stage.around(step, where)

    def call(function: Callable[..., Any], args: Arguments, kwargs: Named) -> Any:
        try:
            return step(Call(function, args, kwargs))
        except GaveCoroutine:
            return acall(function, args, kwargs)

    return call


def nested_async(stages: Iterable[Stage], where: Surroundings) -> AsyncStep:
    """The same for coroutines."""
    step: AsyncStep = invoke_async
    for stage in reversed(list(stages)):
        step = stage.around_async(step, where)
    return step
