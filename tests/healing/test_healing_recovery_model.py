"""Registry, heal and verification beside a small model (Hypothesis).

The model knows the strategies by level and priority, what each will do, and which rules hold:
one act at a time, a verdict before the next, lower levels first until something did not help.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from ill_component import ILL, WELL

from hms.agents.healing import (
    Custom,
    HealingAction,
    HealthMetrics,
    Issue,
    NoAction,
    RecoveryLevel,
    create_basic_self_healing,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.recovery.escalation import InProcessSupervisor
from hms.errors import HealingFailed

DOES, RAISES, CANNOT = "does", "raises", "cannot"


@dataclass
class Scripted:
    """A strategy whose behaviour the machine changes."""

    number: int
    rank: RecoveryLevel
    weight: int
    log: list[str]
    mood: str = DOES
    verification_s: float = 5.0
    undone: list[str] = field(default_factory=list)

    def name(self) -> str:
        return f"s{self.number}"

    def can_handle(self, issue: Issue) -> bool:
        return self.mood != CANNOT

    def priority(self) -> int:
        return self.weight

    def level(self) -> RecoveryLevel:
        return self.rank

    async def recover(self, issue: Issue) -> HealingAction:
        self.log.append(self.name())
        if self.mood == RAISES:
            raise OSError("no")
        return Custom(self.name())

    async def undo(self, issue: Issue, action: HealingAction) -> None:
        self.undone.append(issue.kind)


class RecoveryMachine(RuleBasedStateMachine):
    """One instance, up to six strategies, an illness that comes and goes."""

    @initialize(
        given=st.lists(
            st.tuples(st.sampled_from([RecoveryLevel.LOW, RecoveryLevel.MEDIUM]),
                      st.integers(0, 2)),
            min_size=1, max_size=6,
        )
    )
    def build(self, given: list[tuple[RecoveryLevel, int]]) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.supervisor = InProcessSupervisor()
        self.healing = create_basic_self_healing(
            "cart", clock=self.clock, store="memory", supervisor=self.supervisor
        )
        self.log: list[str] = []
        self.strategies = [
            Scripted(number, level, weight, self.log)
            for number, (level, weight) in enumerate(given)
        ]
        for each in self.strategies:
            self.healing.register_strategy(each)
        self.loop.run_until_complete(self.healing.initialize())
        self.heals = 0
        self.answers: list[Any] = []

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.close()

    def second(self, report: HealthMetrics) -> None:
        self.clock.advance(1.0)
        self.healing.report(report)

    @rule(seconds=st.integers(1, 8))
    def fall_ill(self, seconds: int) -> None:
        for _ in range(seconds):
            self.second(ILL)

    @rule(seconds=st.integers(1, 8))
    def be_well(self, seconds: int) -> None:
        for _ in range(seconds):
            self.second(WELL)

    @rule(span_s=st.floats(0.1, 200.0))
    def say_nothing(self, span_s: float) -> None:
        self.clock.advance(span_s)

    @rule(number=st.integers(0, 5), mood=st.sampled_from([DOES, RAISES, CANNOT]))
    def change_mood(self, number: int, mood: str) -> None:
        self.strategies[number % len(self.strategies)].mood = mood

    @rule()
    def heal(self) -> None:
        """What the model says of one heal, whatever went before."""
        was_treating = self.healing.is_treating
        tried_before = len(self.log)
        known = len(self.healing.history)
        has_data = not self.healing.health.is_silent(self.clock.now_s())
        try:
            answer: Any = self.loop.run_until_complete(self.healing.heal())
        except HealingFailed as error:
            answer = error
        self.heals += 1
        self.answers.append(answer)
        tried = self.log[tried_before:]
        made = list(self.healing.history)[known:]
        verdict = was_treating and not self.healing.is_treating
        assert not (tried and was_treating and not self.settled(known)), "an act under another"
        assert not (tried and not has_data), "acted without data"
        if isinstance(answer, Custom):
            assert tried[-1] == answer.details
            assert all(self.of(name).mood == RAISES for name in tried[:-1])
            assert self.healing.is_treating
        elif isinstance(answer, NoAction):
            assert tried == []
        else:
            assert verdict or all(self.of(name).mood == RAISES for name in tried)
        assert [one.by for one in made] == tried
        self.follows_levels(tried)

    def settled(self, known: int) -> bool:
        """Whether what was under way before this heal has its verdict."""
        return known > 0 and self.healing.history[known - 1].verdict not in ("", "unknown")

    def of(self, name: str) -> Scripted:
        return self.strategies[int(name[1:])]

    def follows_levels(self, tried: list[str]) -> None:
        """Within one heal: level, priority and registration, but what is above a floor first."""
        keys = [(each.rank, -each.weight, each.number) for each in map(self.of, tried)]
        falls = sum(later < earlier for earlier, later in itertools.pairwise(keys))
        assert falls <= 1, f"{tried} is in no order"
        assert len(set(tried)) == len(tried)

    @precondition(lambda self: hasattr(self, "healing"))
    @invariant()
    def counts_agree(self) -> None:
        assert [one.by for one in self.healing.history] == self.log
        assert [one.number for one in self.healing.history] == list(range(1, len(self.log) + 1))
        counts = self.healing.action_counts
        done = sum(isinstance(each, Custom) for each in self.answers)
        assert counts["Custom"] == done
        assert counts["NoAction"] == sum(isinstance(each, NoAction) for each in self.answers)

    @precondition(lambda self: hasattr(self, "healing"))
    @invariant()
    def undone_is_what_did_not_help(self) -> None:
        for each in self.strategies:
            mine = [one for one in self.healing.history if one.by == each.name()]
            undone = [one for one in mine if one.undone]
            assert len(undone) == len(each.undone)
            assert all(one.verdict == "ineffective" for one in undone)
            assert all(one.undone for one in mine if one.verdict == "ineffective" and one.action)

    @precondition(lambda self: hasattr(self, "healing"))
    @invariant()
    def at_most_one_act_waits_for_its_verdict(self) -> None:
        open_acts = [
            one for one in self.healing.history if one.action is not None and one.verdict == ""
        ]
        assert len(open_acts) <= 1
        assert bool(open_acts) == self.healing.is_treating


RecoveryMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
TestRecoveryModel = RecoveryMachine.TestCase
