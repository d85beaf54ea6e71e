"""At most so many calls at once: places, and a queue of those who wait for one.

Threads and tasks of any loop share one limit. The queue is first come, first served: a free
place never goes to a newcomer while somebody waits. A smaller limit takes effect at once for
newcomers and revokes nothing; resizing never waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hms.agents.healing.clock import MonotonicClock, Sleeper
from hms.agents.healing.pipeline.adaptive_limit import AdaptiveLimit
from hms.agents.healing.pipeline.bulkhead_place import Place, set_once
from hms.agents.healing.pipeline.deadline import current, passed, remaining_s
from hms.agents.healing.pipeline.places import Places, Waiter
from hms.agents.healing.pipeline.stage import AsyncStep, Call, Step, Surroundings
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

    __slots__ = ("_learning", "_name", "adaptive", "max_wait_s", "places")

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
        self.places = Places(limit, queue)
        self.max_wait_s = max_wait_s
        self.adaptive = adaptive
        self._name = name
        self._learning = threading.Lock()

    @property
    def limit(self) -> int:
        """Calls at once."""
        return self.places.limit

    def resize(self, limit: int, queue: int | None = None) -> None:
        """Another limit from now on; calls under way and those who wait stay.

        Raises:
            ConfigRefused: a number makes no sense; nothing was changed.
        """
        check_size(limit, 0 if queue is None else queue)
        self.places.resize(limit, queue)

    def enter_now(self) -> bool:
        """Take a place if one is free and nobody waits for it."""
        return self.places.take()

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
            self.places.withdraw(waiter)
            raise
        if self.places.gave_up(waiter):
            deadline = current.get()
            if deadline is not None and remaining_s() <= 0.0:
                raise passed(deadline[1])
            raise self._full()

    async def enter_async(self) -> None:
        """Take a place, in this task of asyncio, waiting in the queue if there is room.

        Raises:
            BulkheadFull: no place, no room to wait, or none within `max_wait_s`.
        """
        if self.places.take():
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
            if self.places.gave_up(waiter):
                raise self._full() from None
        except BaseException:
            self.places.withdraw(waiter)
            raise

    def leave(self) -> None:
        """Give back a place that was taken; it goes to who has waited longest.

        Raises:
            ValueError: nobody has a place.
        """
        self.places.leave()

    def place(self, sleeper: Sleeper | None = None) -> Place:
        """A place for code that is no function: `with bulkhead.place():`."""
        return Place(self, sleeper or MonotonicClock())

    def learn(self, dropped: bool) -> None:
        """Let an adaptive limit follow from a call that still has its place."""
        if self.adaptive is None:
            return
        with self._learning:
            limit, taken, _, _ = self.places.numbers()
            self.places.resize(self.adaptive.next(limit, taken, dropped))

    def metrics(self) -> BulkheadMetrics:
        """Places of one moment."""
        return BulkheadMetrics(*self.places.numbers())

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
            from hms.agents.healing.pipeline.worker_threads import when_all_over

            when_all_over(left, self.leave)
        else:
            self.leave()

    def _learn_of(self, error: BaseException) -> None:
        if isinstance(error, TimeoutError | ConnectionRefusedError):
            self.learn(dropped=True)

    def _ask(self, wake: Callable[[], object]) -> Waiter | None:
        """None: a place is taken; else a place in the queue."""
        try:
            return self.places.ask(wake)
        except IndexError:
            raise self._full() from None

    def _full(self) -> CallRefused:
        limit, taken, waiting, _ = self.places.numbers()
        name = f" of `{self._name}`" if self._name else ""
        return BulkheadFull(f"bulkhead{name} is full: {taken} of {limit} under way, {waiting} wait")


def check_size(limit: int, queue: int) -> None:
    """Refuse limits that are no counts.

    Raises:
        ConfigRefused: names which.
    """
    for name, value, least in (("limit", limit, 1), ("queue", queue, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ConfigRefused(f"Bulkhead: {name} is {value!r}\n    expected: {least} or more")
