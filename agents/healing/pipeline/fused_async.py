"""The default order in one frame for coroutines: what fused.py is for plain functions.

A total limit is a second timer around all attempts, and left to the nested stages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.breaker.permit import Permit
from hms.agents.healing.pipeline.cutting import Cut
from hms.agents.healing.pipeline.deadline import current, passed
from hms.agents.healing.pipeline.fused import (
    Arguments,
    Function,
    Named,
    Parts,
    can_be_fused,
    parts_of,
    undo,
)
from hms.agents.healing.pipeline.retry_loop import Loop
from hms.agents.healing.pipeline.retry_marks import MARKS
from hms.agents.healing.pipeline.stage import (
    AsyncStep,
    Call,
    Ended,
    Stage,
    Surroundings,
    invoke_async,
)
from hms.agents.healing.pipeline.timeout import by_cancelling, is_plain_timeout

AsyncCaller: TypeAlias = Callable[[Function, Arguments, Named], Awaitable[Any]]


def fused_async(
    stages: tuple[Stage, ...], where: Surroundings, nested: AsyncStep
) -> AsyncCaller:
    """One frame for the success path, or `nested` where there is more to do even there."""
    parts = parts_of(stages, where, asynchronous=True)
    if parts is None or parts.breaker is None or parts.total is not None:
        return lambda function, args, kwargs: nested(Call(function, args, kwargs))
    if not can_be_fused(parts, where):
        return lambda function, args, kwargs: nested(Call(function, args, kwargs))
    return _fused_async(parts, parts.breaker.breaker, where, nested)


def _fused_async(
    parts: Parts, breaker: Breaker, where: Surroundings, nested: AsyncStep
) -> AsyncCaller:
    now_s, starts, marks = breaker.now_s, breaker.starts, MARKS
    _, span_s = parts.nearer()
    places, free = parts.tokens()
    deposit = Loop(parts.retry, where).deposit if parts.retry else int
    resume = resumed_async(parts, where)

    async def call(function: Function, args: Arguments, kwargs: Named) -> Any:
        started_s = now_s()
        era = breaker.era
        outer = current.get()
        at_s = started_s + span_s
        if (
            started_s >= era.admit_until_s
            or (outer is not None and outer[0] <= at_s)
            or (places is not None and places.watched)
        ):
            return await nested(Call(function, args, kwargs))
        if places is not None:
            try:
                free.pop()
            except IndexError:
                return await nested(Call(function, args, kwargs))
        before = marks.last
        ticket = next(starts)
        era.flights[ticket] = started_s
        try:
            value = await limited(parts, where, at_s, function, args, kwargs)
        except Exception as error:  # noqa: BLE001 (`resume` raises it, or answers)
            undo(parts, where, Permit(era, ticket, started_s), error)
            made = Call(function, args, kwargs)
            made.ended = Ended(error, None, before)
        except BaseException as error:
            undo(parts, where, Permit(era, ticket, started_s), error)
            raise
        else:
            if now_s() < era.until_s:
                next(era.count)
                try:
                    del era.flights[ticket]
                except KeyError:  # another thread found it overdue just now
                    era.overdue.pop(ticket, None)
            else:
                breaker.succeeded(Permit(era, ticket, started_s))
            if places is not None:
                free.append(None)
                if places.watched:
                    places.settle()
            deposit()
            return value
        return await resume(made)

    return call


async def limited(
    parts: Parts, where: Surroundings, at_s: float, function: Function, args: Arguments,
    kwargs: Named,
) -> Any:
    """The callee within the attempt's limit; the deadline stands in the context."""
    limit = parts.attempt
    if limit is None:
        return await function(*args, **kwargs)
    token = current.set((at_s, limit))
    cut = Cut(limit.span_s)
    try:
        value = await function(*args, **kwargs)
    except BaseException as error:
        if cut.end(error) or (cut.expired() and is_plain_timeout(error)):
            where.counts.add("timeouts")
            raise passed(limit) from error
        raise
    else:
        cut.end()
        return value
    finally:
        current.reset(token)


def resumed_async(parts: Parts, where: Surroundings) -> AsyncStep:
    """The stages around the attempts, entered with the first attempt's end."""
    below: AsyncStep = invoke_async
    if parts.attempt is not None:
        below = by_cancelling(below, where, parts.attempt)
    for stage in (parts.breaker, parts.bulkhead):
        if stage is not None:
            below = stage.around_async(below, where)
    loop = None if parts.retry is None else Loop(parts.retry, where)

    async def step(call: Call) -> Any:
        ended, call.ended = call.ended, None
        assert ended is not None
        if loop is not None:
            return await loop.go_on_async(below, call, ended)
        error, ended.error = ended.error, None
        assert error is not None
        try:
            raise error
        finally:
            del error

    return step if parts.fallback is None else parts.fallback.around_async(step, where)
