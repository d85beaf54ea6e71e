"""FallbackActivated: a lesser way of working, switched on for a while (7.3)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar

from hms.agents.healing.actions import FallbackActivated, HealingAction
from hms.agents.healing.clock import Clock, MonotonicClock
from hms.agents.healing.interface import Issue
from hms.agents.healing.strategies.built_in import BuiltIn, called
from hms.agents.policy.kinds import FALLBACK

HANDLES = ("errors", "slow", "dependency")


class FallbackSwitch(BuiltIn):
    """A switch that the component reads: `if switch.is_on: answer from the cache`.

    It goes off by itself when its time is over, and at once when it did not help.

    Args:
        duration_s: how long it stays on where no ladder says it.
        changed: called with True and False where the component wants to be told.
        clock: monotonic.
    """

    act: ClassVar[int] = FALLBACK
    expected_effect: ClassVar[str] = "answers come, from the lesser way"

    def __init__(
        self,
        *,
        duration_s: float = 30.0,
        changed: Callable[[bool], Any] | None = None,
        clock: Clock | None = None,
        handles: Collection[str] = HANDLES,
        **declared: Any,
    ) -> None:
        super().__init__(handles, **declared)
        self.duration_s = duration_s
        self._changed = changed
        self._clock = clock or MonotonicClock()
        self._until_s = 0.0

    @property
    def is_on(self) -> bool:
        """Whether the lesser way is to be used now."""
        return self._clock.now_s() < self._until_s

    async def recover(self, issue: Issue) -> HealingAction:
        """Switch it on for its own time."""
        return await self.perform(issue, self.duration_s)

    async def perform(self, issue: Issue, amount: float) -> HealingAction:
        """Switch it on for so many seconds."""
        was_on = self.is_on
        self._until_s = self._clock.now_s() + amount
        if self._changed is not None and not was_on:
            await called(self._changed, True)
        return FallbackActivated(f"for {amount:g} s")

    async def undo(self, issue: Issue, action: HealingAction) -> None:
        """Switch it off."""
        self._until_s = self._clock.now_s()
        if self._changed is not None:
            await called(self._changed, False)
