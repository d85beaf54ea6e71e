"""ConfigAdjusted: a value of the component's own configuration is changed (7.3)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar

from hms.agents.healing.actions import ConfigAdjusted, HealingAction
from hms.agents.healing.interface import Issue
from hms.agents.healing.strategies.built_in import BuiltIn, called
from hms.agents.policy.kinds import ADJUST, TARGET_NAMES

HANDLES = ("slow", "saturated")


class ConfigurationChange(BuiltIn):
    """Sets one value, remembers what it was, and sets it back when that did not help.

    A ladder's `adjust` names a parameter of the policy (`concurrency.limit`, say): one of that
    name carries it out. Any other stands for itself, whatever ladders there are: the value in a
    ladder is not meant for it.

    Args:
        what: the value's name.
        read: gives the value as it is.
        write: sets it.
        value: what it is set to where no ladder says it.
    """

    act: ClassVar[int] = ADJUST
    expected_effect: ClassVar[str] = "less waits, what is taken in is answered in time"

    def __init__(
        self,
        what: str,
        read: Callable[[], Any],
        write: Callable[[float], Any],
        value: float,
        *,
        handles: Collection[str] = HANDLES,
        **declared: Any,
    ) -> None:
        super().__init__(handles, **declared)
        self.what, self.value = what, value
        self.carries = what if what in TARGET_NAMES else ""
        self._read, self._write = read, write
        self._before: Any = None

    async def recover(self, issue: Issue) -> HealingAction:
        """Set it to its own value."""
        return await self.perform(issue, self.value)

    async def perform(self, issue: Issue, amount: float) -> HealingAction:
        """Set it.

        Raises:
            ValueError: it has that value already, so that nothing would be changed.
        """
        before = await called(self._read)
        if before == amount:
            raise ValueError(f"{self.what} is {amount:g} already")
        self._before = before
        await called(self._write, amount)
        return ConfigAdjusted(f"{self.what}: {before} to {amount:g}")

    async def undo(self, issue: Issue, action: HealingAction) -> None:
        """Set it to what it was."""
        await called(self._write, self._before)
