"""Who can do what about an issue, in which order, and how it went (3.4.2, 5.2, 8.2).

Two kinds of helpers: custom strategies, which a component registers and which decide for
themselves; and targets, which carry out an act that the policy's ladder chose. A custom
strategy goes before the ladder's step of its level or above.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hms.agents.healing.actions import (
    ConfigAdjusted,
    Custom,
    FallbackActivated,
    HealingAction,
    ReconnectionAttempted,
    ResourcesScaled,
    Restarted,
)
from hms.agents.healing.interface import Issue, RecoveryLevel, RecoveryStrategy
from hms.agents.policy.component import Act
from hms.agents.policy.kinds import (
    ACT_NAMES,
    ADJUST,
    CUSTOM_ACT,
    FALLBACK,
    RECONNECT,
    RESTART,
    SCALE,
    TARGET_NAMES,
)
from hms.agents.policy.policy_values import nearest
from hms.errors import ConfigRefused

Target: TypeAlias = "Callable[[Issue, float], Any | Awaitable[Any]]"
"""Carries out one act; gets the issue and the act's amount (replicas, new value, seconds)."""

LEVELS = {
    ADJUST: RecoveryLevel.LOW,
    RECONNECT: RecoveryLevel.LOW,
    FALLBACK: RecoveryLevel.LOW,
    SCALE: RecoveryLevel.MEDIUM,
    RESTART: RecoveryLevel.HIGH,
    CUSTOM_ACT: RecoveryLevel.HIGH,
}
HISTORY_MAX = 1000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an issue.

    Attributes:
        at_s: when it ended, on the instance's clock.
        issue: the kind of issue.
        by: the strategy's name, or the ladder's act.
        action: what was done; None if it failed.
        error: how it failed; empty if it did not.
    """

    at_s: float
    issue: str
    by: str
    action: HealingAction | None
    error: str = ""


@dataclass(slots=True)
class RecoveryRegistry:
    """Strategies and targets of one instance, and what they did."""

    history: list[Attempt] = field(default_factory=list)
    _strategies: list[RecoveryStrategy] = field(default_factory=list)
    _targets: dict[int, Target] = field(default_factory=dict)

    def register_strategy(self, strategy: RecoveryStrategy) -> None:
        """Add a custom strategy; of equal level and priority the first one stays first.

        Raises:
            ConfigRefused: it lacks a method, or its name is taken.
        """
        if not isinstance(strategy, RecoveryStrategy):
            raise ConfigRefused(
                f"{strategy!r} is no recovery strategy\n"
                "    expected: name, can_handle, recover, priority, level"
            )
        if any(each.name() == strategy.name() for each in self._strategies):
            raise ConfigRefused(f"a strategy named `{strategy.name()}` is registered already")
        self._strategies.append(strategy)
        self._strategies.sort(key=lambda each: (each.level(), -each.priority()))

    def register_target(self, act: str, target: Target) -> None:
        """Say who carries out the ladder's act of this name.

        Raises:
            ConfigRefused: no such act.
        """
        if act not in ACT_NAMES[1:]:
            raise ConfigRefused(
                f"unknown act `{act}`\n    expected: {', '.join(ACT_NAMES[1:])}\n"
                f"    nearest: {nearest(act, ACT_NAMES[1:])}"
            )
        self._targets[ACT_NAMES.index(act)] = target

    def strategies_for(self, issue: Issue, attempts: list[str]) -> list[RecoveryStrategy]:
        """Custom strategies that can handle it, lowest level first, then by priority.

        One whose `can_handle` raises is passed over, and that is noted in `attempts`.
        """
        able: list[RecoveryStrategy] = []
        for strategy in self._strategies:
            try:
                if strategy.can_handle(issue):
                    able.append(strategy)
            except Exception as error:  # noqa: BLE001 - the heal loop outlives its strategies
                attempts.append(f"{strategy.name()}: can_handle raised {error!r}")
        return able

    async def perform(self, act: Act, issue: Issue) -> HealingAction:
        """Carry out an act of the ladder.

        Raises:
            LookupError: nobody is registered for it.
            Exception: whatever the target raised.
        """
        target = self._targets.get(act.kind)
        if target is None:
            raise LookupError(f"no target is registered for `{ACT_NAMES[act.kind]}`")
        result = target(issue, act.amount)
        if inspect.isawaitable(result):
            result = await result
        return action_of(act, result)

    def note(self, attempt: Attempt) -> None:
        """Remember an attempt; the oldest goes when there are too many."""
        self.history.append(attempt)
        if len(self.history) > HISTORY_MAX:
            del self.history[0]


def action_of(act: Act, result: object) -> HealingAction:
    """What was done, in the specification's words; a target may say so itself."""
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
