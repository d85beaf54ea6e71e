"""The hybrid implementation (4.3), level Advanced.

It starts as a standalone instance does and costs as little. When an issue is complex (several
symptoms, nothing left to try, the same again and again) it makes its agent-to-agent part, which
goes on with evolved ladders, with experience and with the neighbours; when all has been calm
for a minute it hands back, and lets that part go.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from hms.agents.healing.agent_part import AgentPart
from hms.agents.healing.breaker.events import BreakerEvent
from hms.agents.healing.bus import Transport
from hms.agents.healing.complexity import Complexity
from hms.agents.healing.configuration.config import HealingLevel
from hms.agents.healing.default_policy import evolved_policy
from hms.agents.healing.interface import Issue
from hms.agents.healing.learning.incidents import IncidentBook
from hms.agents.healing.learning.optimizer import (
    ADVANCED,
    Budget,
    Optimizer,
    ProcessOptimizer,
    Tuning,
)
from hms.agents.healing.recovery.recovery import Registered
from hms.agents.healing.recovery.treatment import Situation
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.recovery import RecoveryState

INCIDENTS_KEPT = 50


class HybridSelfHealing(StandaloneSelfHealing):
    """An instance at level Advanced.

    Args:
        bus, optimizer, budget: of its agent-to-agent part; see `A2ASelfHealing`.
        evolved: the policy whose ladders that part uses; the level's own if not given.

    The other arguments: see `HealingInstance`.

    Attributes:
        agent: the agent-to-agent part, None while the standalone one heals.
        why_complex: why it was handed over the last time.
        hand_overs: how often it was.
    """

    level: ClassVar[HealingLevel] = HealingLevel.ADVANCED

    def __init__(
        self,
        *given: Any,
        bus: Transport | None = None,
        optimizer: Optimizer | None = None,
        budget: Budget = ADVANCED,
        evolved: HealingPolicy | None = None,
        **settings: Any,
    ) -> None:
        """Build an instance that is not yet initialised."""
        super().__init__(*given, **settings)
        self.bus = bus
        self.tuning = Tuning(self, optimizer or ProcessOptimizer(), budget)
        self.incidents = IncidentBook(INCIDENTS_KEPT)
        self.attempts.listeners.append(self.incidents.note)
        self.agent: AgentPart | None = None
        self.why_complex = ""
        self.hand_overs = 0
        self._evolved = evolved
        self._complexity = Complexity()
        self.dependencies.listen(self._breaker_event)

    @property
    def optimizer(self) -> Optimizer:
        """Who makes its policy better."""
        return self.tuning.optimizer

    def look_at(self, found: Situation) -> None:
        """Keep the incident, and choose which part heals."""
        self.keep_incident(found)
        now_s = self.clock.now_s()
        book = self.incidents
        incident = book.current if book is not None else None
        exhausted = found.issue is not None and self.has_nothing_left(found.issue, found.kind)
        reason = self._complexity.reason(incident, exhausted, now_s)
        calm = self._complexity.is_calm(found.issue is None, now_s)
        if self.agent is None and reason and not self.is_treating:
            self._hand_over(reason)
        elif self.agent is not None and calm and not self.is_treating:
            self._hand_back()
        if self.agent is not None:
            self.agent.look_at(found)

    def ladder_policy(self) -> HealingPolicy:
        """The instance's own ladders; in the hands of the agent, the evolved ones above them."""
        if self.agent is None:
            return self.policy
        evolved = self._evolved or evolved_policy(self.level)
        ladders = {**self.policy.recovery, **evolved.recovery}
        return dataclasses.replace(self.policy, recovery=ladders)

    def ordered(self, issue: Issue, strategies: list[Registered]) -> list[Registered]:
        """As declared; in the hands of the agent, by experience."""
        return strategies if self.agent is None else self.agent.ordered(issue, strategies)

    def will_disrupt(self) -> None:
        """Tell the neighbours, if the agent heals."""
        if self.agent is not None:
            self.agent.will_disrupt()

    async def after_round(self) -> None:
        """Ask the lab when enough has happened, whichever part heals."""
        await self.tuning.run_if_due()

    def _hand_over(self, reason: str) -> None:
        self.why_complex = reason
        self.hand_overs += 1
        self.agent = AgentPart(self, self.bus)
        self._use_ladders()

    def _hand_back(self) -> None:
        if self.agent is not None:
            self.agent.neighbours.let_go()
        self.agent = None
        self._use_ladders()

    def _use_ladders(self) -> None:
        """Go on with the ladders of whoever heals now, from their first steps."""
        with self.lock:
            held = self.configuration.in_force
            self.ladder.parameters = held.of_component(self.ladder_policy(), self.where)
            self.ladder.recovery = RecoveryState()

    def _breaker_event(self, event: BreakerEvent) -> None:
        if self.agent is not None:
            self.agent.neighbours.breaker_event(event)
