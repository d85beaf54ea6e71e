"""ConfigAdjusted: calls to dependencies are repeated less often (7.3).

The ladder's step `adjust: {retry.max_attempts: n}`, which an instance carries out on its own
guards: nobody has to register anything. It is a state of this process, not a configuration; it
ends when it did not help, or when somebody configures `retry.max_attempts`.
"""

from __future__ import annotations

from hms.agents.healing.actions import ConfigAdjusted, HealingAction
from hms.agents.healing.calls.dependencies import ATTEMPTS, Dependencies
from hms.agents.healing.interface import Issue


class FewerAttempts:
    """Limits how often guarded calls are tried.

    Args:
        dependencies: of the instance.
    """

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    async def perform(self, issue: Issue, amount: float) -> HealingAction:
        """Try calls at most so often from now on.

        Raises:
            ValueError: no call is tried more often, so that nothing would be changed.
        """
        before, most = self._dependencies.attempts(), max(int(amount), 1)
        if before <= most:
            raise ValueError(f"{ATTEMPTS} is {before} already")
        self._dependencies.limit_attempts(most)
        return ConfigAdjusted(f"{ATTEMPTS}: {before} to {most}")

    async def undo(self, issue: Issue, action: HealingAction) -> None:
        """Try them as often as is configured."""
        self._dependencies.limit_attempts(None)
