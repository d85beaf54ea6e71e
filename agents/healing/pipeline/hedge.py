"""A second request before the first has answered; whichever is right first, wins.

For calls that may be made twice only, and paid for from the budget that retries use: hedging
doubles the load of a callee that is slow for everybody. While a breaker is half-open none is
sent, and with `quantile` none before 20 durations are known.

Coroutines: losers are cancelled. Plain functions run in threads, which cannot be stopped:
losers go on, and occupy their place in a bulkhead until they end.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Any

from hms.agents.healing.calls.classification import Errors
from hms.agents.healing.pipeline.retry_budget import RetryBudget
from hms.agents.healing.pipeline.stage import AsyncStep, Step, Surroundings, matcher
from hms.agents.policy.kinds import HALF_OPEN, PHASE_NAMES
from hms.errors import CallRefused, ConfigRefused

SAMPLES_LEAST = 20
SAMPLES_KEPT = 128


class Hedge:
    """A stage that makes up to `max_calls` of one call.

    Args:
        idempotent: must be said, and be True.
        max_calls: the first included.
        delay_s: wait before each further one, in seconds; 0: all at once; None: a further one
            only after a failure.
        quantile: wait as long as this share of the last successes took, instead of `delay_s`.
        on: errors after which a further one is worth it; any other ends all of them.
        budget: of the dependency; else the pipeline's.

    Raises:
        ConfigRefused: not idempotent, or a number makes no sense.
    """

    __slots__ = ("_durations", "_lock", "_on", "budget", "delay_s", "max_calls", "quantile")

    label = "Hedge"

    def __init__(
        self,
        *,
        idempotent: bool,
        max_calls: int = 2,
        delay_s: float | None = None,
        quantile: float | None = None,
        on: Errors = Exception,
        budget: RetryBudget | None = None,
    ) -> None:
        if not idempotent:
            raise ConfigRefused("Hedge: a call that is not idempotent must not be made twice")
        if isinstance(max_calls, bool) or max_calls < 2:
            raise ConfigRefused(f"Hedge: max_calls is {max_calls!r}\n    expected: 2 or more")
        if delay_s is not None and not 0.0 <= delay_s < math.inf:
            raise ConfigRefused(f"Hedge: delay_s is {delay_s!r}\n    expected: seconds, or None")
        if quantile is not None and not (0.0 < quantile < 1.0 and delay_s is None):
            raise ConfigRefused(
                f"Hedge: quantile is {quantile!r}\n    expected: between 0 and 1, and no delay_s"
            )
        self.max_calls = max_calls
        self.delay_s = delay_s
        self.quantile = quantile
        self.budget = budget
        self._on = matcher(on, "Hedge")
        self._durations: deque[float] = deque(maxlen=SAMPLES_KEPT)
        self._lock = threading.Lock()

    def around(self, inner: Step, where: Surroundings) -> Step:
        """Further calls in threads; without a delay one after the other, in the caller's."""
        from hms.agents.healing.pipeline.hedge_threads import hedged

        return hedged(self, inner, where)

    def around_async(self, inner: AsyncStep, where: Surroundings) -> AsyncStep:
        """Further calls as tasks of asyncio."""
        from hms.agents.healing.pipeline.hedge_tasks import hedged_async

        return hedged_async(self, inner, where)

    def pays_from(self, where: Surroundings) -> RetryBudget:
        """Its own budget, else the pipeline's."""
        return self.budget or where.budget

    def wait_s(self) -> float | None:
        """The wait before a further call; None: none by time.

        With a quantile, that of the durations known, by the nearest rank.
        """
        if self.quantile is None:
            return self.delay_s
        with self._lock:
            known = sorted(self._durations)
        if len(known) < SAMPLES_LEAST:
            return None
        return known[min(math.ceil(self.quantile * len(known)) - 1, len(known) - 1)]

    def learn(self, duration_s: float) -> None:
        """A call came back right after so long."""
        if self.quantile is not None:
            with self._lock:
                self._durations.append(duration_s)

    @property
    def knows_too_little(self) -> bool:
        """Whether a quantile is asked of too few durations: then no hedge at all."""
        return self.quantile is not None and len(self._durations) < SAMPLES_LEAST

    def goes_on_after(self, error: BaseException) -> bool:
        """Whether another call is worth it, or this error ends all of them."""
        return not isinstance(error, CallRefused) and self._on(error)


class Race:
    """The calls of one hedged call: how many, and how they failed."""

    __slots__ = ("_hedge", "_where", "budget", "failures", "started")

    def __init__(self, hedge: Hedge, where: Surroundings) -> None:
        """The first call is being made."""
        self._hedge = hedge
        self._where = where
        self.budget = hedge.pays_from(where)
        self.started = 1
        self.failures: list[tuple[int, Exception]] = []

    def may_start(self) -> bool:
        """Whether there is a further call to make; then it is paid for."""
        probing = PHASE_NAMES[HALF_OPEN]
        if self.started >= self._hedge.max_calls:
            return False
        if any(breaker.phase == probing for breaker in self._where.breakers):
            return False
        if not self.budget.take():
            self._where.counts.add("budget_exhausted")
            return False
        self.started += 1
        self._where.counts.add("hedges")
        return True

    def failed(self, number: int, error: BaseException) -> None:
        """Note the failure of call `number`, from 1.

        Raises:
            BaseException: it ends all of them.
        """
        if not isinstance(error, Exception) or not self._hedge.goes_on_after(error):
            raise error
        self.failures.append((number, error))

    def won(self, number: int, value: Any) -> Any:
        """The value of the first right answer."""
        if number > 1:
            self._where.counts.add("hedges_won")
        if id(self._hedge) in self._where.depositors:
            self.budget.succeeded()
        return value

    def lost(self) -> Exception:
        """All failed: the first call's error, the others noted on it."""
        by_number = dict(self.failures)
        error = by_number.pop(1)
        for number, other in sorted(by_number.items()):
            error.add_note(f"hedge {number} failed, too: {other!r}")
        return error
