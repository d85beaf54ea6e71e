"""What a `with` block takes of a guard's pipeline: a place, the breaker's leave, its deadlines.

In the pipeline's order: total time-out, bulkhead, breaker, time-out of the attempt. A body cannot
be made a second time or replaced: retries, hedges and fallbacks leave blocks alone.

- `async with` is cut: the block's task is cancelled at the limit and leaves it by `CallTimeout`.
- `with` is told: a thread cannot be stopped from outside. It is not begun when a deadline around
  it has passed, waits for a place no longer than its own lets, code inside reads
  `deadline.remaining_s()`, and a `TimeoutError` that it raises at or after the limit is this
  limit's `CallTimeout`. A block that heeds none of that ends late, by itself (`on="worker"`
  frees callers of functions, not of blocks).

Leave a block in the thread or task that entered it, and do not yield within it: whoever runs
meanwhile would be held to its deadline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.agents.healing.pipeline.deadline import Deadline, Limit, current, passed
from hms.agents.healing.pipeline.timeout import Timeout, begin, is_plain_timeout, named

if TYPE_CHECKING:
    from hms.agents.healing.breaker.permit import Permit
    from hms.agents.healing.calls.guard import Guard
    from hms.agents.healing.pipeline.cutting import Cut
    from hms.agents.healing.pipeline.stage import Surroundings


class TimeLimit:
    """One deadline around a block; `cut` where the block is a coroutine's."""

    __slots__ = ("_before", "_cut", "_deadline", "_limit", "_since_s", "_where")

    def __init__(self, limit: Limit, where: Surroundings, *, cuts: bool) -> None:
        """Begin.

        Raises:
            CallTimeout: one around it has passed: there is no time to begin.
        """
        self._limit = limit
        self._where = where
        self._before = current.get()
        self._since_s = limit.clock.now_s()
        self._deadline: Deadline = begin(limit)
        current.set(self._deadline)
        self._cut: Cut | None = None
        if cuts:
            from hms.agents.healing.pipeline.cutting import Cut

            self._cut = Cut(limit.span_s)

    def end(self, error: BaseException | None) -> BaseException | None:
        """Stop; the error that the block ends with: this limit's own where it was reached."""
        if current.get() is self._deadline:  # else the block is left elsewhere
            current.set(self._before)
        limit, where = self._limit, self._where
        if self._cut is not None:
            was_ours = self._cut.end(error)
            expired = self._cut.expired()
            if was_ours or (expired and error is not None and is_plain_timeout(error)):
                where.counts.add("timeouts")
                return passed(limit)
            return error
        if isinstance(error, TimeoutError):
            return named(error, where, limit, self._since_s) or error
        if error is None and where.clock.now_s() > self._since_s + limit.span_s:
            where.counts.add("overran")
        return error


class Block:
    """What one block holds; made by `entered` or `entered_async`."""

    __slots__ = ("_attempt", "_bulkhead", "_guard", "_permit", "_total")

    def __init__(self, guard: Guard) -> None:
        """Nothing is held yet."""
        self._guard = guard
        self._total: TimeLimit | None = None
        self._bulkhead: Bulkhead | None = None
        self._permit: Permit | None = None
        self._attempt: TimeLimit | None = None

    def leave(self, error: BaseException | None) -> BaseException | None:
        """Give back all that is held, innermost first; the error that the block ends with."""
        if self._attempt is not None:
            error = self._attempt.end(error)
        if self._permit is not None:
            if error is None:
                self._guard.breaker.succeeded(self._permit)
            else:
                self._guard.raised(self._permit, error)
        if self._bulkhead is not None:
            dropped = isinstance(error, TimeoutError | ConnectionRefusedError)
            if error is None or dropped:
                self._bulkhead.learn(dropped=dropped)
            self._bulkhead.leave()
        return error if self._total is None else self._total.end(error)


def entered(guard: Guard) -> Block:
    """Enter a block in this thread.

    Raises:
        BulkheadFull: there is no place.
        BreakerOpen: the call must not be made.
        CallTimeout: there is no time for it.
    """
    block = Block(guard)
    total, bulkhead, attempt, where = _parts(guard)
    try:
        if total is not None:
            block._total = TimeLimit(total.limit(where), where, cuts=False)
        if bulkhead is not None:
            if not bulkhead.enter_now():
                bulkhead.enter(where.sleeper)
            block._bulkhead = bulkhead
        block._permit = guard.breaker.admit()
        if attempt is not None:
            block._attempt = TimeLimit(attempt.limit(where), where, cuts=False)
    except BaseException as error:
        _refused(block, error)
        raise
    return block


async def entered_async(guard: Guard) -> Block:
    """Enter a block in this task of asyncio; it may be cancelled from here on.

    Raises:
        BulkheadFull: there is no place.
        BreakerOpen: the call must not be made.
        CallTimeout: there is no time for it.
    """
    block = Block(guard)
    total, bulkhead, attempt, where = _parts(guard)
    try:
        if total is not None:
            block._total = TimeLimit(total.limit(where), where, cuts=True)
        if bulkhead is not None:
            await bulkhead.enter_async()
            block._bulkhead = bulkhead
        block._permit = guard.breaker.admit()
        if attempt is not None:
            block._attempt = TimeLimit(attempt.limit(where), where, cuts=True)
    except BaseException as error:
        _refused(block, error)
        raise
    return block


def _refused(block: Block, error: BaseException) -> None:
    """Give back what was taken before something was refused; nothing of it is a call's end."""
    permit, block._permit = block._permit, None
    if permit is not None:
        block._guard.breaker.ignored(permit)
    ended = block.leave(error)
    if ended is not error and ended is not None:
        raise ended from error


def _parts(guard: Guard) -> tuple[Timeout | None, Bulkhead | None, Timeout | None, Surroundings]:
    """What a block takes of the pipeline: total time-out, bulkhead, time-out of the attempt."""
    pipeline = guard.pipeline
    assert pipeline is not None
    limits = [each for each in pipeline.stages if isinstance(each, Timeout) and each.span_s]
    total = next((each for each in limits if each.scope == "total"), None)
    attempt = next((each for each in limits if each is not total), None)
    bulkhead = next((each for each in pipeline.stages if isinstance(each, Bulkhead)), None)
    return total, bulkhead, attempt, pipeline.where
