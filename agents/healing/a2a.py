"""The agent-to-agent implementation (4.2), level Full.

It shares the standalone core and heals by the policy it is given; a host (`agents.mac`) steps
it beside the agents of the other components. Its level is recorded and reaches a policy's
overrides (`where: {level: full}`).
"""

from __future__ import annotations

from typing import ClassVar

from hms.agents.healing.config import HealingLevel
from hms.agents.healing.standalone import StandaloneSelfHealing


class A2ASelfHealing(StandaloneSelfHealing):
    """The standalone core at level Full."""

    level: ClassVar[HealingLevel] = HealingLevel.FULL
