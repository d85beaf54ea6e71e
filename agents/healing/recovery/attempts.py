"""What was tried, in order, bounded, with what became of it (3.4.2, 7.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hms.agents.healing.actions import HealingAction

HISTORY_MAX = 1000

PENDING = ""  # its effect is waited for
EFFECTIVE = "effective"
INEFFECTIVE = "ineffective"
INCONCLUSIVE = "inconclusive"  # no data came in its window: neither repeated nor undone
FAILED = "failed"  # it raised
UNKNOWN = "unknown"  # it was cut off, and may have been done all the same
DECIDED = "decided"  # shadow mode or kill switch: what would have been done


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an issue.

    Attributes:
        at_s: when it ended, on the instance's clock.
        issue: the kind of issue.
        by: the strategy's name, or the ladder's act.
        action: what was done; None if it failed.
        error: how it failed; empty if it did not.
        reason: why it was this one's turn, where an earlier act had not helped.
        verdict: what became of it, one of the words above.
        undone: whether it was taken back.
        key: one act, one key; the store keeps it.
        number: counts an instance's attempts, from 1.
    """

    at_s: float
    issue: str
    by: str
    action: HealingAction | None
    error: str = ""
    reason: str = ""
    verdict: str = PENDING
    undone: bool = False
    key: str = ""
    number: int = 0


@dataclass(slots=True)
class AttemptHistory:
    """The latest attempts and how often each kind of action was taken.

    Args:
        listeners: told of each attempt, new or with its verdict changed.
    """

    listeners: list[Callable[[Attempt], None]] = field(default_factory=list)
    _kept: list[Attempt] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)
    _number: int = 0

    def __iter__(self) -> Iterator[Attempt]:
        """Oldest first."""
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    @property
    def counts(self) -> dict[str, int]:
        """How often each of the seven actions was the answer, zeros included."""
        from hms.agents.healing.actions import ACTION_KINDS

        return {kind: self._counts.get(kind, 0) for kind in ACTION_KINDS}

    def count(self, action: HealingAction) -> None:
        """One `heal()` answered with this."""
        self._counts[action.kind] = self._counts.get(action.kind, 0) + 1

    def note(self, attempt: Attempt) -> Attempt:
        """Remember an attempt; the oldest goes when there are too many."""
        self._number += 1
        numbered = dataclasses.replace(attempt, number=self._number)
        self._kept.append(numbered)
        del self._kept[:-HISTORY_MAX]
        self._say(numbered)
        return numbered

    def settle(self, number: int, verdict: str, *, undone: bool | None = None) -> Attempt | None:
        """Say what became of an attempt; None if it is no longer kept."""
        for at in range(len(self._kept) - 1, -1, -1):
            kept = self._kept[at]
            if kept.number == number:
                was = kept.undone if undone is None else undone
                self._kept[at] = dataclasses.replace(kept, verdict=verdict, undone=was)
                self._say(self._kept[at])
                return self._kept[at]
        return None

    def restore(self, attempts: list[Attempt]) -> None:
        """Put what an earlier run of this instance left before what this one did."""
        self._kept = [*attempts, *self._kept][-HISTORY_MAX:]

    def _say(self, attempt: Attempt) -> None:
        for listener in self.listeners:
            listener(attempt)
