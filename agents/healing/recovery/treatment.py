"""Where a treatment stands: what is wrong, which act's effect is waited for, what came before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hms.agents.healing.interface import HealthStatus, Issue
from hms.agents.policy.kinds import NONE

if TYPE_CHECKING:
    from hms.agents.healing.actions import HealingAction
    from hms.agents.healing.recovery.recovery import Registered, Undo


@dataclass(frozen=True, slots=True)
class Situation:
    """What is wrong now.

    Attributes:
        status: as `check_health` says.
        issue: None while nothing is wrong.
        kind: the issue's number in the policy; NONE while nothing is wrong.
        has_data: whether reports come, or a breaker says it; without that nothing is done.
        is_fresh: whether the latest came so lately that it can speak for an act's effect.
        reported_s: when the latest came.
    """

    status: HealthStatus
    issue: Issue | None = None
    kind: int = NONE
    has_data: bool = True
    is_fresh: bool = True
    reported_s: float = 0.0


@dataclass(slots=True)
class UnderWay:
    """An act whose effect is waited for; `strategy` None: a step of the ladder."""

    by: str
    issue: Issue
    kind: int
    level: int
    begun_s: float
    undo: Undo | None = None
    strategy: Registered | None = None
    key: str = ""
    action: HealingAction | None = None
    number: int = 0


@dataclass(slots=True)
class Treatment:
    """What is remembered from one `heal()` to the next.

    Attributes:
        under_way: the act whose effect is waited for.
        cut: acts of this round that were cut off, and may have been done.
        floor: level of the act that did not help; what is above it is tried first.
        reason: why the next act's turn has come.
        decided: what was decided without being done, so that it is noted once.
        calm_from_s: since when nothing is wrong.
    """

    under_way: UnderWay | None = None
    cut: list[UnderWay] = field(default_factory=list)
    floor: int = 0
    reason: str = ""
    decided: set[tuple[str, str]] = field(default_factory=set)
    calm_from_s: float | None = None

    def is_calm(self, kind: int, now_s: float, calm_s: float) -> bool:
        """Whether nothing has been wrong for `calm_s`; to be asked at every look."""
        if kind != NONE or self.under_way is not None:
            self.calm_from_s = None
            return False
        if self.calm_from_s is None:
            self.calm_from_s = now_s
        return now_s >= self.calm_from_s + calm_s

    def start_anew(self) -> None:
        """Forget levels, reasons and decisions."""
        self.floor, self.reason = 0, ""
        self.decided.clear()
