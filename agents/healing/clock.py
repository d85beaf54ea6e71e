"""Time as an argument: one monotonic clock for the runtime, one that tests move by hand.

Only spans matter to a decision, so the wall clock is never read here: a machine whose time of
day is corrected must neither open nor close a breaker. What waits does so through a `Sleeper`,
so that on a fake clock nothing really waits.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol, runtime_checkable


class Clock(Protocol):
    """Anything that says how many seconds have passed since a fixed, unknown moment."""

    def now_s(self) -> float:
        """Seconds since the clock's own zero; never falls."""
        ...


@runtime_checkable
class Sleeper(Protocol):
    """Lets time pass: for a thread, for a coroutine, for a thread that may be woken."""

    def sleep(self, span_s: float) -> None:
        """Let `span_s` seconds pass in this thread."""
        ...

    async def sleep_async(self, span_s: float) -> None:
        """Let `span_s` seconds pass in this task; other tasks go on."""
        ...

    def wait(self, woken: threading.Event, span_s: float) -> None:
        """Return once `woken` is set or the span has passed; the caller looks which."""
        ...


class MonotonicClock:
    """The operating system's monotonic clock, and its real waits."""

    __slots__ = ()

    now_s = staticmethod(time.monotonic)  # without a frame of our own: it is read on every call

    def sleep(self, span_s: float) -> None:
        """Really sleep."""
        time.sleep(span_s)

    async def sleep_async(self, span_s: float) -> None:
        """Sleep on asyncio's loop."""
        import asyncio

        await asyncio.sleep(span_s)

    def wait(self, woken: threading.Event, span_s: float) -> None:
        """Really wait, at most as long as a thread can (about 292 years)."""
        woken.wait(min(span_s, threading.TIMEOUT_MAX))


class FakeClock:
    """A clock that stands still until a test moves it; sleeping on it moves it."""

    __slots__ = ("_changed", "_now_s", "_parked")

    def __init__(self, now_s: float = 0.0) -> None:
        """Start at `now_s` seconds."""
        self._now_s = now_s
        self._parked: list[tuple[float, threading.Event]] = []
        self._changed = threading.Condition()

    def now_s(self) -> float:
        """The time that the test has set, in seconds."""
        return self._now_s

    def advance(self, span_s: float) -> None:
        """Let `span_s` seconds pass, and wake threads whose wait is over by then.

        Raises:
            ValueError: the span is negative; a monotonic clock never goes back.
        """
        if span_s < 0.0:
            raise ValueError(f"a monotonic clock cannot go back {-span_s} s")
        with self._changed:
            self._now_s += span_s
            due = [woken for due_s, woken in self._parked if due_s <= self._now_s]
            self._parked = [each for each in self._parked if each[0] > self._now_s]
        for woken in due:
            woken.set()

    def sleep(self, span_s: float) -> None:
        """Move the clock instead of waiting."""
        self.advance(max(span_s, 0.0))

    async def sleep_async(self, span_s: float) -> None:
        """Move the clock, or sleep on a loop that lives by this clock (its `clock` is it)."""
        import asyncio

        if getattr(asyncio.get_running_loop(), "clock", None) is self:
            await asyncio.sleep(span_s)
            return
        self.sleep(span_s)
        await asyncio.sleep(0.0)

    def wait(self, woken: threading.Event, span_s: float) -> None:
        """Park this thread until it is woken or another thread moves the clock far enough."""
        with self._changed:
            mine = (self._now_s + span_s, woken)
            if span_s <= 0.0 or woken.is_set():
                return
            self._parked.append(mine)
            self._changed.notify_all()
        woken.wait()
        with self._changed:
            if mine in self._parked:  # woken by another than the clock
                self._parked.remove(mine)
            self._changed.notify_all()

    def until_parked(self, threads: int, patience_s: float = 10.0) -> None:
        """Return when exactly so many threads wait on this clock.

        Raises:
            TimeoutError: they do not within `patience_s` real seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._parked) == threads, patience_s):
                raise TimeoutError(f"{len(self._parked)} threads wait, not {threads}")


def sleeper_of(clock: Clock) -> Sleeper:
    """The clock itself where it can let time pass, else the real one."""
    return clock if isinstance(clock, Sleeper) else MonotonicClock()
