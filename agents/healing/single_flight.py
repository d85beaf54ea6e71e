"""Callers at the same time share one run and its answer, over threads and event loops."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from hms.errors import HealingFailed

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs something at most once at a time.

    The run is a task of its own in the loop of whoever came first: a caller that is cancelled
    leaves it alone, so that no act is cut off half done.
    """

    __slots__ = ("_lock", "_make", "_task", "_under_way")

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        """Share runs of `make`."""
        self._make = make
        self._lock = threading.Lock()
        self._under_way: Future[T] | None = None
        self._task: asyncio.Future[T] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether somebody runs it now."""
        return self._under_way is not None

    async def run(self) -> T:
        """The answer of the run under way, or of a new one.

        Raises:
            HealingFailed: the loop that ran it was stopped.
            Exception: whatever the run raised, for all who waited.
        """
        import asyncio  # both are slow to import, and whoever gets here has them
        from concurrent.futures import Future

        with self._lock:
            if self._task is not None and self._task.get_loop().is_closed():
                self._cut_off()  # else nobody could ever run it again
            shared = self._under_way
            if shared is None:
                shared = self._under_way = Future()
                self._task = asyncio.ensure_future(self._make())
                self._task.add_done_callback(self._end)
        return await asyncio.shield(asyncio.wrap_future(shared))

    async def finished(self, timeout_s: float) -> bool:
        """Wait for the run under way, at most so long; whether none is left."""
        import asyncio

        with self._lock:
            shared = self._under_way
        if shared is None:
            return True
        done, _ = await asyncio.wait({asyncio.wrap_future(shared)}, timeout=timeout_s)
        for each in done:
            each.exception()
        return bool(done)

    def _cut_off(self) -> None:
        """The run under way will never end; all who wait for it are told."""
        shared, self._under_way, self._task = self._under_way, None, None
        if shared is not None and not shared.done():
            shared.set_exception(HealingFailed(["cut off: its event loop was stopped"]))

    def _end(self, task: asyncio.Future[T]) -> None:
        with self._lock:
            if task is not self._task:
                return
            if task.cancelled():
                self._cut_off()
                return
            shared, self._under_way, self._task = self._under_way, None, None
        if shared is None or shared.done():
            return
        error = task.exception()
        if error is not None:
            shared.set_exception(error)
        else:
            shared.set_result(task.result())
