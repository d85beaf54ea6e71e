"""The default order in one frame, as long as the first attempt goes well.

Around a callee that answers, most of a pipeline's cost is the calls from stage to stage. So the
common order, Fallback > total Timeout > Retry > Bulkhead > Breaker > Timeout with any but the
breaker left out, is one function that takes a place, enters the breaker's era, sets the nearer
deadline, calls, and undoes all that. What does not go well, or is not plain, is the nested
stages' (pipeline.py): a breaker that must be asked, a bulkhead without a free place, a nearer
deadline around the call, and everything after a failed first attempt.

tests/healing/test_healing_pipeline_fused.py runs both side by side and finds no difference.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CoroutineType
from typing import Any, TypeAlias

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.breaker.permit import Permit
from hms.agents.healing.pipeline.breaker_stage import BreakerStage
from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.agents.healing.pipeline.deadline import Limit, current
from hms.agents.healing.pipeline.fallback import Fallback
from hms.agents.healing.pipeline.places import Places
from hms.agents.healing.pipeline.retry import Retry
from hms.agents.healing.pipeline.retry_loop import Loop
from hms.agents.healing.pipeline.retry_marks import MARKS
from hms.agents.healing.pipeline.stage import (
    Call,
    Ended,
    GaveCoroutine,
    Stage,
    Step,
    Surroundings,
    invoke,
    not_here,
)
from hms.agents.healing.pipeline.timeout import Timeout, by_deadline, named

Function: TypeAlias = Callable[..., Any]
Arguments: TypeAlias = tuple[Any, ...]
Named: TypeAlias = Mapping[str, Any]
Caller: TypeAlias = Callable[[Function, Arguments, Named], Any]

ORDER = ("fallback", "total", "retry", "bulkhead", "breaker", "attempt")


@dataclass(slots=True)
class Parts:
    """The stages of a pipeline that can be fused."""

    fallback: Fallback | None = None
    total: Limit | None = None
    retry: Retry | None = None
    bulkhead: Bulkhead | None = None
    breaker: BreakerStage | None = None
    attempt: Limit | None = None

    def asked(self) -> Breaker:
        """The breaker; `can_be_fused` has seen to it that there is one."""
        assert self.breaker is not None
        return self.breaker.breaker

    def nearer(self) -> tuple[Limit | None, float]:
        """The shorter limit, which is the deadline of the first attempt, and its seconds."""
        limits = [each for each in (self.total, self.attempt) if each is not None]
        limit = min(limits, key=lambda each: each.span_s, default=None)
        return limit, math.inf if limit is None else limit.span_s

    def tokens(self) -> tuple[Places | None, deque[None]]:
        """The bulkhead's places, and the free ones."""
        if self.bulkhead is None:
            return None, deque()
        return self.bulkhead.places, self.bulkhead.places.free


def fused(
    stages: tuple[Stage, ...], where: Surroundings, nested: Caller, acall: Caller
) -> Caller:
    """One frame for the success path, or `nested` where there is more to do even there."""
    parts = parts_of(stages, where)
    if parts is None or parts.breaker is None or not can_be_fused(parts, where):
        return nested
    return _fused(parts, where, nested, acall)


def can_be_fused(parts: Parts, where: Surroundings) -> bool:
    """Whether a success takes nothing but what the one frame does."""
    retry, breaker = parts.retry, parts.breaker
    if breaker is None or where.classification.judges:
        return False
    if retry is not None and (retry.judges or Loop(retry, where).budget.watches_calls):
        return False
    return breaker.breaker.now_s == where.clock.now_s  # else each stage must read its own clock


def parts_of(
    stages: tuple[Stage, ...], where: Surroundings, *, asynchronous: bool = False
) -> Parts | None:
    """The stages by their names; None if they are others, or in another order."""
    parts, reached = Parts(), -1
    for stage in stages:
        name, part = part_of(stage, where, asynchronous)
        if name not in ORDER or ORDER.index(name) <= reached:
            return None
        reached = ORDER.index(name)
        setattr(parts, name, part)
    return parts


def part_of(stage: Stage, where: Surroundings, asynchronous: bool) -> tuple[str, Any]:
    """Its name in the order, "" for what cannot be fused, and what is needed of it."""
    if isinstance(stage, Timeout):
        limit = stage.limit(where)
        if stage.on != "deadline" and not asynchronous:
            return "", None
        return "total" if limit.scope == "total" else "attempt", limit
    if isinstance(stage, Bulkhead):
        return "" if stage.adaptive else "bulkhead", stage
    for name, kind in (("fallback", Fallback), ("retry", Retry), ("breaker", BreakerStage)):
        if isinstance(stage, kind):
            return name, stage
    return "", None


