"""One retry budget for a dependency, shared by all who call it: the decision behind a lock.

What a token costs and a success deposits is `agents.policy.retry`'s. A success must cost next
to nothing, so it is one atomic step of a counter; the deposits are made, as one amount, before
anything looks at the bucket. Between two looks the bucket only fills, so that the sum is what
single deposits would have been (tests/healing/test_healing_budget.py holds that).
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from hms.agents.healing.clock import Clock
from hms.agents.policy import retry as decision
from hms.agents.policy.kinds import BUDGET_IN_FLIGHT, BUDGET_NONE, SLACK
from hms.agents.policy.parameters import RetryParameters


@dataclass(frozen=True, slots=True)
class BudgetMetrics:
    """What the budget did since the start.

    Attributes:
        tokens: in the bucket now, whole and part.
        taken: retries and hedges that were paid for.
        given_back: of those, never made: cancelled while they waited.
        exhausted: retries and hedges that were refused, for want of a token.
        successes: calls that deposited.
    """

    tokens: float
    taken: int
    given_back: int
    exhausted: int
    successes: int


class RetryBudget:
    """Tokens that retries and hedges of one dependency take and successes put back.

    Args:
        parameters: of `retry`; the kind of the budget, its size and what fills it.
        clock: monotonic.
    """

    __slots__ = (
        "_active", "_again_active", "_clock", "_counted", "_exhausted", "_given_back", "_largest",
        "_lock", "_looks", "_parameters", "_state", "_taken", "succeeded",
    )

    succeeded: Callable[[], int]
    """To be called for each call that came back right; atomic, without a lock."""

    def __init__(self, parameters: RetryParameters, clock: Clock) -> None:
        """A full bucket."""
        self._parameters = parameters
        self._largest = parameters.budget_max  # so far: what is missing was missing from that
        self._clock = clock
        self._state = decision.RetryState(refilled_s=clock.now_s())
        self._lock = threading.Lock()
        self._taken = self._given_back = self._exhausted = 0
        self._active = self._again_active = 0
        self._counted = self._looks = 0
        self.succeeded = atomic_counter()

    def reconfigure(self, parameters: RetryParameters) -> None:
        """Go on under other parameters; what is missing from the bucket stays missing."""
        with self._lock:
            self._settle()
            self._parameters = parameters
            self._largest = max(self._largest, parameters.budget_max)

    @property
    def watches_calls(self) -> bool:
        """Whether it must be told of each call that starts and ends."""
        return self._parameters.budget_kind == BUDGET_IN_FLIGHT

    def started(self) -> None:
        """A call is under way (only where `watches_calls`)."""
        with self._lock:
            self._active += 1

    def ended(self) -> None:
        """It is over."""
        with self._lock:
            self._active -= 1

    def take(self) -> bool:
        """Pay for one retry or hedge before it waits; False: refused, and counted."""
        with self._lock:
            self._settle()
            granted = self._granted()
            if granted:
                self._taken += 1
                self._again_active += 1
            else:
                self._exhausted += 1
            return granted

    def give_back(self) -> None:
        """It was never made: cancelled while it waited."""
        with self._lock:
            self._settle()
            self._given_back += 1
            self._again_active -= 1
            if self._parameters.budget_kind not in (BUDGET_NONE, BUDGET_IN_FLIGHT):
                decision.give_back(self._state)

    def finished(self) -> None:
        """A retry or hedge that was paid for is over, however it ended."""
        with self._lock:
            self._again_active -= 1

    def metrics(self) -> BudgetMetrics:
        """Counters and tokens, of one moment."""
        with self._lock:
            self._settle()
            return BudgetMetrics(
                tokens=decision.tokens_left(self._state, self._parameters),
                taken=self._taken, given_back=self._given_back, exhausted=self._exhausted,
                successes=self._counted,
            )

    def broken_rule(self) -> int:
        """The number of a rule that it breaks (`agents.policy.invariants`); 0: none."""
        from hms.agents.policy.invariants import retry_rule

        with self._lock:
            largest = dataclasses.replace(self._parameters, budget_max=self._largest)
            return retry_rule(self._state, largest)

    def drain(self) -> None:
        """Its state broke a rule: go on with an empty bucket, which successes fill again."""
        with self._lock:
            spent = self._parameters.budget_max * decision.TOKEN
            self._state = decision.RetryState(spent, self._clock.now_s())

    def _granted(self) -> bool:
        p = self._parameters
        if p.budget_kind != BUDGET_IN_FLIGHT:
            return decision.take(self._state, p, self._clock.now_s())
        active, again = float(self._active), float(self._again_active)
        return decision.in_flight_left(p, active, again) + SLACK >= 1.0

    def _settle(self) -> None:
        """Make the deposits of the successes since the last look; a look counts one, too."""
        successes = self.succeeded() - self._looks
        self._looks += 1
        fresh = successes - self._counted
        self._counted = successes
        if fresh:
            decision.deposit(self._state, self._parameters, float(fresh))
        decision.refill(self._state, self._parameters, self._clock.now_s())


def atomic_counter() -> Callable[[], int]:
    """Gives 0, 1, 2, … to threads, none twice: one C call where the GIL makes that atomic."""
    step = itertools.count().__next__
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        return step
    lock = threading.Lock()

    def locked() -> int:
        with lock:
            return step()

    return locked
