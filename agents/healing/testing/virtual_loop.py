"""An asyncio loop that lives by a fake clock: when all tasks wait, the clock jumps.

    clock = FakeClock()
    assert run(main(), clock) == 42        # as asyncio.run, but nothing really waits
    assert clock.now_s() == 3600.0         # if main() slept for an hour

In the spirit of trio's MockClock with autojump. Real threads may run beside it as long as the
loop does not wait for time meanwhile: a jump does not wait for them.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from hms.agents.healing.clock import FakeClock

T = TypeVar("T")
PATIENCE_S = 10.0  # real ones, for a thread to wake a loop that has nothing planned


class JumpingSelector(selectors.DefaultSelector):
    """Moves the clock where it would wait."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; else the time that the next timer needs passes at once.

        Raises:
            RuntimeError: no timer is set, and no thread woke the loop for ten real seconds.
        """
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0.0):
            return ready
        if timeout is None:
            ready = super().select(PATIENCE_S)
            if not ready:
                raise RuntimeError("every task waits for something that no timer brings")
            return ready
        self._clock.advance(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time is the clock's; `clock` lets `FakeClock.sleep_async` know it."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(JumpingSelector(clock))
        self.clock = clock

    def time(self) -> float:
        """Now, in virtual seconds."""
        return self.clock.now_s()


def run(main: Coroutine[Any, Any, T], clock: FakeClock) -> T:
    """Run a coroutine to its end on a loop of its own; waits take no real time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(main)
