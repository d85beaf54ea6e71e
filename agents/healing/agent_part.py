"""What an agent has beyond a standalone instance: neighbours, and order by experience."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hms.agents.healing.interface import Issue
from hms.agents.healing.neighbours import Neighbours
from hms.agents.healing.recovery.recovery import Registered
from hms.agents.healing.recovery.treatment import Situation

if TYPE_CHECKING:
    from hms.agents.healing.bus import Transport
    from hms.agents.healing.instance import HealingInstance

RESTART_S = 10.0  # that a restart is announced to take


class AgentPart:
    """The agent-to-agent half of an instance; made when it is needed.

    Args:
        host: the instance.
        transport: the bus its neighbours are on.
    """

    def __init__(self, host: HealingInstance, transport: Transport | None) -> None:
        self.host = host
        self.neighbours = Neighbours(host, transport)

    def look_at(self, found: Situation) -> None:
        """Hear and tell."""
        self.neighbours.look_at(found, self.host.clock.now_s())

    def ordered(self, issue: Issue, strategies: list[Registered]) -> list[Registered]:
        """Most effective first within a level; proven useless ones are left out."""
        return self.host.effectiveness.order(issue.kind, strategies)

    def will_disrupt(self) -> None:
        """Tell the neighbours before the component goes away."""
        self.neighbours.will_restart(RESTART_S)
