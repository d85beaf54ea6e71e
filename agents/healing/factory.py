"""Instances by level (3.3): from the component's id alone, or from a whole configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from hms.agents.healing.configuration.config import HealingLevel, UnifiedHealingConfig
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.healing_policy import HealingPolicy

if TYPE_CHECKING:
    from pathlib import Path

    from hms.agents.healing.a2a import A2ASelfHealing
    from hms.agents.healing.hybrid import HybridSelfHealing


def implementation(level: HealingLevel) -> type[StandaloneSelfHealing]:
    """The class that belongs to a level; what a process has no instance of, it does not load."""
    if level is HealingLevel.FULL:
        from hms.agents.healing.a2a import A2ASelfHealing

        return A2ASelfHealing
    if level is HealingLevel.ADVANCED:
        from hms.agents.healing.hybrid import HybridSelfHealing

        return HybridSelfHealing
    return StandaloneSelfHealing


def create_self_healing(
    config: UnifiedHealingConfig,
    policy: HealingPolicy | Path | str | None = None,
    **settings: Any,
) -> StandaloneSelfHealing:
    """The instance that a configuration describes.

    Args:
        config: the six fields (6.1).
        policy: parameters and ladders, or the file that holds them; without, the level's own.
        **settings: what the implementation takes: see `HealingInstance`, and for the higher
            levels `A2ASelfHealing` and `HybridSelfHealing`.
    """
    return implementation(config.level)(config, policy, **settings)


def create_basic_self_healing(component_id: str, **settings: Any) -> StandaloneSelfHealing:
    """An instance for a simple component: breakers, thresholds, explicit strategies."""
    return create_self_healing(UnifiedHealingConfig(component_id), **settings)


def create_advanced_self_healing(component_id: str, **settings: Any) -> HybridSelfHealing:
    """An instance for an important component: standalone until an issue is complex."""
    config = UnifiedHealingConfig(component_id, HealingLevel.ADVANCED)
    return cast("HybridSelfHealing", create_self_healing(config, **settings))


def create_full_self_healing(component_id: str, **settings: Any) -> A2ASelfHealing:
    """An instance for a critical component: evolved policy, neighbours, learning."""
    config = UnifiedHealingConfig(component_id, HealingLevel.FULL)
    return cast("A2ASelfHealing", create_self_healing(config, **settings))
