"""ReconnectionAttempted: connections are dropped and made anew (7.3)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar

from hms.agents.healing.actions import HealingAction, ReconnectionAttempted
from hms.agents.healing.interface import Issue
from hms.agents.healing.strategies.built_in import BuiltIn, called
from hms.agents.policy.kinds import RECONNECT

HANDLES = ("errors", "unresponsive", "dependency")


class Reconnect(BuiltIn):
    """Calls the component's own `connect`, which says whether the connection is up.

    Nothing takes it back: a new connection is as good as the old one was.

    Args:
        connect: drops and makes connections; False means that none came up.
    """

    act: ClassVar[int] = RECONNECT
    expected_effect: ClassVar[str] = "calls over the new connection succeed"

    def __init__(
        self, connect: Callable[[], Any], *, handles: Collection[str] = HANDLES, **declared: Any
    ) -> None:
        super().__init__(handles, **declared)
        self._connect = connect

    async def perform(self, issue: Issue, amount: float) -> HealingAction:
        """Try it.

        Raises:
            ConnectionError: it did not come up, so that the next strategy follows.
        """
        if await called(self._connect) is False:
            raise ConnectionError("the connection did not come up")
        return ReconnectionAttempted(success=True)
