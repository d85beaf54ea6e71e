"""A callee that does as it is told, and remembers when it was called."""

from __future__ import annotations

import asyncio
from typing import Any

from hms.agents.healing.clock import FakeClock

Told = Any  # an exception to raise, or a value to return


class Callee:
    """Ends its n-th call as the n-th of `ends` says, the last one for ever.

    Args:
        takes_s: how long each call takes.
    """

    def __init__(self, clock: FakeClock, *ends: Told, takes_s: float = 0.0) -> None:
        self._clock = clock
        self._ends = list(ends) or ["ok"]
        self._takes_s = takes_s
        self.called_at_s: list[float] = []
        self.cancelled = 0

    @property
    def calls(self) -> int:
        return len(self.called_at_s)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        end = self._next()
        if self._takes_s:
            self._clock.sleep(self._takes_s)
        return self._give(end)

    async def awaited(self, *args: Any, **kwargs: Any) -> Any:
        """The same as a coroutine, on a virtual loop."""
        end = self._next()
        try:
            await asyncio.sleep(self._takes_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self._give(end)

    def _next(self) -> Told:
        self.called_at_s.append(self._clock.now_s())
        return self._ends.pop(0) if len(self._ends) > 1 else self._ends[0]

    def _give(self, end: Told) -> Any:
        if isinstance(end, BaseException):
            raise end
        return end
