"""What the calls of one era share: counters and start times that need no lock.

A call reads the era once and works on what it read, so a result that comes after the era is over
lands where nobody counts it as current: it is late by construction. Each step of a call that goes
well is one operation of C that other threads cannot cut in two while there is a global
interpreter lock: `next` on a counter, one item of a dict set or deleted. A build without that
lock leaves the bounds at minus infinity, and every call takes the breaker's lock.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hms.agents.healing.breaker.permit import Permit

NEVER_S = -math.inf
NOTHING: dict[int, float] = {}
"""Stands for the dicts that most eras never need; never written to."""


def has_one_lock() -> bool:
    """Whether single operations of C are atomic: CPython with its global lock."""
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    return sys.implementation.name == "cpython" and bool(enabled)


class Era:
    """The time between two transitions of a breaker.

    Attributes:
        admit_until_s: before it, a call may start without asking.
        until_s: before it, a success need not be judged: it is not slow, no call under way has
            become slow, and no slice of a time window has turned since the last look.
        count: successes that were not judged.
        folded: how many of them the decision has been told.
        flights: start of each call under way, by ticket, oldest first.
        overdue: of those, the ones found to be slow already.
        parked: generators that wait for their consumer, which is nobody's slowness.
        probes: half-open: what was let in to try.
    """

    __slots__ = (
        "admit_until_s", "count", "flights", "folded", "overdue", "parked", "probes", "until_s",
    )

    def __init__(self) -> None:
        """An era in which every call asks."""
        self.admit_until_s = NEVER_S
        self.until_s = NEVER_S
        self.count = itertools.count()
        self.folded = 0
        self.flights: dict[int, float] = {}
        self.overdue = NOTHING
        self.parked = NOTHING
        self.probes: tuple[Permit, ...] = ()

    def shut(self) -> None:
        """From now on every call of this era takes the lock."""
        self.admit_until_s = NEVER_S
        self.until_s = NEVER_S

    def take(self, ticket: int) -> float | None:
        """Claim the end of a call: its start, or None if it has ended before."""
        started_s = self.flights.pop(ticket, None)
        if started_s is None:
            started_s = self.overdue.pop(ticket, None)
        return self.parked.pop(ticket, None) if started_s is None else started_s

    def park(self, ticket: int, started_s: float) -> None:
        """Keep a call that nobody is to find overdue."""
        if self.parked is NOTHING:
            self.parked = {}
        self.parked[ticket] = started_s

    def find_overdue(self, is_slow: Callable[[float], bool]) -> None:
        """Set apart the calls under way that are slow by now; to be called under the lock."""
        while (first := self.oldest()) is not None and is_slow(first[1]):
            ticket, started_s = first
            if self.overdue is NOTHING:
                self.overdue = {}
            self.overdue[ticket] = started_s  # before it leaves `flights`: its end looks in both
            if self.flights.pop(ticket, None) is None:
                del self.overdue[ticket]

    def count_overdue(self, is_slow: Callable[[float], bool]) -> int:
        """How many calls under way are slow by now; to be called under the lock."""
        self.find_overdue(is_slow)
        return len(self.overdue)

    def oldest(self) -> tuple[int, float] | None:
        """The call under way that started first, of those not overdue."""
        while True:
            try:  # one call into C; an allocation in it may still let a finaliser in
                first = list(itertools.islice(self.flights.items(), 1))
            except RuntimeError:  # the dict changed meanwhile: look again
                continue
            return first[0] if first else None

    @property
    def is_idle(self) -> bool:
        """Whether no registered call is under way."""
        return not (self.flights or self.overdue or self.parked)


def read_counts(counters: Iterable[itertools.count[int]]) -> list[int]:
    """The values of some counters at one moment, without moving them.

    `map` and `repr` of a counter stay within C, so that no other thread runs in between.
    """
    return [int(text[6:-1]) for text in list(map(repr, counters))]  # "count(7)"


def forget_unheld(eras: list[Era]) -> int:
    """Drop the eras that no call holds any more, and return what came late to them.

    A call holds the era that it read, from before it is registered until after its end is
    counted; so one that only the list holds can no longer change.
    """
    late = 0
    for at in range(len(eras) - 1, -1, -1):
        if UNHELD > 0 and sys.getrefcount(eras[at]) <= UNHELD:
            late += read_counts([eras[at].count])[0] - eras[at].folded
            del eras[at]
    return late


_ONLY = [Era()]
UNHELD = sys.getrefcount(_ONLY[0]) if hasattr(sys, "getrefcount") else -1
"""What `getrefcount` says of something that only a list holds; -1: forget nothing."""
