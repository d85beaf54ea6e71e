"""How long may this call still take? The deadline that a `Timeout` sets, for whoever is inside.

A thread cannot be stopped from outside. What can be done honestly without another thread is to
say until when an answer is wanted: code inside asks `remaining_s()` and hands it to its socket,
its statement timeout or its loop. Guards nested inside, also those of other dependencies, keep
to the nearest deadline: no retry sleeps past it, no queue is waited in beyond it.

    @db                                     # guard("db", timeout=1.0)
    def read(key):
        return connection.execute(key, timeout=deadline.remaining_s())
"""

from __future__ import annotations

import math
from contextvars import ContextVar
from typing import NamedTuple, TypeAlias

from hms.agents.healing.clock import Clock
from hms.errors import CallTimeout


class Limit(NamedTuple):
    """Whose deadline it is, for clocks and messages.

    Attributes:
        span_s: how long a call may take, in seconds.
        scope: "attempt", "total", or the name that a user gave.
        dependency: the callee, may be empty.
    """

    span_s: float
    scope: str
    dependency: str
    clock: Clock


Deadline: TypeAlias = tuple[float, Limit]
"""A moment of the limit's clock, and the limit: a bare tuple, one is made for every call."""

current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def remaining_s() -> float:
    """Seconds until the nearest deadline of this call, at least 0; infinite if there is none."""
    deadline = current.get()
    if deadline is None:
        return math.inf
    at_s, limit = deadline
    return max(at_s - limit.clock.now_s(), 0.0)


def check() -> None:
    """For loops inside a protected call: stop when its time is over.

    Raises:
        CallTimeout: the nearest deadline has passed.
    """
    deadline = current.get()
    if deadline is not None:
        at_s, limit = deadline
        if limit.clock.now_s() >= at_s:
            raise passed(limit)


def passed(limit: Limit) -> CallTimeout:
    """The error of a limit that was reached."""
    name = f" of `{limit.dependency}`" if limit.dependency else ""
    return CallTimeout(
        f"{limit.scope} time-out{name}: {limit.span_s:g} s are over",
        dependency=limit.dependency, scope=limit.scope, limit_s=limit.span_s,
    )
