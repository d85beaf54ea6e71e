"""Instances of the higher levels, and time that passes for them."""

from __future__ import annotations

from typing import Any

from ill_component import policy

from hms.agents.healing import (
    HealthMetrics,
    create_advanced_self_healing,
    create_full_self_healing,
)
from hms.agents.healing.a2a import A2ASelfHealing
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.hybrid import HybridSelfHealing
from hms.agents.policy.healing_policy import HealingPolicy


def full(clock: FakeClock, name: str = "cart", **settings: Any) -> A2ASelfHealing:
    return create_full_self_healing(name, clock=clock, store="memory", **settings)


def advanced(clock: FakeClock, **settings: Any) -> HybridSelfHealing:
    return create_advanced_self_healing("cart", clock=clock, store="memory", **settings)


async def live(healing: Any, clock: FakeClock, seconds: int, report: HealthMetrics) -> None:
    """A report and a heal each second."""
    await healing.initialize()
    for _ in range(seconds):
        clock.advance(1.0)
        healing.report(report)
        await healing.heal()


def restart_at_once() -> HealingPolicy:
    return policy(errors=[{"act": "restart"}])
