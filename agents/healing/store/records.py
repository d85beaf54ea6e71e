"""What is remembered of an instance: one frozen dataclass for each table.

A record is written again under the same key until it is final, so writing one twice changes
nothing. Times are seconds since 1970 (`_at_s`), since records outlive the process.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from hms.agents.healing.store.moment import Moment
from hms.agents.policy.kinds import CAUSE_NAMES, PHASE_NAMES

INTENDED, DONE, UNKNOWN = "intended", "done", "unknown"
ACT_STATES = (INTENDED, DONE, UNKNOWN)
"""Of an act: said before it begins; finished, well or not; cut off, so nobody knows."""

APPLIED, REFUSED, ROLLED_BACK = "applied", "refused", "rolled back"
OPENINGS_MAX = 1000


@dataclass(frozen=True, slots=True)
class BreakerRecord:
    """A breaker as it was saved.

    Attributes:
        dependency: whose breaker.
        phase: a name of `kinds.PHASE_NAMES`.
        left_s: open: how long until a probe may come, when it was saved.
        opened_in_row: openings since it last closed.
        open_u: the number drawn at the opening, for a reconfigured open time.
        cause: a name of `kinds.CAUSE_NAMES`.
        last_error: the last failure, as text.
        holders: who holds it open by hand.
        open_since_s: how long it had been open, when it was saved.
        given: whether the callee named the open time.
        saved: when; filled in by the recorder.
    """

    table: ClassVar[str] = "breakers"

    dependency: str
    phase: str = "closed"
    left_s: float = 0.0
    opened_in_row: int = 0
    open_u: float = 0.0
    cause: str = "none"
    last_error: str = ""
    holders: tuple[str, ...] = ()
    open_since_s: float = 0.0
    given: bool = False
    saved: Moment | None = None

    @property
    def key(self) -> str:
        """What it is written under."""
        return self.dependency

    def fault(self) -> str:
        """Why it cannot be believed (torn, or of an unknown kind); empty when it can."""
        if self.phase not in PHASE_NAMES:
            return f"unknown phase {self.phase!r}"
        if self.cause not in CAUSE_NAMES:
            return f"unknown cause {self.cause!r}"
        for name in ("left_s", "open_since_s", "open_u"):
            value = getattr(self, name)
            if not _is_span(value):
                return f"{name} is {value!r}"
        if self.open_u >= 1.0:
            return f"open_u is {self.open_u!r}"
        in_row = self.opened_in_row
        if not isinstance(in_row, int) or isinstance(in_row, bool) or in_row < 0:
            return f"opened_in_row is {in_row!r}"
        if not isinstance(self.last_error, str) or not all(
            isinstance(holder, str) for holder in self.holders
        ):
            return "a text is none"
        return ""

    def at(self, now: Moment) -> BreakerRecord:
        """The same breaker at a later moment: never more time left than when it was saved."""
        if self.saved is None or self.fault():
            return self
        passed_s = now.since_s(self.saved)
        left_s = max(self.left_s - passed_s, 0.0)
        since_s = self.open_since_s + passed_s
        return dataclasses.replace(self, left_s=left_s, open_since_s=since_s, saved=now)


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One act of healing.

    Attributes:
        key: the act's idempotency key, unique in the component.
        at_s: when it was begun or ended.
        issue: the kind of issue.
        by: the strategy, or the ladder's act.
        action: the `HealingAction` as JSON text; empty if it failed or has not ended.
        error: how it failed; empty if it did not.
        verdict: "effective", "ineffective", "inconclusive", or empty while open.
        undone: whether it was taken back.
        state: "intended", "done" or "unknown".
    """

    table: ClassVar[str] = "attempts"

    key: str
    at_s: float
    issue: str
    by: str
    action: str = ""
    error: str = ""
    verdict: str = ""
    undone: bool = False
    state: str = DONE


@dataclass(frozen=True, slots=True)
class EffectivenessRecord:
    """How often something helped against an issue."""

    table: ClassVar[str] = "effectiveness"

    issue: str
    by: str
    tried: float
    effective: float

    @property
    def key(self) -> str:
        """What it is written under."""
        return f"{self.issue}\n{self.by}"


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """One illness from its first sign to its end.

    Attributes:
        key: unique in the instance, such as its number.
        issue: the kind of issue it began with.
        began_at_s: when.
        ended_at_s: when it was over; None while it lasts.
        severity: the worst, 1 to 3.
        evidence: the numbers that led to the verdict.
        detail: whatever else is kept, as JSON text (symptoms, acts, metrics).
    """

    table: ClassVar[str] = "incidents"

    key: str
    issue: str
    began_at_s: float
    ended_at_s: float | None = None
    severity: int = 1
    evidence: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ConfigurationRecord:
    """One row of the audit trail of configuration.

    Attributes:
        number: of this row, rising by 1.
        version: in force after it.
        door: by which it came: "local", "supervisor" or "operator".
        source: who said so, free text.
        timestamp: the configuration's own, seconds since 1970.
        parameters: what was asked for, as JSON text.
        outcome: "applied", "refused" or "rolled back".
        reason: why it was refused, or what else it changed.
        in_force: everything in force after it, as JSON text; empty when refused.
        at_s: when it arrived.
    """

    table: ClassVar[str] = "configurations"

    number: int
    version: int
    door: str
    source: str
    timestamp: float
    parameters: str
    outcome: str = APPLIED
    reason: str = ""
    in_force: str = ""
    at_s: float = 0.0

    @property
    def key(self) -> str:
        """What it is written under."""
        return str(self.number)


Record: TypeAlias = (
    "BreakerRecord | AttemptRecord | EffectivenessRecord | IncidentRecord | ConfigurationRecord"
)
RECORDS: tuple[type[Any], ...] = (
    BreakerRecord, AttemptRecord, EffectivenessRecord, IncidentRecord, ConfigurationRecord,
)  # fmt: skip


def _is_span(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value) and value >= 0.0
