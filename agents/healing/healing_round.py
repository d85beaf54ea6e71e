"""One round of healing: the helpers for one issue, tried in order until one succeeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hms.agents.healing.actions import HealingAction, NoAction
from hms.agents.healing.interface import Issue, RecoveryStrategy
from hms.agents.healing.recovery import LEVELS, Attempt, RecoveryRegistry
from hms.agents.policy.component import Act
from hms.agents.policy.kinds import ACT_NAMES, NO_ACTION
from hms.errors import HealingFailed

STRATEGY_SHARE = 1.0 / 3.0  # of the time for all, for one strategy


@dataclass(slots=True)
class HealingRound:
    """Custom strategies up to the act's level, then the act, then the other strategies.

    Args:
        registry: who can do what.
        issue: what is wrong.
        act: what the ladder would do; may be nothing.
        begin_act: called before the ladder's act is carried out, and only then.
        note: called with each attempt.
        timeout_s: for the whole round; one strategy gets a third of it.
        now_s: the instance's clock.
    """

    registry: RecoveryRegistry
    issue: Issue
    act: Act
    begin_act: Callable[[], None]
    note: Callable[[Attempt], None]
    timeout_s: float
    now_s: Callable[[], float]
    attempts: list[str] = field(default_factory=list)

    async def run(self) -> HealingAction:
        """Find the first helper that succeeds; `NoAction` when none can handle the issue.

        Raises:
            HealingFailed: every one that could handle it failed, or the time was over.
        """
        import asyncio  # slow to import, and whoever gets here has it

        try:
            async with asyncio.timeout(self.timeout_s):
                action = await self._first_success()
        except TimeoutError:
            self.attempts.append(f"cut off after {self.timeout_s:g} s")
            raise HealingFailed(self.attempts) from None
        if action is None and self.attempts:
            raise HealingFailed(self.attempts)
        return action or NoAction()

    async def _first_success(self) -> HealingAction | None:
        custom = self.registry.strategies_for(self.issue, self.attempts)
        level = LEVELS.get(self.act.kind)
        before = [each for each in custom if level is None or each.level() <= level]
        action = await self._first_of(before)
        if action is None and self.act.kind != NO_ACTION:
            self.begin_act()
            action = await self._perform_act()
        return action or await self._first_of(custom[len(before) :])

    async def _first_of(self, strategies: Sequence[RecoveryStrategy]) -> HealingAction | None:
        for strategy in strategies:
            action = await self._recover(strategy)
            if action is not None:
                return action
        return None

    async def _recover(self, strategy: RecoveryStrategy) -> HealingAction | None:
        """One strategy within its share of the time; None if it raised or was cut off."""
        import asyncio

        limit_s = self.timeout_s * STRATEGY_SHARE
        try:
            async with asyncio.timeout(limit_s):
                action = await strategy.recover(self.issue)
        except TimeoutError:
            return self._failed(strategy.name(), f"took longer than {limit_s:.3g} s")
        except Exception as error:  # noqa: BLE001 - the heal loop outlives its strategies
            return self._failed(strategy.name(), f"{type(error).__name__}: {error}")
        self.note(Attempt(self.now_s(), self.issue.kind, strategy.name(), action))
        return action

    async def _perform_act(self) -> HealingAction | None:
        name = ACT_NAMES[self.act.kind]
        try:
            action = await self.registry.perform(self.act, self.issue)
        except Exception as error:  # noqa: BLE001 - the heal loop outlives its targets
            return self._failed(name, f"{type(error).__name__}: {error}")
        self.note(Attempt(self.now_s(), self.issue.kind, name, action))
        return action

    def _failed(self, by: str, error: str) -> HealingAction | None:
        self.attempts.append(f"{by}: {error}")
        self.note(Attempt(self.now_s(), self.issue.kind, by, None, error))
        return None
