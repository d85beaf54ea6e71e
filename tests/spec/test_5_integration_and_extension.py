"""Section 5: how a component integrates self-healing, and its own strategies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from component_under_test import ERRORS, WELL, Component, Does

from hms.agents.healing import (
    Custom,
    HealingAction,
    HealthMetrics,
    Issue,
    RecoveryLevel,
    RecoveryStrategy,
    create_basic_self_healing,
)
from hms.agents.healing.testing import FakeClock, run

Build = Callable[..., Component]


def test_5_1_a_component_creates_initialises_reports_checks_and_is_healed(
    clock: FakeClock,
) -> None:
    """The five steps in order; the instance's own loop does the checking and healing."""
    ill = [True]

    async def service() -> list[str]:
        healing = create_basic_self_healing("my-component", clock=clock, store="memory")
        healing.register_strategy(Does("repair", ill.clear))
        async with healing:
            for _ in range(40):
                await asyncio.sleep(0.5)
                healing.report(ERRORS if ill else WELL)
            assert (await healing.check_health()).is_healthy
        return [f"{each.by}: {each.verdict}" for each in healing.history]

    assert run(service(), clock) == ["repair: effective"]


class CustomStrategy:
    """The specification's example, 5.2, in Python."""

    def name(self) -> str:
        return "custom-strategy"

    def can_handle(self, issue: Issue) -> bool:
        return issue.kind == "errors"

    async def recover(self, issue: Issue) -> HealingAction:
        return Custom("component-specific recovery")

    def priority(self) -> int:
        return 10

    def level(self) -> RecoveryLevel:
        return RecoveryLevel.MEDIUM


def test_5_2_the_specifications_strategy_is_one_and_is_used(component: Build) -> None:
    strategy = CustomStrategy()
    assert isinstance(strategy, RecoveryStrategy)
    cart = component()
    cart.healing.register_strategy(strategy)
    cart.start().live(5, ERRORS)
    assert cart.healing.history[0].by == "custom-strategy"
    assert cart.healing.history[0].action == Custom("component-specific recovery")


def test_5_2_level_goes_before_priority(component: Build) -> None:
    cart = component()
    cart.healing.register_strategy(Does("high", level=RecoveryLevel.HIGH, priority=99))
    cart.healing.register_strategy(CustomStrategy())
    cart.healing.register_strategy(Does("low", level=RecoveryLevel.LOW, priority=0))
    cart.start().live(40, ERRORS)
    assert cart.done[:3] == ["low", "custom-strategy", "high"]


def test_5_2_it_gets_the_issue_with_its_evidence(component: Build) -> None:
    strategy = Does("look")
    cart = component()
    cart.healing.register_strategy(strategy)
    cart.start().live(4, HealthMetrics(error_rate_percent=50.0, throughput_rps=9.0))
    (issue,) = strategy.asked
    assert issue.kind == "errors"
    assert "50 % errors" in issue.evidence
