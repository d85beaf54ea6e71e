"""The agent-to-agent implementation (4.2), level Full.

It heals by an evolved policy, talks with its neighbours over a transport, keeps its incidents,
asks first what has helped before, and lets the lab make its policy better.
"""

from __future__ import annotations

from typing import Any, ClassVar

from hms.agents.healing.agent_part import AgentPart
from hms.agents.healing.breaker.events import BreakerEvent
from hms.agents.healing.bus import Transport
from hms.agents.healing.configuration.config import HealingLevel
from hms.agents.healing.interface import Issue
from hms.agents.healing.learning.incidents import IncidentBook
from hms.agents.healing.learning.optimizer import FULL, Budget, Optimizer, ProcessOptimizer, Tuning
from hms.agents.healing.recovery.recovery import Registered
from hms.agents.healing.recovery.treatment import Situation
from hms.agents.healing.standalone import StandaloneSelfHealing

INCIDENTS_KEPT = 200


class A2ASelfHealing(StandaloneSelfHealing):
    """An instance at level Full.

    Args:
        bus: the transport to its neighbours; without, nobody is told and nobody heard.
        optimizer: who makes its policy better; the lab, if it is installed.
        budget: what one search may cost.

    The other arguments: see `HealingInstance`.
    """

    level: ClassVar[HealingLevel] = HealingLevel.FULL

    def __init__(
        self,
        *given: Any,
        bus: Transport | None = None,
        optimizer: Optimizer | None = None,
        budget: Budget = FULL,
        **settings: Any,
    ) -> None:
        """Build an instance that is not yet initialised."""
        super().__init__(*given, **settings)
        self.bus = bus
        self.incidents = IncidentBook(INCIDENTS_KEPT)
        self.attempts.listeners.append(self.incidents.note)
        self.agent = AgentPart(self, bus)
        self.tuning = Tuning(self, optimizer or ProcessOptimizer(), budget)
        self.dependencies.listen(self._breaker_event)

    @property
    def optimizer(self) -> Optimizer:
        """Who makes its policy better."""
        return self.tuning.optimizer

    def look_at(self, found: Situation) -> None:
        """Keep the incident; hear and tell."""
        self.keep_incident(found)
        self.agent.look_at(found)

    def ordered(self, issue: Issue, strategies: list[Registered]) -> list[Registered]:
        """By experience."""
        return self.agent.ordered(issue, strategies)

    def will_disrupt(self) -> None:
        """Tell the neighbours."""
        self.agent.will_disrupt()

    async def after_round(self) -> None:
        """Ask the lab when enough has happened."""
        await self.tuning.run_if_due()

    def _breaker_event(self, event: BreakerEvent) -> None:
        self.agent.neighbours.breaker_event(event)
