"""What a breaker holds, and what each of its decisions leads to: eras, events, bounds.

Nothing here compares with a threshold; `agents.policy.breaker` does. Everything is done under
the breaker's lock.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable, Sequence

from hms.agents.healing.breaker.era import Era, forget_unheld, has_one_lock, read_counts
from hms.agents.healing.breaker.events import (
    CLOSED_AGAIN,
    HALF_OPENED,
    OPENED,
    WOULD_OPEN,
    EventLine,
    Listener,
)
from hms.agents.healing.breaker.explanation import QUORUM, Explanation, Seen, figures
from hms.agents.healing.breaker.limits import require_legal
from hms.agents.healing.breaker.metrics import BreakerMetrics, Tally
from hms.agents.healing.breaker.permit import Permit
from hms.agents.healing.breaker.window import (
    empty_window,
    slice_end_s,
    slots_for,
    successes_are_harmless,
    turn_to,
)
from hms.agents.healing.clock import Clock
from hms.agents.policy import breaker as decision
from hms.agents.policy.kinds import (
    CAUSE_NAMES,
    DISABLED,
    FORCED_OPEN,
    HALF_OPEN,
    OPEN,
    PHASE_NAMES,
    REFUSED,
    WINDOW_COUNT,
)
from hms.agents.policy.parameters import BreakerParameters
from hms.agents.policy.window import failed_at, slow_at, total_at

SAMPLE_S = 0.05  # so often the duration of a call is taken, by the moment of its start
REASONS = {OPEN: "open", HALF_OPEN: "probing", FORCED_OPEN: "forced"}
NO_ERAS: list[Era] = []  # stands for the list that most breakers never need
SHUT = Era()
"""The door of a breaker whose calls must all ask: nothing ever enters it."""


class BreakerCore:
    """State, window, era and events of one breaker."""

    __slots__ = (
        "_by_quorum", "_deferred", "_detail", "_draw", "_events", "_holders", "_lock", "_on_use",
        "_pipelined", "_refusals_from_s", "_refused_unsaid", "_slots", "_state", "_turned_s",
        "broken", "dependency", "door", "era", "eras", "last_error", "late_gone", "lock_free",
        "now_s", "ok_before", "parameters", "permits_max", "quorum_open", "starts", "tally",
    )  # fmt: skip

    def __init__(
        self, dependency: str, parameters: BreakerParameters, clock: Clock,
        draw: Callable[[], float], listeners: Sequence[Listener] = (),
    ) -> None:
        """A closed breaker that has seen nothing.

        Raises:
            ConfigRefused: parameters without a meaning, named.
        """
        require_legal(parameters)
        self.dependency = dependency
        self.parameters = parameters
        self.now_s = clock.now_s
        self.last_error = ""
        self.broken = ""  # the rule that its state broke; it admits all since
        self.permits_max = 0  # of older parameters, in this era
        self.lock_free = has_one_lock()
        self.tally = Tally()
        self.starts = itertools.count()
        self._draw = draw
        self._events = EventLine(listeners)
        self._lock = threading.Lock()
        self._slots = slots_for(parameters)
        self._state = decision.BreakerState(window=empty_window(self._slots))
        self._turned_s = self._state.window.start_s = self.now_s()
        self.eras = NO_ERAS  # older ones that calls under way may still report to
        self.ok_before = 0  # unjudged successes of all older eras
        self.late_gone = 0  # and what came late to those that are forgotten
        self._deferred: list[Permit] = []
        self._detail = ""
        self._by_quorum = False
        self._holders: tuple[str, ...] = ()
        self._pipelined = False
        self.quorum_open = 0.0  # until when the peers' verdict holds; 0: there was none
        self._refused_unsaid = 0
        self._refusals_from_s = self._turned_s
        self._on_use: Callable[[str], None] | None = None
        self.era = self.door = Era()
        self._look(self._turned_s)

    def _fold(self) -> None:
        """Tell the decision of the successes since last time; they fell in the slice of then."""
        era = self.era
        count = read_counts([era.count])[0]
        successes = count - era.folded
        if not successes:
            return
        era.folded = count
        p = self.parameters
        if p.window_kind == WINDOW_COUNT:
            successes = min(successes, p.window_calls)  # the window holds no more
        before = self._before()
        decision.record(
            self._state, p, self._slots, self._turned_s, float(successes), 0.0, 0.0, self._draw()
        )
        self._after(before, self._turned_s)

    def _before(self) -> Seen:
        s = self._state
        return Seen(s.phase, s.era, s.breached, s.failed, s.slow)

    def _after(self, before: Seen, now_s: float) -> None:
        """Note what a decision changed: a new era, its event."""
        state, p = self._state, self.parameters
        if state.breached and not before.breached:
            self.tally.would_open += 1
            self._detail = figures(state.cause, before, state, p, 0)
            self._say(WOULD_OPEN, now_s, CAUSE_NAMES[state.cause], self._detail)
        if state.era == before.era:
            return
        overdue = len(self.era.overdue)
        self._turn_era()
        if state.phase == OPEN:
            self.tally.opened += 1
            self._detail = figures(state.cause, before, state, p, overdue)
            self._say(OPENED, now_s, CAUSE_NAMES[state.cause], self._detail)
        elif state.phase == HALF_OPEN:
            self._say(HALF_OPENED, now_s)
        else:
            self._say(CLOSED_AGAIN, now_s)

    def _turn_era(self) -> None:
        """Results of calls let in before count nowhere from here on."""
        old = self.era
        old.shut()
        old.probes = ()
        self.ok_before += old.folded
        if self.eras is NO_ERAS:
            self.eras = []
        self.eras.append(old)
        self.era = Era()
        self._by_quorum = False
        self.permits_max = 0
        self._set_door()
        self.late_gone += forget_unheld(self.eras)

    def _set_door(self) -> None:
        self.door = SHUT if self._pipelined else self.era

    def _say(
        self, kind: str, at_s: float, cause: str = "", detail: str = "", calls: int = 0
    ) -> None:
        self._events.add(kind, self.dependency, at_s, cause, detail, calls)

    def _cause(self) -> str:
        return QUORUM if self._by_quorum else CAUSE_NAMES[self._state.cause]

    def _explained(self, now_s: float) -> Explanation:
        """Why a call is refused; asks the decision on a copy, so that nothing changes."""
        state, p = self._state, self.parameters
        reason = ""
        if p.enabled and state.phase in REASONS:
            copy = dataclasses.replace(state)  # shares the window, which is not turned here
            if decision.may_pass(copy, p, self._slots, now_s, 0.0, 0.0) == REFUSED:
                reason = REASONS[state.phase]
        return Explanation(
            dependency=self.dependency,
            reason=reason,
            left_s=decision.remaining_s(state, now_s) if reason else 0.0,
            cause=self._cause(),
            detail=self._detail,
            last_error=self.last_error,
            era=state.era,
            holders=self._holders,
        )

    def _slow_since(self, now_s: float) -> Callable[[float], bool]:
        p = self.parameters
        return lambda started_s: decision.is_slow(p, now_s - started_s)

    def _look(self, now_s: float) -> None:
        """Say until when calls of this era need not ask, and successes need no judgement."""
        era, p, phase = self.era, self.parameters, self._state.phase
        if not self.lock_free or (phase in REASONS and p.enabled):
            return
        if phase == DISABLED or not p.enabled:
            until_s = float("inf")
        else:
            turn_to(self._state, p, self._slots, now_s)
            era.find_overdue(self._slow_since(now_s))
            self._turned_s = now_s
            if not successes_are_harmless(self._state, p, len(era.overdue)):
                era.shut()
                return
            oldest = era.oldest()
            started_s = now_s if oldest is None else min(oldest[1], now_s)
            until_s = min(
                started_s + p.slow_call_s, slice_end_s(self._state, p, self._slots)
            )
        era.until_s = until_s
        era.admit_until_s = min(until_s, now_s + SAMPLE_S)

    @property
    def phase(self) -> str:
        """Its phase by name; reading changes nothing, so a due breaker still says "open"."""
        return PHASE_NAMES[self._state.phase]

    def metrics(self) -> BreakerMetrics:
        """Counters and window, of one moment."""
        with self._lock:
            now_s = self.now_s()
            self._fold()
            tally, window, p, slots = self.tally, self._state.window, self.parameters, self._slots
            counters = (self.starts, self.era.count, *(era.count for era in self.eras))
            started, passed, *older = read_counts(counters)
            ok = tally.ok + self.ok_before + passed
            late = tally.late + self.late_gone + sum(older) - sum(e.folded for e in self.eras)
            ended = ok + tally.failed + tally.ignored + tally.cancelled + late
            is_slow = self._slow_since(now_s)
            return BreakerMetrics(
                phase=self.phase, admitted=started + tally.batch, ok=ok, failed=tally.failed,
                ignored=tally.ignored, cancelled=tally.cancelled, late=late,
                in_flight=started + tally.batch - ended,
                refused=tally.refused, opened=tally.opened, would_open=tally.would_open,
                double=tally.double, judge_errors=tally.judge_errors,
                listener_errors=self._events.errors, events=self._events.number,
                calls_in_window=total_at(window, p, slots, now_s),
                failed_in_window=failed_at(window, p, slots, now_s),
                slow_in_window=slow_at(window, p, slots, now_s),
                slow_in_flight=self.era.count_overdue(is_slow),
                response_s_sum=tally.response_s_sum, response_samples=tally.response_samples,
            )

    def broken_rule(self) -> int:
        """The number of a rule that it breaks (`agents.policy.invariants`); 0: none."""
        from hms.agents.policy.invariants import breaker_rule, tally_rule

        with self._lock:
            rule = breaker_rule(
                self._state, self.parameters, self._slots, float(self.permits_max)
            )
        if rule:
            return rule
        m = self.metrics()
        return tally_rule(
            float(m.admitted), float(m.ok), float(m.failed), float(m.ignored),
            float(m.cancelled), float(m.late), float(m.in_flight),
        )
