"""The hybrid implementation (4.3), level Advanced.

It shares the standalone core and heals by the policy it is given, which is what an evolved
policy needs. Its level is recorded and reaches a policy's overrides (`where: {level: advanced}`).
"""

from __future__ import annotations

from typing import ClassVar

from hms.agents.healing.config import HealingLevel
from hms.agents.healing.standalone import StandaloneSelfHealing


class HybridSelfHealing(StandaloneSelfHealing):
    """The standalone core at level Advanced."""

    level: ClassVar[HealingLevel] = HealingLevel.ADVANCED
