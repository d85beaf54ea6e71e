"""A circuit breaker that threads and event loops share: what people and other parts do with it.

How calls pass is `calls.py`; when it opens is `agents.policy.breaker`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hms.agents.healing.breaker.calls import BreakerCalls
from hms.agents.healing.breaker.era import read_counts
from hms.agents.healing.breaker.events import (
    BROKEN,
    DISABLED_BY_HAND,
    FORCED,
    HALF_OPENED,
    METRICS_ONLY_BY_HAND,
    OPENED,
    RELEASED,
    RESET,
    RESTORED,
    TORN,
)
from hms.agents.healing.breaker.explanation import Explanation
from hms.agents.healing.breaker.limits import require_legal
from hms.agents.healing.breaker.metrics import BreakerMetrics
from hms.agents.healing.breaker.permit import Permit
from hms.agents.healing.breaker.window import empty_window, refitted
from hms.agents.policy import breaker as decision
from hms.agents.policy.kinds import (
    CLOSED,
    DISABLED,
    FORCED_OPEN,
    HALF_OPEN,
    METRICS_ONLY,
    OPEN,
)
from hms.agents.policy.parameters import BreakerParameters
from hms.errors import ConfigRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from hms.agents.healing.store.records import BreakerRecord

__all__ = ["Breaker", "BreakerMetrics", "Permit"]

OPEN_FOR_MAX_S = 86_400.0  # a Retry-After may say more; it is not believed
NEW_VERDICT_S = 1.0  # peers' due times waver by their clocks; only a later one is news


class Breaker(BreakerCalls):
    """The breaker of one dependency.

    Args:
        dependency: its name, for messages.
        parameters: when it opens, and for how long.
        clock: monotonic.
        draw: a number in [0, 1), one for each decision that may need it.
        listeners: told of each event, in order, without the breaker's lock.
    """

    __slots__ = ()

    def report_calls(self, ok: int, failed: int, slow: int) -> str:
        """Batch door: results of calls that were counted elsewhere; returns the phase.

        They count while closed only; while open or half-open they are late.

        Raises:
            ValueError: a number is negative, or more calls are slow than there are.
        """
        if min(ok, failed, slow) < 0 or slow > ok + failed:
            raise ValueError(f"ok {ok}, failed {failed}, slow {slow}: not counts of calls")
        with self._lock:
            now_s = self.now_s()
            self._catch_up(now_s)
            calls = ok + failed
            self.tally.batch += calls
            if self._state.phase in (OPEN, HALF_OPEN, FORCED_OPEN):
                self.tally.late += calls
            else:
                self.tally.ok += ok
                self.tally.failed += failed
                if calls:
                    before = self._before()
                    decision.record(
                        self._state, self.parameters, self._slots, now_s,
                        float(calls), float(failed), float(slow), self._draw(),
                    )
                    self._after(before, now_s)
                self._look(now_s)
        self._events.hand_on()
        return self.phase

    def reconfigure(self, parameters: BreakerParameters) -> None:
        """Go on under other parameters; phase, counts and an open time's start stay.

        Nothing trips by it: the next result is judged by the new rules.

        Raises:
            ConfigRefused: parameters without a meaning; the old ones hold on.
        """
        require_legal(parameters)
        with self._lock:
            if parameters == self.parameters:
                return
            now_s = self.now_s()
            self._catch_up(now_s)
            self._slots = refitted(self._state, self.parameters, parameters, now_s)
            self.permits_max = max(self.permits_max, self.parameters.half_open_calls)
            self.parameters = parameters
            self.era.shut()  # until that result
            if not parameters.enabled:
                self._look(now_s)

    def force_open(self, holder: str = "operator") -> None:
        """Refuse all calls until everyone who holds it open has released it."""
        with self._lock:
            if holder in self._holders:
                return
            self._holders = (*self._holders, holder)
            if self._state.phase != FORCED_OPEN:
                self._by_hand(FORCED_OPEN)
            self._say(FORCED, self.now_s(), detail=f"held by {holder}")
        self._events.hand_on()

    def release(self, holder: str = "operator") -> bool:
        """Hold it open no longer; closed and empty once nobody does. False: it held nothing."""
        with self._lock:
            if holder not in self._holders:
                return False
            self._holders = tuple(each for each in self._holders if each != holder)
            if not self._holders:
                self._by_hand(CLOSED)
            self._say(RELEASED, self.now_s(), detail=f"by {holder}")
        self._events.hand_on()
        return True

    def disable(self) -> None:
        """Admit all calls and count none of them for a rate, until `reset()`.

        Raises:
            ConfigRefused: somebody holds it open.
        """
        self._switch(DISABLED, DISABLED_BY_HAND)

    def metrics_only(self) -> None:
        """Admit all calls, count, and only say when it would open, until `reset()`.

        Raises:
            ConfigRefused: somebody holds it open.
        """
        self._switch(METRICS_ONLY, METRICS_ONLY_BY_HAND)

    def reset(self) -> None:
        """Closed, with a new window and no openings behind it.

        Raises:
            ConfigRefused: somebody holds it open.
        """
        self._switch(CLOSED, RESET)

    def half_open(self) -> None:
        """Let probes in now, without waiting for the open time to pass.

        Raises:
            ConfigRefused: it is not open.
        """
        with self._lock:
            if self._state.phase != OPEN:
                raise ConfigRefused(
                    f"breaker of `{self.dependency}` is {self.phase}\n    expected: open"
                )
            decision.start_era(self._state, HALF_OPEN)
            self._turn_era()
            self._say(HALF_OPENED, self.now_s(), detail="by hand")
        self._events.hand_on()

    def open_for(self, duration_s: float) -> None:
        """Open at once for a given time; what was held by hand stays as it is.

        Raises:
            ValueError: not a time above 0.
        """
        if not (math.isfinite(duration_s) and duration_s > 0.0):
            raise ValueError(f"open for {duration_s} s\n    expected: a finite time above 0")
        self._open_for(min(duration_s, OPEN_FOR_MAX_S), by_quorum=False)

    def hear_quorum(self, open_until_s: float) -> None:
        """Peers agree that the dependency is ill: open, if closed, until their time is over.

        Args:
            open_until_s: on this breaker's clock; a verdict that was heard before, or is over,
                changes nothing.
        """
        left_s = open_until_s - self.now_s()
        is_news = open_until_s > self.quorum_open + NEW_VERDICT_S
        if self._state.phase == CLOSED and is_news and 0.0 < left_s < math.inf:
            self.quorum_open = open_until_s
            self._open_for(min(left_s, OPEN_FOR_MAX_S), by_quorum=True)

    def explanation(self) -> Explanation:
        """Why a call would be refused now, in figures."""
        with self._lock:
            return self._explained(self.now_s())

    def explain(self) -> str:
        """Why a call would be refused now; empty when it would pass."""
        return str(self.explanation())

    def saved(self) -> BreakerRecord:
        """What a store keeps of it."""
        from hms.agents.healing.breaker.memory import record_of

        with self._lock:
            return record_of(
                self.dependency, self._state, self.now_s(), last_error=self.last_error,
                holders=self._holders, by_quorum=self._by_quorum or bool(self.broken),
            )

    def restore(self, record: BreakerRecord) -> None:
        """Go on from what a store kept; never loosens what this process learned since.

        A record that is torn, or of a kind unknown here, changes nothing and is told.
        """
        from hms.agents.healing.breaker.memory import fault_of, resume

        with self._lock:
            now_s = self.now_s()
            fault = fault_of(record)
            if fault:
                self._say(TORN, now_s, detail=fault)
            else:
                self._catch_up(now_s)
                era = self._state.era
                if resume(self._state, self._slots, record, now_s):
                    self.last_error = self.last_error or record.last_error
                    if self._state.phase == FORCED_OPEN:
                        holders = record.holders or ("operator",)
                        self._holders = tuple(dict.fromkeys((*self._holders, *holders)))
                    self._say(RESTORED, now_s, self._cause(), f"{self.phase}, from a record")
                if self._state.era != era:
                    self._turn_era()
                    self._look(now_s)
        self._events.hand_on()

    def admit_all(self, rule: str) -> None:
        """Its state broke a rule: go on with an empty one that refuses nothing, until `reset()`.

        What somebody holds open stays so. A store keeps nothing of it: a new process starts well.
        """
        with self._lock:
            self._state = decision.BreakerState(
                era=self._state.era, window=empty_window(self._slots)
            )
            self._by_hand(FORCED_OPEN if self._holders else DISABLED)
            self.broken = "" if self._holders else rule
            self._say(BROKEN, self.now_s(), detail=rule)
        self._events.hand_on()

    def stand_aside(self, pipelined: bool) -> None:
        """Whether decorated functions must go through a pipeline, which then asks `admit`."""
        with self._lock:
            self._pipelined = pipelined
            self._set_door()

    def calls_started(self) -> int:
        """How many calls were let in, without the lock."""
        return read_counts([self.starts])[0]

    def tell_next_use(self, told: Callable[[str], None]) -> None:
        """Call `told` with the dependency's name once the breaker is asked again."""
        with self._lock:
            self._on_use = told
            self.era.shut()

    def _switch(self, mode: int, kind: str) -> None:
        with self._lock:
            if self._holders:
                held = ", ".join(self._holders)
                raise ConfigRefused(
                    f"breaker of `{self.dependency}` is held open by {held}\n"
                    "    expected: release() by each of them first"
                )
            self._by_hand(mode)
            self._say(kind, self.now_s())
        self._events.hand_on()

    def _by_hand(self, mode: int) -> None:
        now_s = self.now_s()
        self.broken = ""
        self._fold()
        decision.set_mode(self._state, self._slots, mode, now_s)
        self._turn_era()
        self._look(now_s)

    def _open_for(self, duration_s: float, *, by_quorum: bool) -> None:
        with self._lock:
            now_s = self.now_s()
            self._catch_up(now_s)
            if self._state.phase not in (CLOSED, OPEN, HALF_OPEN) or not self.parameters.enabled:
                return
            decision.open_for(self._state, now_s, duration_s)
            self._turn_era()
            self._by_quorum = by_quorum
            self.tally.opened += 1
            self._detail = f"for {duration_s:.4g} s"
            self._say(OPENED, now_s, self._cause(), self._detail)
        self._events.hand_on()
