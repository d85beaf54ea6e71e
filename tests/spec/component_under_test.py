"""A component that lives second by second with a self-healing instance of some level."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hms.agents.healing import (
    Custom,
    HealingAction,
    HealthMetrics,
    HealthStatus,
    Issue,
    RecoveryLevel,
    UnifiedHealingConfig,
    create_self_healing,
)
from hms.agents.healing.testing import FakeClock
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import HealingFailed

LEVELS = ("Basic", "Advanced", "Full")
WELL = HealthMetrics(10.0, 100.0, 20.0, 0.0, 50.0)
ERRORS = HealthMetrics(10.0, 100.0, 20.0, 50.0, 50.0)
OUT_OF_MEMORY = HealthMetrics(10.0, 990.0, 20.0, 40.0, 50.0)
WALL_S = 1_700_000_000.0


class Component:
    """One component of some level; `healing` is its instance."""

    def __init__(self, level: str, clock: FakeClock, **settings: Any) -> None:
        fields = settings.pop("fields", {})
        given = {"clock": clock, "store": "memory", "wall": lambda: WALL_S + clock.now_s()}
        config = UnifiedHealingConfig.parse({"component_id": "cart", "level": level, **fields})
        self.healing = create_self_healing(config, **{**given, **settings})
        self.clock = clock
        self.failures: list[HealingFailed] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of one of the instance's coroutines."""
        return asyncio.run(work)

    def start(self) -> Component:
        """Initialise."""
        self.run(self.healing.initialize())
        return self

    def live(self, seconds: int, report: HealthMetrics | Callable[[], HealthMetrics]) -> None:
        """A report and a heal each second."""

        async def seconds_by() -> None:
            for _ in range(seconds):
                self.clock.advance(1.0)
                self.healing.report(report if isinstance(report, HealthMetrics) else report())
                try:
                    await self.healing.heal()
                except HealingFailed as error:
                    self.failures.append(error)

        self.run(seconds_by())

    @property
    def status(self) -> HealthStatus:
        """As `check_health` says."""
        found: HealthStatus = self.run(self.healing.check_health())
        return found

    @property
    def done(self) -> list[str]:
        """Who acted, in order."""
        return [each.by for each in self.healing.history]

    @property
    def verdicts(self) -> list[tuple[str, str]]:
        """Who acted, and what became of it."""
        return [(each.by, each.verdict) for each in self.healing.history]


class Does:
    """A custom strategy (5.2) that a test describes.

    Args:
        acts: called when it recovers; what it raises is its failure.
        kind: the issue that it is for; "" for any.
    """

    def __init__(
        self,
        name: str,
        acts: Callable[[], Any] = lambda: None,
        *,
        kind: str = "",
        level: RecoveryLevel = RecoveryLevel.LOW,
        priority: int = 0,
        undo: Callable[[], Any] | None = None,
    ) -> None:
        self._name, self._acts, self._kind = name, acts, kind
        self._level, self._priority = level, priority
        self.asked: list[Issue] = []
        self.verification_s = 3.0
        if undo is not None:

            async def take_back(issue: Issue, action: HealingAction) -> None:
                undo()

            self.undo = take_back

    def name(self) -> str:
        return self._name

    def can_handle(self, issue: Issue) -> bool:
        return not self._kind or issue.kind == self._kind

    async def recover(self, issue: Issue) -> HealingAction:
        self.asked.append(issue)
        self._acts()
        return Custom(self._name)

    def priority(self) -> int:
        return self._priority

    def level(self) -> RecoveryLevel:
        return self._level


def policy_of(document: dict[str, Any]) -> HealingPolicy:
    """A policy from its file's content."""
    found, problems = HealingPolicy.parse({"schema": "hms.policy/1", **document})
    assert found is not None, problems
    return found
