"""ResourcesScaled: more replicas, by a `ScaleTarget` (7.3)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from hms.agents.healing.actions import HealingAction, ResourcesScaled
from hms.agents.healing.interface import Issue
from hms.agents.healing.scale_target import ScaleTarget
from hms.agents.healing.strategies.built_in import BuiltIn, called
from hms.agents.policy.kinds import SCALE
from hms.errors import ConfigRefused

HANDLES = ("slow", "saturated")


class Scale(BuiltIn):
    """Adds replicas up to a limit, and takes them away again when they did not help.

    Args:
        target: the platform.
        most: replicas; never more, whatever a ladder asks for.
        add: replicas that one act adds where no ladder says it.
    """

    act: ClassVar[int] = SCALE
    expected_effect: ClassVar[str] = "shorter queues, response times on their way back"

    def __init__(
        self,
        target: ScaleTarget,
        *,
        most: int,
        add: int = 1,
        handles: Collection[str] = HANDLES,
        verification_s: float = 60.0,
        **declared: Any,
    ) -> None:
        if most < 1 or add < 1:
            raise ConfigRefused(f"scale: most is {most}, add is {add}\n    expected: at least 1")
        super().__init__(handles, verification_s=verification_s, **declared)
        self.target, self.most, self.add = target, most, add
        self._added = 0

    async def recover(self, issue: Issue) -> HealingAction:
        """Add its own number."""
        return await self.perform(issue, float(self.add))

    async def perform(self, issue: Issue, amount: float) -> HealingAction:
        """Add so many, as far as the limit goes.

        Raises:
            OverflowError: the limit is reached.
        """
        now = await called(self.target.replicas)
        wanted = min(now + int(amount), self.most)
        if wanted <= now:
            raise OverflowError(f"there are {now} replicas, {self.most} at most")
        await called(self.target.scale, wanted)
        self._added = wanted - now
        return ResourcesScaled(f"{now} to {wanted} replicas")

    async def undo(self, issue: Issue, action: HealingAction) -> None:
        """Take away what was added, whatever others have changed since; one stays."""
        now = await called(self.target.replicas)
        await called(self.target.scale, max(now - self._added, 1))
        self._added = 0
