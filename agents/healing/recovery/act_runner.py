"""One act: strategies and the ladder's steps in their order, until one succeeds (3.4.2)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hms.agents.healing.actions import HealingAction
from hms.agents.healing.interface import Issue
from hms.agents.healing.recovery import attempts as verdicts
from hms.agents.healing.recovery.act_ledger import ALREADY_DONE, UNDER_WAY
from hms.agents.healing.recovery.attempts import Attempt
from hms.agents.healing.recovery.healing_round import CUT, DONE, RAISED, HealingRound, Outcome
from hms.agents.healing.recovery.ladder import OWN, Preview
from hms.agents.healing.recovery.recovery import (
    DISRUPTIVE,
    LEVELS,
    ROLL_BACK,
    Registered,
    carried_name,
    escalated,
)
from hms.agents.healing.recovery.step_actions import action_of
from hms.agents.healing.recovery.treatment import Treatment, UnderWay
from hms.agents.healing.telemetry.log_lines import say_act, say_attempt
from hms.agents.policy.detection import slo_failing
from hms.agents.policy.guard import FREE, LIMITED, held_back, note_act
from hms.agents.policy.kinds import ACT_NAMES, NO_ACTION, REVERSIBLE
from hms.agents.policy.recovery import act_class

if TYPE_CHECKING:
    from hms.agents.healing.invariants import InvariantWatch
    from hms.agents.healing.standalone import StandaloneSelfHealing
    from hms.agents.policy.component import Act

STORE_LIMIT_S = 1.0  # for noting an intention; a slower store is not waited for
WORDS = {DONE: verdicts.PENDING, CUT: verdicts.UNKNOWN, RAISED: verdicts.FAILED}


@dataclass(slots=True)
class ActRunner:
    """Finds somebody who does something about one issue."""

    host: StandaloneSelfHealing
    watch: InvariantWatch
    treatment: Treatment
    round: HealingRound
    issue: Issue
    kind: int
    _tried: set[str] = field(default_factory=set)

    async def run(self) -> HealingAction | None:
        """The first act that succeeds; None if none did, or none may now."""
        host = self.host
        action = None
        going_on = True
        while going_on and action is None:
            going_on = False
            with host.lock:
                preview = host.ladder.preview(host.clock.now_s())
                queue = self._queue(preview)
            if preview.act.escalate:
                host.escalate(self.issue, ("guard: enough was disrupted",))
            for each in queue:
                if self._is_over() or not self._may_begin(each, preview):
                    return self._resolve_cut(None)
                action = await (
                    self._step(preview) if each is None else self._strategy(each)
                )
                if self.treatment.under_way is not None:
                    return self._resolve_cut(action)
                going_on = each is None  # the ladder has moved on: ask again
                if going_on:
                    break
        return self._resolve_cut(action)

    def _queue(self, preview: Preview) -> list[Registered | None]:
        """Who is asked, in order; None stands for the ladder's step."""
        host, now_s = self.host, self.host.clock.now_s()
        able = host.registry.able(
            self.issue, self.round.passed_over, with_ladder=host.ladder.has_steps(self.kind)
        )
        ready = [
            each
            for each in able
            if each.name not in self._tried
            and (each.trial is None or each.trial.may_begin(self.kind, now_s))
        ]
        floor = self.treatment.floor
        ordered = escalated(host.ordered(self.issue, ready), floor)
        if preview.act.kind == NO_ACTION:
            return [*ordered]
        level = LEVELS[preview.act.kind]
        before = [each for each in ordered if floor < each.level <= level]
        return [*before, None, *(each for each in ordered if each not in before)]

    def _is_over(self) -> bool:
        """Whether the time for this round is used up, and nothing more is begun."""
        if self.round.is_over:
            self.round.attempts.append(f"no time is left of {self.round.timeout_s:g} s")
        return self.round.is_over

    def _may_begin(self, each: Registered | None, preview: Preview) -> bool:
        """Whether acts are done at all: kill switch, shadow mode. The decision is noted once."""
        reason = self.host.held_back_by()
        if not reason:
            return True
        name = self._name(preview.act) if each is None else each.name
        if (self.issue.kind, name) not in self.treatment.decided:
            self.treatment.decided.add((self.issue.kind, name))
            self._note(name, None, reason=reason, verdict=verdicts.DECIDED)
        return False

    def _name(self, act: Act) -> str:
        """Under which name an act of the ladder is recorded."""
        return ROLL_BACK if carried_name(act) == ROLL_BACK else ACT_NAMES[act.kind]

    async def _step(self, preview: Preview) -> HealingAction | None:
        """The ladder's step, done by whoever is its target."""
        host, act = self.host, preview.act
        by = self._name(act)
        carrier = host.registry.carrier_of(act, self.issue, self.round.passed_over)
        begun = UnderWay(by, self.issue, act.issue, LEVELS[act.kind], host.clock.now_s())
        if carrier is None or not await self._claim(begun, ""):
            with host.lock:
                host.ladder.pass_over(preview, host.clock.now_s())
            return None
        disrupts = act_class(act.kind) != REVERSIBLE
        if disrupts:
            self.watch.look_at_guard(preview.guard, preview.limits)
        if self._is_stopped(begun):
            return None
        begun.undo = carrier.undo
        with host.lock:
            host.ladder.begin(preview)
        if self.treatment.under_way is begun:  # by a process that was killed: wait for it
            return None
        if disrupts:
            host.will_disrupt()
        say_act(host.config.component_id, by, self.issue, self.treatment.reason)
        outcome = await self.round.attempt(by, carrier.do, self.issue, act.amount)
        if outcome.end == DONE:
            outcome = dataclasses.replace(outcome, value=action_of(act, outcome.value))
        self._finish(begun, outcome)
        if outcome.end == RAISED:
            with host.lock:
                host.ladder.fail(host.clock.now_s())
        return begun.action

    async def _strategy(self, each: Registered) -> HealingAction | None:
        """A custom strategy, if the guard lets it."""
        host = self.host
        self._tried.add(each.name)
        begun = UnderWay(
            each.name, self.issue, self.kind, each.level, host.clock.now_s(), each.undo, each
        )
        try:
            own = each.key(self.issue)
        except Exception as error:  # noqa: BLE001 - the heal loop outlives its strategies
            host.registry.skipped += 1
            self.round.attempts.append(f"{each.name}: its key raised {error!r}")
            return None
        if each.act_class == DISRUPTIVE and not self._may_disrupt():
            return None
        if not await self._claim(begun, own):
            return None
        if self._is_stopped(begun, own):
            return None
        with host.lock:
            detected = host.ladder.kind == self.kind
            each.standing().begin(self.kind, begun.begun_s, was_detected=detected)
        if self.treatment.under_way is begun:
            return None
        if each.act_class == DISRUPTIVE:
            host.will_disrupt()
        say_act(host.config.component_id, each.name, self.issue, self.treatment.reason)
        outcome = await self.round.attempt(
            each.name, each.strategy.recover, self.issue, own_limit_s=each.limit_s
        )
        if outcome.end == DONE and not isinstance(outcome.value, HealingAction):
            outcome = Outcome(RAISED, None, f"gave back {outcome.value!r}, no healing action")
            self.round.attempts.append(f"{each.name}: {outcome.error}")
        self._finish(begun, outcome)
        if outcome.end == RAISED:
            with host.lock:
                each.standing().fail(host.clock.now_s())
        return begun.action

    def _may_disrupt(self) -> bool:
        """Ask the guard for a disruptive act, and count it."""
        host = self.host
        with host.lock:
            now_s, ladder = host.clock.now_s(), host.ladder
            p = ladder.parameters
            failing = slo_failing(ladder.detection, p.detection, ladder.seen, OWN)
            serving = ladder.seen.replicas - 1.0
            reason = held_back(ladder.guard, p.guard, serving, 0.0, failing, now_s)
            if reason == FREE:
                note_act(ladder.guard, now_s)
        if reason == FREE:
            self.watch.look_at_guard(ladder.guard, p.guard)
            return True
        if reason == LIMITED:
            host.escalate(self.issue, ("guard: enough was disrupted",))
        return False

    async def _claim(self, begun: UnderWay, own: str) -> bool:
        """Note the intention; False: this act is done already, under the same key."""
        ledger = self.host.ledger
        begun.key = ledger.key(self.issue.kind, begun.by, own)
        limit_s = min(STORE_LIMIT_S, self.round.limit_s())
        known = await ledger.begin(begun.key, self.issue.kind, begun.by, limit_s)
        if known == ALREADY_DONE:
            self.round.passed_over.append(f"{begun.by}: done already under its key")
            return False
        if known == UNDER_WAY:
            self.treatment.under_way = begun
            begun.number = self._note(
                begun.by, None, reason="begun before, nobody knows whether it was done",
                verdict=verdicts.UNKNOWN, key=begun.key,
            ).number
        return True

    def _is_stopped(self, begun: UnderWay, own: str = "") -> bool:
        """Whether acts were stopped while the intention was being written: a store may be slow."""
        if self.treatment.under_way is begun:  # by an earlier process: nothing is done here
            return False
        reason = self.host.held_back_by()  # reads the switch anew
        if not reason:
            self.watch.look_before_act(begun.key)
            reason = self.host.held_back_by()  # a broken rule stops the act, too
        if not reason:
            return False
        if own:  # never done: the same key must begin it once acts are allowed again
            self.host.ledger.withdraw(begun.key)
        else:
            self.host.ledger.end(begun.key, self.issue.kind, begun.by)
        self.treatment.decided.add((self.issue.kind, begun.by))
        self._note(
            begun.by, None, reason=reason, verdict=verdicts.DECIDED, key="" if own else begun.key
        )
        return True

    def _finish(self, begun: UnderWay, outcome: Outcome) -> None:
        """Write down how an act ended; if it was done, its effect is waited for."""
        host = self.host
        begun.action = outcome.value if outcome.end == DONE else None
        begun.number = self._note(
            begun.by, begun.action, error=outcome.error, verdict=WORDS[outcome.end], key=begun.key
        ).number
        if outcome.end == DONE:
            self.treatment.under_way = begun
            self.treatment.reason = ""
        elif outcome.end == CUT:
            host.ledger.leave_open(begun.key, self.issue.kind, begun.by)
            self.treatment.cut.append(begun)
        else:
            host.ledger.end(begun.key, self.issue.kind, begun.by)
            host.learn(self.issue.kind, begun.by, helped=False)

    def _resolve_cut(self, action: HealingAction | None) -> HealingAction | None:
        """Acts that were cut off: the last one may still work, unless another was done."""
        host, cut = self.host, self.treatment.cut
        if cut and self.treatment.under_way is None:
            self.treatment.under_way = cut.pop()
        for each in cut:
            with host.lock:
                if each.strategy is not None:
                    each.strategy.standing().fail(host.clock.now_s())
                else:
                    host.ladder.fail(host.clock.now_s())
        cut.clear()
        return action

    def _note(
        self, by: str, action: HealingAction | None, *, error: str = "", reason: str = "",
        verdict: str = verdicts.PENDING, key: str = "",
    ) -> Attempt:
        host = self.host
        why = reason or self.treatment.reason
        with host.lock:
            noted = host.attempts.note(
                Attempt(
                    host.clock.now_s(), self.issue.kind, by, action, error, why, verdict, key=key
                )
            )
        say_attempt(host.config.component_id, noted)
        return noted
