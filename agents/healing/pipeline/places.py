"""Places that are counted by tokens, and a queue for them: taking one needs no lock.

A free place is a token in a deque; `pop` takes one and `append` gives it back, each a single
operation of C. Whoever has something to wait for sets `watched`, under the lock, and only then
looks at the tokens once more; whoever gives back appends first and only then looks whether
somebody watches. So either sees the other, and no token lies free while somebody waits. A smaller
limit leaves a debt, which tokens that come back pay. Without a global interpreter lock that
order of looks is not promised: then `watched` stays set and all go through the lock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from hms.agents.healing.breaker.era import has_one_lock


class Waiter:
    """One who waits for a place; `granted` is written under the lock."""

    __slots__ = ("granted", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        """Woken by `wake` once the place is its own."""
        self.granted = False
        self.wake = wake

    def woken(self) -> bool:
        """Wake who waits; False: it lived on a loop that was closed."""
        try:
            self.wake()
        except RuntimeError:
            return False
        return True


class Places:
    """So many places, first come, first served.

    Attributes:
        watched: whether a place that is taken or given back must go through the lock.
        free: a token for each free place.
    """

    __slots__ = ("_debt", "_lock", "_queue", "free", "limit", "queue_limit", "refused", "watched")

    def __init__(self, limit: int, queue_limit: int) -> None:
        """All free."""
        self.limit = limit
        self.queue_limit = queue_limit
        self.refused = 0
        self.free: deque[None] = deque([None] * limit)
        self._debt = 0
        self._queue: deque[Waiter] = deque()
        self._lock = threading.Lock()
        self.watched = not has_one_lock()

    def take(self) -> bool:
        """Take a place if one is free and nobody waits for it."""
        if self.watched:
            with self._lock:
                granted = self._settle()
                taken = not self._queue and self._pop()
            self._wake(granted)
            return taken
        return self._pop()

    def ask(self, wake: Callable[[], object]) -> Waiter | None:
        """None: a place is taken; else a place in the queue, told by its `granted`.

        Raises:
            IndexError: the queue is full.
        """
        with self._lock:
            granted = self._settle()
            if not self._queue and self._pop():
                waiter = None
            elif len(self._queue) >= self.queue_limit:
                self.refused += 1
                raise IndexError("the queue is full")
            else:
                waiter = Waiter(wake)
                self._queue.append(waiter)
                self.watched = True
                granted += self._settle()  # for a token that came back just before
        self._wake(granted)
        return waiter

    def leave(self) -> None:
        """Give back a place that was taken; it goes to who has waited longest.

        Raises:
            ValueError: nobody has a place.
        """
        with self._lock:
            if len(self.free) >= self.limit + self._debt:
                raise ValueError("more places given back than taken")
            self.free.append(None)
            granted = self._settle()
        self._wake(granted)

    def settle(self) -> None:
        """After a token came back without the lock, while somebody watched."""
        with self._lock:
            granted = self._settle()
        self._wake(granted)

    def gave_up(self, waiter: Waiter) -> bool:
        """Whether it leaves the queue without a place, and so is refused."""
        with self._lock:
            if waiter.granted:
                return False
            self._queue.remove(waiter)
            self.refused += 1
            granted = self._settle()
        self._wake(granted)
        return True

    def withdraw(self, waiter: Waiter) -> None:
        """It was cancelled: its place in the queue, or the one just given, is another's."""
        with self._lock:
            if not waiter.granted:
                self._queue.remove(waiter)
                self._settle()
                return
        self.leave()

    def resize(self, limit: int, queue_limit: int | None = None) -> None:
        """Another number of places; those that are taken stay taken."""
        with self._lock:
            grown = limit - self.limit
            self.limit = limit
            if queue_limit is not None:
                self.queue_limit = queue_limit
            paid = min(self._debt, max(grown, 0))
            self._debt += max(-grown, 0) - paid
            self.free.extend([None] * (max(grown, 0) - paid))
            self.watched = True
            granted = self._settle()
        self._wake(granted)

    def numbers(self) -> tuple[int, int, int, int]:
        """Limit, places taken, those who wait, refusals so far: of one moment."""
        with self._lock:
            taken = self.limit + self._debt - len(self.free)
            return self.limit, taken, len(self._queue), self.refused

    def _settle(self) -> list[Waiter]:
        """Pay the debt, then give what is free to those who wait; to be called under the lock."""
        granted = []
        while self._debt and self._pop():
            self._debt -= 1
        while self._queue and self._pop():
            waiter = self._queue.popleft()
            waiter.granted = True
            granted.append(waiter)
        self.watched = bool(self._debt or self._queue) or not has_one_lock()
        return granted

    def _pop(self) -> bool:
        try:
            self.free.pop()
        except IndexError:
            return False
        return True

    def _wake(self, granted: list[Waiter]) -> None:
        """Outside the lock: waking may run foreign code of a loop."""
        for waiter in granted:
            if not waiter.woken():
                self.leave()  # its loop is closed, it never comes for its place
