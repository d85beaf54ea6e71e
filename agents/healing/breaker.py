"""A circuit breaker that threads share: locks, eras, leases and counters around the decision.

Nothing here compares with a threshold; `agents.policy.breaker` does. This file keeps what a
decision must not know: which calls are under way, when each started, and one lock that is
never held while the protected call runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from hms.agents.healing.clock import Clock
from hms.agents.policy import breaker as decision
from hms.agents.policy.kinds import (
    CAUSE_NAMES,
    CLOSED,
    FORCED_OPEN,
    HALF_OPEN,
    METRICS_ONLY,
    OPEN,
    PASS_AS_PROBE,
    PHASE_NAMES,
    REFUSED,
    WINDOW_TIME,
)
from hms.agents.policy.parameters import BreakerParameters
from hms.agents.policy.window import WindowState, failed_at, slow_at, total_at, transfer
from hms.errors import BreakerOpen

TIME_SLICES = 10


@dataclass(slots=True)
class Permit:
    """One call that was let in; hand it back to the breaker exactly once."""

    era: int
    started_s: float
    probe: bool
    returned: bool = False


@dataclass(frozen=True, slots=True)
class BreakerMetrics:
    """Counters since the start; admitted = ok + failed + ignored + late + in_flight.

    `calls_in_window`, `failed_in_window` and `slow_in_window` are what the rates rest on.
    """

    phase: str
    admitted: int
    ok: int
    failed: int
    ignored: int
    late: int
    in_flight: int
    refused: int
    opened: int
    double: int
    calls_in_window: float
    failed_in_window: float
    slow_in_window: float


@dataclass(slots=True)
class Counters:
    """What happened since the start, in calls."""

    admitted: int = 0
    ok: int = 0
    failed: int = 0
    ignored: int = 0
    late: int = 0
    refused: int = 0
    opened: int = 0
    double: int = 0


@dataclass(slots=True)
class Breaker:
    """The breaker of one dependency.

    Args:
        dependency: its name, for messages.
        parameters: when it opens, and for how long.
        clock: monotonic.
        draw: a number in [0, 1), one for each decision that may need it.
    """

    dependency: str
    parameters: BreakerParameters
    clock: Clock
    draw: Callable[[], float]
    counters: Counters = field(default_factory=Counters)
    last_error: str = ""
    _slots: int = 0
    _state: decision.BreakerState = field(default_factory=decision.BreakerState)
    _under_way: dict[int, Permit] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """A window of the size that the parameters ask for."""
        self._slots = slots_for(self.parameters)
        self._state.window = empty_window(self._slots)
        self._state.window.start_s = self.clock.now_s()

    def admit(self) -> Permit:
        """Let one call in.

        Raises:
            BreakerOpen: the call must not be made; says why, and when to come again.
        """
        with self._lock:
            now_s = self.clock.now_s()
            self._lose_expired_probes(now_s)
            answer = self._decided(
                lambda: decision.may_pass(
                    self._state, self.parameters, self._slots, now_s,
                    self._slow_in_flight(now_s), self.draw(),
                )
            )
            if answer == REFUSED:
                self.counters.refused += 1
                left_s = decision.remaining_s(self._state, now_s)
                raise BreakerOpen(
                    self._reason(now_s), dependency=self.dependency, retry_after_s=left_s
                )
            permit = Permit(self._state.era, now_s, answer == PASS_AS_PROBE)
            self._under_way[id(permit)] = permit
            self.counters.admitted += 1
            return permit

    def succeeded(self, permit: Permit) -> None:
        """The call came back right; a slow one counts as slow."""
        self._end(permit, failed=False)

    def failed(self, permit: Permit, error: BaseException | None = None) -> None:
        """The call failed."""
        self._end(permit, failed=True, error=error)

    def ignored(self, permit: Permit) -> None:
        """The call says nothing of its dependency (cancelled, refused behind it): neutral."""
        with self._lock:
            if not self._take_back(permit):
                return
            if permit.era != self._state.era:
                self.counters.late += 1
                return
            self.counters.ignored += 1
            if permit.probe:
                decision.give_back_probe(self._state)

    def report_calls(self, ok: int, failed: int, slow: int) -> str:
        """Batch door: results of calls that were counted elsewhere; returns the phase.

        They count while closed only; while open or half-open they are late.

        Raises:
            ValueError: a number is negative, or more calls are slow than there are.
        """
        if min(ok, failed, slow) < 0 or slow > ok + failed:
            raise ValueError(f"ok {ok}, failed {failed}, slow {slow}: not counts of calls")
        with self._lock:
            calls = ok + failed
            self.counters.admitted += calls
            if self._state.phase in (OPEN, HALF_OPEN, FORCED_OPEN):
                self.counters.late += calls
                return self.phase
            self.counters.ok += ok
            self.counters.failed += failed
            if calls:
                self._record(float(calls), float(failed), float(slow))
            return self.phase

    def reconfigure(self, parameters: BreakerParameters) -> None:
        """Go on under other parameters; phase, counts and an open time's start stay."""
        with self._lock:
            now_s = self.clock.now_s()
            slots = slots_for(parameters)
            old, window = self.parameters, self._state.window
            if slots != self._slots and old.window_kind == parameters.window_kind:
                self._state.window = empty_window(slots)
                transfer(self._state.window, parameters, slots, window, self._slots)
            elif slots != self._slots:
                self._state.window = empty_window(slots)
                self._state.window.start_s = now_s
            decision.reconfigure(self._state, old, parameters, slots, now_s)
            self.parameters, self._slots = parameters, slots

    def set_mode(self, mode: int) -> None:
        """By hand: FORCED_OPEN, DISABLED, METRICS_ONLY; CLOSED releases and starts anew."""
        with self._lock:
            decision.set_mode(self._state, self._slots, mode, self.clock.now_s())

    @property
    def phase(self) -> str:
        """Its phase by name; reading changes nothing, so a due breaker still says "open"."""
        return PHASE_NAMES[self._state.phase]

    def explain(self) -> str:
        """Why a call would be refused now; empty when it would pass."""
        with self._lock:
            now_s = self.clock.now_s()
            due = decision.remaining_s(self._state, now_s) <= 0.0
            full = self._state.admitted + 1.0 > float(self.parameters.half_open_calls)
            if self._state.phase == HALF_OPEN and full:
                return self._reason(now_s)
            if self._state.phase in (OPEN, FORCED_OPEN) and not due:
                return self._reason(now_s)
            return ""

    def metrics(self) -> BreakerMetrics:
        """Counters and window, of one moment."""
        with self._lock:
            now_s = self.clock.now_s()
            window, p, slots = self._state.window, self.parameters, self._slots
            each = self.counters
            return BreakerMetrics(
                phase=self.phase,
                admitted=each.admitted,
                ok=each.ok,
                failed=each.failed,
                ignored=each.ignored,
                late=each.late,
                in_flight=len(self._under_way),
                refused=each.refused,
                opened=each.opened,
                double=each.double,
                calls_in_window=total_at(window, p, slots, now_s),
                failed_in_window=failed_at(window, p, slots, now_s),
                slow_in_window=slow_at(window, p, slots, now_s),
            )

    def _end(self, permit: Permit, *, failed: bool, error: BaseException | None = None) -> None:
        with self._lock:
            if not self._take_back(permit):
                return
            now_s = self.clock.now_s()
            self._lose_expired_probes(now_s)
            if permit.era != self._state.era:
                self.counters.late += 1
                return
            if failed:
                self.counters.failed += 1
                self.last_error = repr(error) if error is not None else ""
            else:
                self.counters.ok += 1
            slow = decision.is_slow(self.parameters, now_s - permit.started_s)
            if permit.probe:
                self._record_probe(now_s, failed=failed, slow=slow)
            else:
                self._record(1.0, float(failed), float(slow))

    def _take_back(self, permit: Permit) -> bool:
        """Whether the permit was still out; a second return is counted and does nothing."""
        if permit.returned:
            self.counters.double += 1
            return False
        permit.returned = True
        del self._under_way[id(permit)]
        return True

    def _record(self, calls: float, failed: float, slow: float) -> None:
        self._decided(
            lambda: decision.record(
                self._state, self.parameters, self._slots, self.clock.now_s(),
                calls, failed, slow, self.draw(),
            )
        )

    def _record_probe(self, now_s: float, *, failed: bool, slow: bool) -> None:
        self._decided(
            lambda: decision.record_probe(
                self._state, self.parameters, self._slots, now_s, failed, slow, self.draw()
            )
        )

    def _decided(self, decide: Callable[[], int]) -> int:
        """Take one decision; count an opening that it led to."""
        before = self._state.phase
        answer = decide()
        if self._state.phase == OPEN and before in (CLOSED, HALF_OPEN, METRICS_ONLY):
            self.counters.opened += 1
        return answer

    def _lose_expired_probes(self, now_s: float) -> None:
        """A probe that is not back by the end of its lease has failed, then, not now."""
        if self._state.phase != HALF_OPEN:
            return
        lease_s = self.parameters.half_open_lease_s
        era = self._state.era
        probes = [p for p in self._under_way.values() if p.probe and p.era == era]
        for permit in sorted(probes, key=lambda each: each.started_s):
            end_s = permit.started_s + lease_s
            if self._state.era == era and now_s >= end_s:
                permit.era = -1  # its own report, should it ever come, is late
                self._record_probe(end_s, failed=True, slow=False)

    def _slow_in_flight(self, now_s: float) -> float:
        """Calls of this era under way that are past the slow limit already."""
        count = 0
        for permit in self._under_way.values():  # in the order of their starts
            if not decision.is_slow(self.parameters, now_s - permit.started_s):
                break
            count += permit.era == self._state.era
        return float(count)

    def _reason(self, now_s: float) -> str:
        state = self._state
        name = f"breaker of `{self.dependency}`"
        if state.phase == FORCED_OPEN:
            return f"{name} is forced open, by hand"
        cause = CAUSE_NAMES[state.cause]
        last = f"; last error {self.last_error}" if self.last_error else ""
        if state.phase == HALF_OPEN:
            return f"{name} is probing ({cause} before): its probes are under way{last}"
        left_s = decision.remaining_s(state, now_s)
        return f"{name} is open: {cause}; next probe in {left_s:.3g} s{last}"


def slots_for(parameters: BreakerParameters) -> int:
    """Slots of the runtime's window: one for each call and one being filled, or ten slices."""
    if parameters.window_kind == WINDOW_TIME:
        return TIME_SLICES
    return parameters.window_calls + 1


def empty_window(slots: int) -> WindowState:
    """An empty window of so many slots."""
    return WindowState(calls=[0.0] * slots, fails=[0.0] * slots, slows=[0.0] * slots)