def _fused(parts: Parts, where: Surroundings, nested: Caller, acall: Caller) -> Caller:
    breaker = parts.asked()
    now_s, starts, marks = breaker.now_s, breaker.starts, MARKS
    get_deadline, set_deadline, reset_deadline = current.get, current.set, current.reset
    limit, span_s = parts.nearer()
    places, free = parts.tokens()
    deposit = Loop(parts.retry, where).deposit if parts.retry else int
    resume = After(parts, where)

    def call(function: Function, args: Arguments, kwargs: Named) -> Any:
        era, started_s = breaker.era, now_s()
        outer, at_s = get_deadline(), started_s + span_s
        if (
            started_s >= era.admit_until_s
            or (outer is not None and outer[0] <= at_s)
            or (places is not None and places.watched)
        ):
            return nested(function, args, kwargs)
        if places is not None:
            try:
                free.pop()
            except IndexError:
                return nested(function, args, kwargs)
        before, ticket = marks.last, next(starts)
        era.flights[ticket] = started_s
        token = set_deadline(outer if limit is None else (at_s, limit))
        try:
            value = function(*args, **kwargs)
            if type(value) is CoroutineType:
                not_here(value)
        except Exception as error:  # noqa: BLE001 (`resume` raises it, or answers)
            ended = Ended(error, None, before)
        except BaseException as error:
            resume.interrupted(Permit(era, ticket, started_s), error)
            if not isinstance(error, GaveCoroutine):
                raise
            return acall(function, args, kwargs)
        else:
            ended_s = now_s()
            if ended_s < era.until_s:
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
            if ended_s > at_s:
                resume.overran(ended_s - started_s)
            return value
        finally:
            reset_deadline(token)
        return resume(Call(function, args, kwargs), ended, Permit(era, ticket, started_s))

    return call


class After:
    """What follows a first attempt that did not go well."""

    __slots__ = ("_parts", "_step", "_where")

    def __init__(self, parts: Parts, where: Surroundings) -> None:
        self._parts = parts
        self._where = where
        self._step = resumed(parts, where)

    def __call__(self, call: Call, ended: Ended, permit: Permit) -> Any:
        """Close the attempt, then let the stages around it go on."""
        call.started_s = permit.started_s
        call.ended = ended
        error = ended.error
        assert error is not None
        attempt = self._parts.attempt
        if attempt is not None and isinstance(error, TimeoutError):
            ours = named(error, self._where, attempt, call.started_s)
            if ours is not None:
                ours.__cause__ = error
                ended.error = error = ours
        self.interrupted(permit, error)
        del error  # with this frame it would be a ring
        return self._step(call)

    def interrupted(self, permit: Permit, error: BaseException) -> None:
        """Tell the breaker, give the place back."""
        undo(self._parts, self._where, permit, error)

    def overran(self, took_s: float) -> None:
        """A value came after a limit, or after both."""
        for limit in (self._parts.total, self._parts.attempt):
            if limit is not None and took_s > limit.span_s:
                self._where.counts.add("overran")


def undo(parts: Parts, where: Surroundings, permit: Permit, error: BaseException) -> None:
    """Tell the breaker of a first attempt that failed, give its place back."""
    assert parts.breaker is not None
    parts.breaker.tell(permit, Call(int, (), {}), where, None, error)
    if parts.bulkhead is not None:
        parts.bulkhead.leave()


def resumed(parts: Parts, where: Surroundings) -> Step:
    """The stages around the attempts, entered with the first attempt's end."""
    below: Step = invoke
    if parts.attempt is not None:
        below = by_deadline(below, where, parts.attempt)
    for stage in (parts.breaker, parts.bulkhead):
        if stage is not None:
            below = stage.around(below, where)
    step: Step = fail
    if parts.retry is not None:
        loop = Loop(parts.retry, where)

        def go_on(call: Call) -> Any:
            ended = call.ended
            assert ended is not None
            call.ended = None
            return loop.go_on(below, call, ended)

        step = go_on
    if parts.total is not None:
        step = by_deadline(step, where, parts.total, resumed=True)
    return parts.fallback.around(step, where) if parts.fallback is not None else step


def fail(call: Call) -> Any:
    """Without retries the first attempt's error is the end."""
    ended, call.ended = call.ended, None
    assert ended is not None
    error, ended.error = ended.error, None
    assert error is not None
    try:
        raise error
    finally:
        del error
