"""What a step of the ladder did, in the specification's words (7.3)."""

from __future__ import annotations

from hms.agents.healing.actions import (
    ConfigAdjusted,
    Custom,
    FallbackActivated,
    HealingAction,
    ReconnectionAttempted,
    ResourcesScaled,
    Restarted,
)
from hms.agents.policy.component import Act
from hms.agents.policy.kinds import ADJUST, FALLBACK, RECONNECT, RESTART, SCALE, TARGET_NAMES


def action_of(act: Act, result: object) -> HealingAction:
    """What was done; a target may say so itself."""
    if isinstance(result, HealingAction):
        return result
    if act.kind == RESTART:
        return Restarted()
    if act.kind == RECONNECT:
        return ReconnectionAttempted(success=result is not False)
    if act.kind == ADJUST:
        return ConfigAdjusted(f"{TARGET_NAMES[act.target]} = {act.amount:g}")
    if act.kind == SCALE:
        return ResourcesScaled(f"{act.amount:g} more replicas")
    if act.kind == FALLBACK:
        return FallbackActivated(f"for {act.amount:g} s")
    return Custom("roll_back" if act.target == 0 else "custom")
