"""What the built-in strategies share: declared like a custom one, and a target of the ladder.

Where the policy has a ladder for an issue, the ladder says when it is a built-in's turn and how
long its effect is waited for; elsewhere its own level, priority and times do.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from hms.agents.healing.actions import HealingAction
from hms.agents.healing.interface import ISSUE_KINDS, Issue, RecoveryLevel
from hms.agents.healing.recovery.recovery import DISRUPTIVE, LEVELS, REVERSIBLE
from hms.agents.policy.kinds import ACT_NAMES, RESTART
from hms.errors import ConfigRefused


class BuiltIn:
    """A strategy for one act of the ladder.

    Args:
        handles: kinds of issue that it is for.
        name: under which attempts are recorded; the act's when empty.
        priority: within its level, higher first.
        verification_s: how long its effect is waited for, where no ladder says it.
        cool_down_s: time before it may act again, likewise.
        limit_s: its own limit of time; 0: a third of `healing_timeout`.
    """

    act: ClassVar[int]
    carries: str
    """The ladder's act whose target it is; empty: no step of a ladder means it."""

    expected_effect: ClassVar[str]
    amount: ClassVar[float] = 0.0

    def __init__(
        self,
        handles: Collection[str],
        *,
        name: str = "",
        priority: int = 0,
        verification_s: float = 10.0,
        cool_down_s: float = 0.0,
        limit_s: float = 0.0,
    ) -> None:
        unknown = sorted(set(handles) - set(ISSUE_KINDS))
        if unknown:
            raise ConfigRefused(
                f"no such issue: {', '.join(unknown)}\n    expected: {', '.join(ISSUE_KINDS)}"
            )
        self.handles = frozenset(handles)
        self.class_ = DISRUPTIVE if self.act == RESTART else REVERSIBLE
        self.verification_s = verification_s
        self.cool_down_s = cool_down_s
        self.limit_s = limit_s
        self.carries = ACT_NAMES[self.act]
        self._name = name or ACT_NAMES[self.act]
        self._priority = priority

    def name(self) -> str:
        """The name under which attempts are recorded."""
        return self._name

    def can_handle(self, issue: Issue) -> bool:
        """Whether the issue is of a kind that it is for."""
        return issue.kind in self.handles

    def priority(self) -> int:
        """Within one level, higher comes first."""
        return self._priority

    def level(self) -> RecoveryLevel:
        """That of its act."""
        return LEVELS[self.act]

    async def recover(self, issue: Issue) -> HealingAction:
        """Act with its own amount."""
        return await self.perform(issue, self.amount)

    async def perform(self, issue: Issue, amount: float) -> HealingAction:
        """Act with the amount that the ladder names.

        Raises:
            TypeError: a built-in strategy without an act.
        """
        raise TypeError(f"{type(self).__name__} does not say what it does about {issue.kind}")


async def called(function: Any, *given: Any) -> Any:
    """The result of a callable of the component's own, coroutine function or plain."""
    from hms.agents.healing.recovery.healing_round import in_own_time

    return await in_own_time(function, *given)
