"""Time as an argument: one monotonic clock for the runtime, one that tests move by hand.

Only spans matter to a decision, so the wall clock is never read here: a machine whose time of
day is corrected must neither open nor close a breaker.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that says how many seconds have passed since a fixed, unknown moment."""

    def now_s(self) -> float:
        """Seconds since the clock's own zero; never falls."""
        ...


class MonotonicClock:
    """The operating system's monotonic clock."""

    __slots__ = ()

    def now_s(self) -> float:
        """Seconds since an arbitrary start of this machine's monotonic clock."""
        return time.monotonic()


class FakeClock:
    """A clock that stands still until a test moves it."""

    __slots__ = ("_now_s",)

    def __init__(self, now_s: float = 0.0) -> None:
        """Start at `now_s` seconds."""
        self._now_s = now_s

    def now_s(self) -> float:
        """The time that the test has set, in seconds."""
        return self._now_s

    def advance(self, span_s: float) -> None:
        """Let `span_s` seconds pass.

        Raises:
            ValueError: the span is negative; a monotonic clock never goes back.
        """
        if span_s < 0.0:
            raise ValueError(f"a monotonic clock cannot go back {-span_s} s")
        self._now_s += span_s
