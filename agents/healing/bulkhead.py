"""At most so many calls at once: places, and a queue of those who wait for one.

Threads and tasks of any loop share one limit. The queue is first come, first served: a free
place never goes to a newcomer while somebody waits. A smaller limit takes effect at once for
newcomers and revokes nothing; resizing never waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hms.agents.healing.adaptive_limit import AdaptiveLimit
from hms.agents.healing.bulkhead_place import Place, Waiter, set_once
from hms.agents.healing.clock import MonotonicClock, Sleeper
from hms.agents.healing.deadline import current, passed, remaining_s
from hms.agents.healing.stage import AsyncStep, Call, Step, Surroundings
from hms.errors import BulkheadFull, CallRefused, ConfigRefused

if TYPE_CHECKING:
    from asyncio import Future

FOREVER_S = threading.TIMEOUT_MAX


@dataclass(frozen=True, slots=True)
class BulkheadMetrics:
    """Places of one moment, and refusals since the start."""

    limit: int
    running: int
    waiting: int
    refused: int


class Bulkhead:
    """A stage that lets at most `limit` calls be under way.

    Args:
        limit: calls at once; with `adaptive`, at first.
        queue: how many may wait for a place.
        max_wait_s: how long each of them waits, in seconds; None: as long as its deadline lets.
        adaptive: lets the limit follow what the callee can bear.

    Raises:
        ConfigRefused: a number makes no sense.
    """

    __slots__ = (
        "_lock", "_name", "_queue", "_queue_limit", "_refused", "_running", "adaptive", "limit",
        "max_wait_s",
    )  # fmt: skip

    label = "Bulkhead"

    def __init__(
        self,
        limit: int,
        *,
        queue: int = 0,
        max_wait_s: float | None = None,
        adaptive: AdaptiveLimit | None = None,
        name: str = "",
    ) -> None:
        check_size(limit, queue)
        if max_wait_s is not None and not 0.0 < max_wait_s < FOREVER_S:
            raise ConfigRefused(
                f"Bulkhead: max_wait_s is {max_wait_s!r}\n    expected: seconds, above 0, or None"
            )
        self.limit = limit
        self.max_wait_s = max_wait_s
        self.adaptive = adaptive
        self._name = name
        self._queue_limit = queue
        self._running = self._refused = 0
        self._queue: deque[Waiter] = deque()
        self._lock = threading.Lock()

    def resize(self, limit: int, queue: int | None = None) -> None:
        """Another limit from now on; calls under way and those who wait stay.

        Raises:
            ConfigRefused: a number makes no sense; nothing was changed.
        """
        check_size(limit, 0 if queue is None else queue)
        with self._lock:
            self.limit = limit
            if queue is not None:
                self._queue_limit = queue
            granted = self._grant()
        self._wake(granted)

    def enter_now(self) -> bool:
        """Take a place if one is free and nobody waits for it."""
        with self._lock:
            if self._running >= self.limit or self._queue:
                return False
            self._running += 1
            return True

    def enter(self, sleeper: Sleeper) -> None:
        """Take a place, in this thread, waiting in the queue if there is room.

        Raises:
            BulkheadFull: no place, no room to wait, or none within `max_wait_s`.
            CallTimeout: the call's deadline came first.
        """
        woken = threading.Event()
        waiter = self._ask(woken.set)
        if waiter is None:
            return
        longest_s = FOREVER_S if self.max_wait_s is None else self.max_wait_s
        try:
            sleeper.wait(woken, min(longest_s, remaining_s()))
        except BaseException:
            self._withdraw(waiter)
            raise
        with self._lock:
            if waiter.granted:
                return
            self._queue.remove(waiter)
        deadline = current.get()
        if deadline is not None and remaining_s() <= 0.0:
            raise passed(deadline.limit)
        raise self._full()

    async def enter_async(self) -> None:
        """Take a place, in this task of asyncio, waiting in the queue if there is room.

        Raises:
            BulkheadFull: no place, no room to wait, or none within `max_wait_s`.
        """
        if self.enter_now():
            return
        import asyncio

        loop = asyncio.get_running_loop()
        future: Future[None] = loop.create_future()
        waiter = self._ask(lambda: loop.call_soon_threadsafe(set_once, future))
        if waiter is None:
            return
        try:
            async with asyncio.timeout(self.max_wait_s):
                await future
        except TimeoutError:
            with self._lock:
                if waiter.granted:
                    return
                self._queue.remove(waiter)
            raise self._full() from None
        except BaseException:
            self._withdraw(waiter)
            raise

    def leave(self) -> None:
        """Give back a place that was taken; it goes to who has waited longest.

        Raises:
            ValueError: nobody has a place.
        """
        with self._lock:
            if self._running <= 0:
                raise ValueError(f"bulkhead{self._of()}: more places given back than taken")
            self._running -= 1
            granted = self._grant()
        self._wake(granted)

    def place(self, sleeper: Sleeper | None = None) -> Place:
        """A place for code that is no function: `with bulkhead.place():`."""
        return Place(self, sleeper or MonotonicClock())

    def learn(self, dropped: bool) -> None:
        """Let an adaptive limit follow from a call that still has its place."""
        if self.adaptive is None:
            return
        with self._lock:
            self.limit = self.adaptive.next(self.limit, self._running, dropped)
            granted = self._grant()
        self._wake(granted)

    def metrics(self) -> BulkheadMetrics:
        """Places of one moment."""
        with self._lock:
            return BulkheadMetrics(self.limit, self._running, len(self._queue), self._refused)

    def around(self, inner: Step, where: Surroundings) -> Step:
        """A place around each call, kept while work that outlived it goes on."""

        def step(call: Call) -> Any:
            if not self.enter_now():
                self.enter(where.sleeper)
            before = len(call.left)
            try:
                value = inner(call)
            except BaseException as error:
                self._learn_of(error)
                self._leave_after(call, before)
                raise
            self.learn(dropped=False)
            self._leave_after(call, before)
            return value

        return step

    def around_async(self, inner: AsyncStep, where: Surroundings) -> AsyncStep:
        """The same for coroutines."""

        async def step(call: Call) -> Any:
            await self.enter_async()
            before = len(call.left)
            try:
                value = await inner(call)
            except BaseException as error:
                self._learn_of(error)
                self._leave_after(call, before)
                raise
            self.learn(dropped=False)
            self._leave_after(call, before)
            return value

        return step

    def _leave_after(self, call: Call, before: int) -> None:
        left = call.left[before:]
        if left:
            from hms.agents.healing.worker_threads import when_all_over

            when_all_over(left, self.leave)
        else:
            self.leave()

    def _learn_of(self, error: BaseException) -> None:
        if isinstance(error, TimeoutError | ConnectionRefusedError):
            self.learn(dropped=True)

    def _ask(self, wake: Callable[[], object]) -> Waiter | None:
        """None: a place is taken; else a place in the queue."""
        with self._lock:
            if self._running < self.limit and not self._queue:
                self._running += 1
                return None
            if len(self._queue) < self._queue_limit:
                waiter = Waiter(wake)
                self._queue.append(waiter)
                return waiter
        raise self._full()

    def _withdraw(self, waiter: Waiter) -> None:
        """A waiter was cancelled: its place in the queue, or the one just given, is another's."""
        with self._lock:
            if not waiter.granted:
                self._queue.remove(waiter)
                return
        self.leave()

    def _grant(self) -> list[Waiter]:
        """Give what is free to those who wait; they are woken when the lock is released."""
        granted = []
        while self._queue and self._running < self.limit:
            waiter = self._queue.popleft()
            waiter.granted = True
            self._running += 1
            granted.append(waiter)
        return granted

    def _wake(self, granted: list[Waiter]) -> None:
        """Outside the lock: waking may run foreign code of a loop."""
        for waiter in granted:
            if not waiter.woken():
                self.leave()  # its loop is closed, it never comes for its place

    def _full(self) -> CallRefused:
        with self._lock:
            self._refused += 1
            running, waiting = self._running, len(self._queue)
        return BulkheadFull(
            f"bulkhead{self._of()} is full: {running} of {self.limit} under way, {waiting} wait"
        )

    def _of(self) -> str:
        return f" of `{self._name}`" if self._name else ""


def check_size(limit: int, queue: int) -> None:
    """Refuse limits that are no counts.

    Raises:
        ConfigRefused: names which.
    """
    for name, value, least in (("limit", limit, 1), ("queue", queue, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ConfigRefused(f"Bulkhead: {name} is {value!r}\n    expected: {least} or more")
