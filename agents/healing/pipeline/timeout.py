"""A limit on how long a call may take.

What it can promise depends on who calls.

A coroutine is cancelled at the limit. One that does not let itself be cancelled and returns a
value late has its value returned: the work is done, only slow.

A plain function cannot be stopped. By default (`on="deadline"`) it runs in the caller's thread,
and the limit is a deadline: not begun when it has passed, told to the callee by
`deadline.remaining_s()`, kept by every wait of the pipeline, and a `TimeoutError` of the callee
at or after it is this limit's `CallTimeout`. A value that comes late is returned, and counted
as `overran`. That costs a fifth of a microsecond and leaves thread-bound things (a database
session, a lock that is held) where they are, but a callee that heeds no deadline keeps its
caller waiting. `on="worker"` frees the caller at the limit: the call runs in another thread,
for some 20 µs, and goes on there; the bulkhead's place stays taken until it really ends.
"""

from __future__ import annotations

from typing import Any

from hms.agents.healing.configuration.config import is_number
from hms.agents.healing.pipeline.deadline import Deadline, Limit, current, passed
from hms.agents.healing.pipeline.stage import AsyncStep, Call, Step, Surroundings
from hms.errors import CallTimeout, ConfigRefused

KINDS = ("deadline", "worker")


class Timeout:
    """A stage that limits the time of what is inside it.

    Args:
        span_s: how long it may take, in seconds; None: no limit.
        on: how a plain function is limited, "deadline" or "worker".
        scope: what the error calls it; by default "total" around a Retry, else "attempt".

    Raises:
        ConfigRefused: the span is no positive number, or `on` is unknown.
    """

    __slots__ = ("on", "scope", "span_s")

    def __init__(self, span_s: float | None, *, on: str = "deadline", scope: str = "") -> None:
        if span_s is not None and (not is_number(span_s) or span_s <= 0.0):
            raise ConfigRefused(f"Timeout: {span_s!r}\n    expected: seconds, above 0, or None")
        if on not in KINDS:
            raise ConfigRefused(f"Timeout: on is {on!r}\n    expected: {' or '.join(KINDS)}")
        self.span_s = span_s
        self.on = on
        self.scope = scope

    @property
    def label(self) -> str:
        """Its name in `describe()`."""
        return f"{self.scope} Timeout" if self.scope not in ("", "attempt") else "Timeout"

    def within(self, scope: str) -> Timeout:
        """The same where it stands: with this scope, unless it has a name."""
        return self if self.scope else Timeout(self.span_s, on=self.on, scope=scope)

    def limit(self, where: Surroundings) -> Limit:
        """What stands in its errors."""
        assert self.span_s is not None
        return Limit(self.span_s, self.scope or "attempt", where.dependency, where.clock)

    def around(self, inner: Step, where: Surroundings) -> Step:
        """By a deadline, or in another thread."""
        if self.span_s is None:
            return inner
        if self.on == "worker":
            return _in_worker(inner, where, self.limit(where))
        return by_deadline(inner, where, self.limit(where))

    def around_async(self, inner: AsyncStep, where: Surroundings) -> AsyncStep:
        """By cancelling what is inside, on asyncio's loop."""
        if self.span_s is None:
            return inner
        return by_cancelling(inner, where, self.limit(where))


def nearest(limit: Limit, since_s: float) -> Deadline:
    """The limit's deadline, or one around it that comes first."""
    at_s = since_s + limit.span_s
    outer = current.get()
    return outer if outer is not None and outer[0] <= at_s else (at_s, limit)


def begin(limit: Limit) -> Deadline:
    """The nearest deadline of a call that begins now.

    Raises:
        CallTimeout: one around it has passed: there is no time to begin.
    """
    now_s = limit.clock.now_s()
    at_s, whose = deadline = nearest(limit, now_s)
    if now_s >= at_s:
        raise passed(whose)
    return deadline


def by_deadline(
    inner: Step, where: Surroundings, limit: Limit, *, resumed: bool = False
) -> Step:
    """In the caller's thread; `resumed`: its time began with the call's first attempt."""
    now_s = where.clock.now_s

    def step(call: Call) -> Any:
        since_s = call.started_s if resumed else now_s()
        token = current.set(nearest(limit, since_s) if resumed else begin(limit))
        try:
            value = inner(call)
        except TimeoutError as error:
            ours = named(error, where, limit, since_s)
            if ours is None:
                raise
            raise ours from error
        finally:
            current.reset(token)
        if now_s() > since_s + limit.span_s:
            where.counts.add("overran")
        return value

    return step


def named(
    error: TimeoutError, where: Surroundings, limit: Limit, since_s: float
) -> CallTimeout | None:
    """This limit's own error where the callee gave up at or after it, else None."""
    if isinstance(error, CallTimeout):
        if (error.scope, error.limit_s) == (limit.scope, limit.span_s):
            where.counts.add("timeouts")  # the callee asked `deadline.check()`
        return None
    if where.clock.now_s() < since_s + limit.span_s:
        return None
    where.counts.add("timeouts")
    return passed(limit)


def _in_worker(inner: Step, where: Surroundings, limit: Limit) -> Step:
    from hms.agents.healing.pipeline.worker_threads import WORKERS, tell_expiry

    def step(call: Call) -> Any:
        at_s, whose = deadline = begin(limit)
        token = current.set(deadline)
        branch = call.branch()
        branch.on_expiry = {}
        try:
            work = WORKERS.start(inner, branch)
            try:
                where.sleeper.wait(work.done, at_s - where.clock.now_s())
            finally:  # also where the wait is interrupted
                call.left += branch.left if work.over else [work]
        finally:
            current.reset(token)
        if work.over:
            call.fell_back = branch.fell_back
            return work.result()
        tell_expiry(branch)
        where.counts.add("timeouts")
        raise passed(whose)

    return step


def by_cancelling(inner: AsyncStep, where: Surroundings, limit: Limit) -> AsyncStep:
    """As a task of asyncio, which is cancelled at the limit."""
    from hms.agents.healing.pipeline.cutting import Cut

    async def step(call: Call) -> Any:
        token = current.set(begin(limit))
        around = call.limits
        cut = Cut(limit.span_s)
        call.limits = (*around, cut)
        try:
            value = await inner(call)
        except BaseException as error:
            if cut.end(error) or (cut.expired() and is_plain_timeout(error)):
                where.counts.add("timeouts")
                raise passed(limit) from error
            raise
        else:
            cut.end()
            return value
        finally:
            call.limits = around
            current.reset(token)

    return step


def is_plain_timeout(error: BaseException) -> bool:
    """Whether the callee gave up in time's name, by itself or for being cancelled."""
    return isinstance(error, TimeoutError) and not isinstance(error, CallTimeout)
