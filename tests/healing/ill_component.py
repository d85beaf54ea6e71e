"""A component that falls ill, and strategies that do what a test tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hms.agents.healing import (
    HealingAction,
    HealthMetrics,
    Issue,
    NoAction,
    ReconnectionAttempted,
    RecoveryLevel,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.healing_policy import HealingPolicy

Build = Callable[..., StandaloneSelfHealing]
ILL = HealthMetrics(error_rate_percent=50.0, response_time_ms=20.0, throughput_rps=100.0)
WELL = HealthMetrics(error_rate_percent=0.0, response_time_ms=20.0, throughput_rps=100.0)


def policy(**recovery: list[dict[str, Any]]) -> HealingPolicy:
    found, problems = HealingPolicy.parse({"schema": "hms.policy/1", "recovery": recovery})
    assert found is not None, problems
    return found


LADDER = {
    "errors": [
        {"act": "reconnect", "patience_s": 3.0},
        {"act": "restart", "patience_s": 20.0},
    ]
}


class Strategy:
    """A custom strategy that does what a test tells it."""

    def __init__(
        self,
        name: str,
        does: Callable[[], Coroutine[Any, Any, HealingAction]],
        level: RecoveryLevel = RecoveryLevel.LOW,
        priority: int = 0,
        able: Callable[[Issue], bool] = lambda issue: True,
    ) -> None:
        self._name, self._does, self._level = name, does, level
        self._priority, self._able = priority, able
        self.asked: list[Issue] = []

    def name(self) -> str:
        return self._name

    def can_handle(self, issue: Issue) -> bool:
        return self._able(issue)

    async def recover(self, issue: Issue) -> HealingAction:
        self.asked.append(issue)
        return await self._does()

    def priority(self) -> int:
        return self._priority

    def level(self) -> RecoveryLevel:
        return self._level


async def succeed() -> HealingAction:
    return ReconnectionAttempted(True)


async def fail() -> HealingAction:
    raise OSError("no route")


async def hang() -> HealingAction:
    await asyncio.Event().wait()
    return NoAction()


async def fall_ill(healing: StandaloneSelfHealing, clock: FakeClock, reports: int = 4) -> None:
    await healing.initialize()
    for _ in range(reports):
        clock.advance(1.0)
        healing.report(ILL)
