"""The call path of a breaker: admit, count, judge.

A success that cannot change anything takes no lock (`era.py`). It is folded into the decision, as
one amount with all others of its kind, before the next result that has to be judged. The lock is
never held while the protected call, a judge or a listener runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hms.agents.healing.breaker.core import BreakerCore
from hms.agents.healing.breaker.era import read_counts
from hms.agents.healing.breaker.events import REFUSALS_EVERY_S, REFUSED_CALLS
from hms.agents.healing.breaker.explanation import text_of
from hms.agents.healing.breaker.permit import Permit
from hms.agents.healing.breaker.refusal_note import note_refusal
from hms.agents.policy import breaker as decision
from hms.agents.policy.kinds import CLOSED, HALF_OPEN, OPEN, PASS_AS_PROBE, REFUSED

if TYPE_CHECKING:
    from hms.errors import BreakerOpen

UNASKED_S = 10.0
"""For so long a breaker that is due, and that nobody has closed by calling, is still an illness."""

OK, FAILED, IGNORED, CANCELLED = "ok", "failed", "ignored", "cancelled"


class BreakerCalls(BreakerCore):
    """Admits calls and judges their results; see `Breaker`, which adds what hands can do."""

    __slots__ = ()

    @property
    def counts_as_cut_off(self) -> bool:
        """Whether it is open, or probing, until some time after it was due; changes nothing.

        A dependency that nobody calls stays so for ever, though the next call may pass.
        """
        return self.has_tripped and self.now_s() < self._state.due_s + UNASKED_S

    @property
    def has_tripped(self) -> bool:
        """Whether it is open or tries whether it may close: failures are the dependency's."""
        return self._state.phase in (OPEN, HALF_OPEN)

    def admit(self) -> Permit:
        """Let one call in.

        Raises:
            BreakerOpen: the call must not be made; says why, and when to come again.
        """
        era = self.era
        now_s = self.now_s()
        if now_s < era.admit_until_s:
            ticket = next(self.starts)
            era.flights[ticket] = now_s
            return Permit(era, ticket, now_s)
        return self._admit_slowly()

    def succeeded(self, permit: Permit) -> None:
        """The call came back right; a slow one counts as slow."""
        era = permit.era
        needs_no_lock = self.now_s() < era.until_s and not permit.sampled
        if needs_no_lock and era.flights.pop(permit.ticket, None) is not None:
            next(era.count)
            return
        self._end(permit, OK)

    def failed(
        self, permit: Permit, error: BaseException | None = None, *,
        open_for_s: float | None = None,
    ) -> None:
        """The call failed.

        Args:
            error: how, for messages; only its text is kept.
            open_for_s: the callee said when to come again: open at once, for so long.
        """
        self._end(permit, FAILED, "" if error is None else text_of(error), open_for_s)
        note_refusal(self)

    def ignored(self, permit: Permit, *, cancelled: bool = False) -> None:
        """The call says nothing of its dependency: neutral.

        Args:
            cancelled: it was cut short from outside; if it was slow by then, it counts as slow.
        """
        self._end(permit, CANCELLED if cancelled else IGNORED)

    def park(self, permit: Permit) -> None:
        """Watch the call no more for being slow while under way; its end is judged as ever."""
        started_s = permit.era.take(permit.ticket)
        if started_s is not None:
            permit.era.park(permit.ticket, started_s)

    def count_judge_error(self) -> None:
        """A judge, or a question about an error, raised."""
        with self._lock:
            self.tally.judge_errors += 1

    def let_go(self, permit: Permit) -> None:
        """End a call as ignored, now or with the next one that takes the lock.

        For the garbage collector, which may come to a generator while this very thread holds
        the lock.
        """
        if not self._lock.acquire(blocking=False):
            self._deferred.append(permit)
            return
        try:
            now_s = self.now_s()
            self._catch_up(now_s)
            self._close(permit, IGNORED, "", None, now_s)
        finally:
            self._lock.release()
        self._events.hand_on()

    def _admit_slowly(self) -> Permit:
        refusal: BreakerOpen | None = None
        on_use, self._on_use = self._on_use, None
        with self._lock:
            now_s = self.now_s()
            self._catch_up(now_s)
            answer = self._ask(now_s)
            if answer == REFUSED:
                self._count_refusal(now_s)
                refusal = self._explained(now_s).refusal()
            else:
                era, ticket = self.era, next(self.starts)
                permit = Permit(era, ticket, now_s, answer == PASS_AS_PROBE, sampled=True)
                era.flights[ticket] = now_s
                if permit.probe:
                    era.probes = (*era.probes, permit)
            self._look(now_s)
        self._events.hand_on()
        if on_use is not None:
            on_use(self.dependency)
        if refusal is not None:
            note_refusal()
            try:
                raise refusal
            finally:
                del refusal  # else its traceback and this frame hold each other
        return permit

    def _ask(self, now_s: float) -> int:
        self.era.find_overdue(self._slow_since(now_s))
        before = self._before()
        answer = decision.may_pass(
            self._state, self.parameters, self._slots, now_s, float(len(self.era.overdue)),
            self._draw(),
        )
        self._after(before, now_s)
        return answer

    def _count_refusal(self, now_s: float) -> None:
        self.tally.refused += 1
        self._refused_unsaid += 1
        if now_s >= self._refusals_from_s:
            calls, self._refused_unsaid = self._refused_unsaid, 0
            self._refusals_from_s = now_s + REFUSALS_EVERY_S
            self._say(REFUSED_CALLS, now_s, detail=f"{calls} calls", calls=calls)

    def _end(
        self, permit: Permit, outcome: str, error: str = "", open_for_s: float | None = None
    ) -> None:
        with self._lock:
            self._require_own(permit)
            now_s = self.now_s()
            self._catch_up(now_s)
            self._close(permit, outcome, error, open_for_s, now_s)
        self._events.hand_on()

    def _require_own(self, permit: Permit) -> None:
        """Refuse what no `admit` of this breaker gave out.

        Raises:
            ValueError: it did not.
        """
        known = permit.era is self.era or permit.era in self.eras
        if not known or not 0 <= permit.ticket < read_counts([self.starts])[0]:
            raise ValueError(f"breaker of `{self.dependency}` never gave out this permit")

    def _close(
        self, permit: Permit, outcome: str, error: str, open_for_s: float | None, now_s: float
    ) -> None:
        if permit.era.take(permit.ticket) is None:
            self.tally.double += 1
        elif permit.era is not self.era or permit.lost:
            self.tally.late += 1
        else:
            self._count(permit, outcome, error, now_s - permit.started_s)
            self._judge(permit, outcome, open_for_s, now_s)
            self._look(now_s)

    def _count(self, permit: Permit, outcome: str, error: str, took_s: float) -> None:
        tally = self.tally
        if outcome == FAILED:
            tally.failed += 1
            self.last_error = error
        elif outcome == OK:
            tally.ok += 1
        elif outcome == CANCELLED:
            tally.cancelled += 1
        else:
            tally.ignored += 1
        if permit.sampled and outcome in (OK, FAILED):
            tally.response_s_sum += took_s
            tally.response_samples += 1

    def _judge(
        self, permit: Permit, outcome: str, open_for_s: float | None, now_s: float
    ) -> None:
        """Put one result of the current era before the decision."""
        state, p, failed = self._state, self.parameters, outcome == FAILED
        slow = decision.is_slow(p, now_s - permit.started_s)
        if permit.probe:
            permit.era.probes = tuple(each for each in permit.era.probes if each is not permit)
        if outcome == IGNORED or (outcome == CANCELLED and not slow):
            if permit.probe:
                decision.give_back_probe(state)
            return
        before = self._before()
        if open_for_s is not None and state.phase in (CLOSED, HALF_OPEN) and p.enabled:
            decision.open_for(state, now_s, open_for_s)
        elif permit.probe:
            decision.record_probe(state, p, self._slots, now_s, failed, slow, self._draw())
        else:
            decision.record(
                state, p, self._slots, now_s, 1.0, float(failed), float(slow), self._draw()
            )
        self._after(before, now_s)

    def _catch_up(self, now_s: float) -> None:
        """Fold the successes that nobody judged; lose the probes whose lease is over."""
        self._fold()
        while self._deferred:
            self._close(self._deferred.pop(), IGNORED, "", None, now_s)
        era = self.era
        if not era.probes:
            return
        lease_s = self.parameters.half_open_lease_s
        for permit in sorted(era.probes, key=lambda each: each.started_s):
            end_s = permit.started_s + lease_s
            if self.era is era and now_s >= end_s:
                permit.lost = True  # its own report, should it ever come, is late
                era.probes = tuple(each for each in era.probes if each is not permit)
                before = self._before()
                decision.record_probe(
                    self._state, self.parameters, self._slots, end_s, True, False, self._draw()
                )
                self._after(before, end_s)
