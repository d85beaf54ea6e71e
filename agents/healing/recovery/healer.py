"""Healing, one act at a time: judge the last one, take it back if it did not help, do the next.

What is decided (is it time, did it help, may it disrupt) the policy's functions decide; this
file asks them in order and writes down what they say (8.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hms.agents.healing.actions import HealingAction, NoAction
from hms.agents.healing.interface import Issue
from hms.agents.healing.recovery import attempts as verdicts
from hms.agents.healing.recovery.act_runner import ActRunner
from hms.agents.healing.recovery.healing_round import DONE, HealingRound
from hms.agents.healing.recovery.treatment import Situation, Treatment, UnderWay
from hms.agents.healing.telemetry.log_lines import say_attempt
from hms.agents.policy.kinds import DEPENDENCY, EFFECTIVE, INCONCLUSIVE, INEFFECTIVE, UNDECIDED
from hms.agents.policy.recovery import CALM_S

if TYPE_CHECKING:
    from hms.agents.healing.invariants import InvariantWatch
    from hms.agents.healing.standalone import StandaloneSelfHealing

WORDS = {
    EFFECTIVE: verdicts.EFFECTIVE,
    INEFFECTIVE: verdicts.INEFFECTIVE,
    INCONCLUSIVE: verdicts.INCONCLUSIVE,
}


@dataclass(slots=True)
class Healer:
    """Heals one instance; `heal()` there sees to it that only one run is under way."""

    host: StandaloneSelfHealing
    watch: InvariantWatch
    abandoned: int = 0  # strategies that did not stop when they were cut off
    treatment: Treatment = field(default_factory=Treatment)

    async def once(self) -> HealingAction:
        """Judge the last act, and take at most one.

        Raises:
            HealingFailed: something was tried, or has been found not to help, and nothing
                else worked.
        """
        host = self.host
        self.watch.look()
        healing_round = HealingRound(host.config.healing_timeout)
        healing_round.start()
        with host.lock:
            now_s = host.clock.now_s()
            found = host.situation(now_s)
            verdict = self._judge(found, now_s)
        if verdict != UNDECIDED:
            await self._settle(verdict, healing_round)
        host.look_at(found)
        action = None
        if self._wants_act(found) and found.issue is not None:
            runner = ActRunner(
                host, self.watch, self.treatment, healing_round, found.issue, found.kind
            )
            action = await runner.run()
            self.abandoned += healing_round.abandoned
            if action is None:
                self._give_up(found.issue, found.kind, healing_round)
        answer = action or NoAction()
        host.attempts.count(answer)
        return answer

    def _wants_act(self, found: Situation) -> bool:
        """Whether an act may be thought of: without reports there is no reason for one."""
        waiting = self.treatment.under_way is not None or self.host.ladder.is_waiting
        return found.has_data and self.host.config.auto_healing_enabled and not waiting

    def _judge(self, found: Situation, now_s: float) -> int:
        """The verdict on the act under way; each strategy sees which illness there is."""
        host, last = self.host, self.treatment.under_way
        data = last is None or (found.is_fresh and found.reported_s > last.begun_s)
        if last is not None and last.kind == DEPENDENCY and last.strategy is not None:
            data = data or not last.strategy.standing().was_detected  # its breaker tells
        if last is not None and last.kind == DEPENDENCY and host.dependencies.awaits_a_call():
            data = False  # well, or not asked
        told = host.ladder.judge(now_s, has_data=data)
        for each in host.registry.strategies:
            if each.trial is not None:
                each.trial.see(found.kind, now_s)
        if self.treatment.is_calm(found.kind, now_s, CALM_S):
            self.treatment.start_anew()
            host.forget_escalations()
        if told.escalate and found.issue is not None:
            host.escalate(found.issue, ("the ladder: no step is left",))
        if last is None:
            return UNDECIDED
        if last.strategy is None:
            return told.settled
        return last.strategy.standing().judge(found.kind, host.ladder, now_s, has_data=data)

    async def _settle(self, verdict: int, healing_round: HealingRound) -> None:
        """Write the verdict down; an act that did not help is taken back."""
        host, last = self.host, self.treatment.under_way
        if last is None:
            return
        self.treatment.under_way = None
        host.ledger.end(last.key, last.issue.kind, last.by)
        word = WORDS[verdict]
        undone = False
        if word != verdicts.INCONCLUSIVE:
            host.learn(last.issue.kind, last.by, helped=word == verdicts.EFFECTIVE)
        if word == verdicts.INEFFECTIVE:
            self.treatment.floor = max(self.treatment.floor, last.level)
            taken_back, undone = await self._undo(last, healing_round)
            self.treatment.reason = f"{last.by} did not help{taken_back}"
            healing_round.attempts.append(f"{last.by}: did not help{taken_back}")
        with host.lock:
            settled = host.attempts.settle(last.number, word, undone=undone)
        if settled is not None:
            say_attempt(host.config.component_id, settled)

    async def _undo(self, last: UnderWay, healing_round: HealingRound) -> tuple[str, bool]:
        """Take an act back where it says how: what to say about it, whether it was."""
        wanted = self.host.ladder.parameters.recovery.verification.undo
        if last.undo is None or last.action is None or not wanted:
            return "", False
        held_back = self.host.held_back_by()
        if held_back:
            return f", not undone: {held_back}", False
        outcome = await healing_round.attempt(
            f"undo {last.by}", last.undo, last.issue, last.action
        )
        if outcome.end == DONE:
            return ", undone", True
        return f", undoing it failed ({outcome.error})", False

    def _give_up(self, issue: Issue, kind: int, healing_round: HealingRound) -> None:
        """Say once that this needs someone else, if nothing was done and nothing is left."""
        host = self.host
        if healing_round.attempts:
            host.escalate(issue, tuple(healing_round.attempts))
            raise healing_round.failure()
        if host.ladder.is_suspected:  # what it really is will be known in a moment
            return
        if self.treatment.under_way is None and host.has_nothing_left(issue, kind):
            nobody = ("nobody here can handle it",)
            host.escalate(issue, tuple(healing_round.passed_over) or nobody)
