"""Instances by level (3.3): from the component's id alone, or from a whole configuration."""

from __future__ import annotations

from typing import Any

from hms.agents.healing.a2a import A2ASelfHealing
from hms.agents.healing.config import HealingLevel, UnifiedHealingConfig
from hms.agents.healing.hybrid import HybridSelfHealing
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.healing_policy import HealingPolicy

IMPLEMENTED: dict[HealingLevel, type[StandaloneSelfHealing]] = {
    each.level: each for each in (StandaloneSelfHealing, HybridSelfHealing, A2ASelfHealing)
}


def create_self_healing(
    config: UnifiedHealingConfig, policy: HealingPolicy | None = None, **settings: Any
) -> StandaloneSelfHealing:
    """The instance that a configuration describes.

    Args:
        config: the six fields (6.1).
        policy: parameters and ladders; the defaults act on nothing.
        **settings: clock, draw, wall, kind, criticality, memory_limit_mb, as the
            implementation takes them.
    """
    return IMPLEMENTED[config.level](config, policy, **settings)


def create_basic_self_healing(component_id: str, **settings: Any) -> StandaloneSelfHealing:
    """An instance for a simple component: breakers, thresholds, explicit strategies."""
    return create_self_healing(UnifiedHealingConfig(component_id), **settings)


def create_advanced_self_healing(component_id: str, **settings: Any) -> StandaloneSelfHealing:
    """An instance for an important component."""
    config = UnifiedHealingConfig(component_id, HealingLevel.ADVANCED)
    return create_self_healing(config, **settings)


def create_full_self_healing(component_id: str, **settings: Any) -> StandaloneSelfHealing:
    """An instance for a critical component."""
    config = UnifiedHealingConfig(component_id, HealingLevel.FULL)
    return create_self_healing(config, **settings)
