"""A custom strategy before the policy's own decisions: a ladder of one step.

When it may act, how long its effect is waited for, and whether it helped is decided by the
same functions as for the ladder's steps, with what the strategy declares for parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from hms.agents.policy.kinds import (
    CUSTOM_ACT,
    ISSUE_KINDS,
    NONE,
    RECONNECT,
)
from hms.agents.policy.parameters import RecoveryParameters
from hms.agents.policy.recovery import (
    RecoveryState,
    begin_act,
    choose,
    entry,
    is_exhausted,
    see,
)
from hms.agents.policy.verification import GONE, ILL, NOT_ILL, UNSEEN, settle, suffers

if TYPE_CHECKING:
    from hms.agents.healing.recovery.ladder import Ladder

SLOT = 0  # a live instance is one process
DELAY_FIRST_S = 1.0
DELAY_MULTIPLIER = 2.0
DELAY_MAX_S = 60.0


@lru_cache(maxsize=64)
def one_step(disruptive: bool, verification_s: float, cool_down_s: float) -> RecoveryParameters:
    """A ladder of this one step for every kind of issue; shared, so read only."""
    arrays = RecoveryParameters()
    for issue in range(NONE + 1, ISSUE_KINDS):
        i = entry(issue, 0)
        arrays.act[i] = float(CUSTOM_ACT if disruptive else RECONNECT)
        arrays.patience_s[i] = verification_s
        arrays.cool_down_s[i] = cool_down_s
        arrays.delay_first_s[i] = DELAY_FIRST_S
        arrays.delay_multiplier[i] = DELAY_MULTIPLIER
        arrays.delay_max_s[i] = DELAY_MAX_S
    return arrays


@dataclass(slots=True)
class Trial:
    """Where one strategy stands with each kind of issue."""

    parameters: RecoveryParameters
    recovery: RecoveryState = field(default_factory=RecoveryState)
    begun_s: float = 0.0
    was_detected: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether the effect of its act is still waited for."""
        return self.recovery.waiting

    def see(self, present: int, now_s: float) -> None:
        """Note which illness there is; one that returns after a calm finds it fresh."""
        for issue in range(NONE + 1, ISSUE_KINDS):
            see(self.recovery, self.parameters, issue, issue == present, now_s)

    def may_begin(self, issue: int, now_s: float) -> bool:
        """Whether it neither cools down, nor waits out a delay, nor is spent."""
        return choose(self.recovery, self.parameters, issue, SLOT, now_s) == 0

    def is_spent(self, issue: int) -> bool:
        """Whether it was tried on this illness and did not help."""
        return is_exhausted(self.recovery, self.parameters, issue)

    def begin(self, issue: int, now_s: float, *, was_detected: bool) -> None:
        """It acts now, on an issue that detection has found, or only the status shows."""
        self.was_detected = was_detected
        self.see(issue, now_s)
        extension_s = self.parameters.verification.extension_s
        begin_act(self.recovery, self.parameters, issue, SLOT, 0, extension_s, now_s)
        self.begun_s = now_s

    def fail(self, now_s: float) -> None:
        """Its act raised: nothing to wait for; it may be tried again after a delay."""
        self.recovery.waiting = False
        self.recovery.since_s[self.recovery.issue] = now_s

    def judge(self, present: int, ladder: Ladder, now_s: float, *, has_data: bool) -> int:
        """Whether the act under way helped: a verdict of `policy.kinds`.

        An issue that detection has found is judged by what detection sees; one that only the
        status or a breaker shows, by whether there still is one.

        Args:
            present: the issue there is now, NONE if none.
            ladder: of the component, with what was seen last.
            now_s: on the instance's clock.
            has_data: whether a report came since the act.
        """
        if self.was_detected:
            return ladder.conclude(self.recovery, self.parameters, now_s, has_data=has_data)
        seen = GONE if present == NONE else NOT_ILL
        if ladder.is_suspected or not has_data:
            seen = UNSEEN
        elif suffers(present, self.recovery.issue, False):
            seen = ILL
        return settle(self.recovery, seen, ladder.settle_s, now_s)
