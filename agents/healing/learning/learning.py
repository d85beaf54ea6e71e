"""What helped against what, with older experience fading (3, 6.3, 3.4.4).

Each verdict counts one; before it, what was counted so far is multiplied by a factor, so that
the last twenty or so tries speak loudest and a system that has changed is learned anew. A
strategy's share starts at one half and moves with what is seen (Laplace's rule of succession).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hms.agents.healing.recovery.recovery import Registered

FADE = 0.95  # of what was counted, a verdict
PAIRS_MAX = 256  # issue and strategy; the one not heard of for longest goes
USELESS_TRIES = 5.0  # counted tries before something can be called useless
USELESS_SHARE = 0.15
CHANCE_EVERY = 10  # times that a useless one is passed over before it gets another chance


@dataclass(slots=True)
class Count:
    """Tries and successes of one strategy against one kind of issue, faded."""

    tried: float = 0.0
    effective: float = 0.0
    passed_over: int = 0

    @property
    def share(self) -> float:
        """How likely it is to help, 0 to 1; one half while nothing is known."""
        return (self.effective + 1.0) / (self.tried + 2.0)

    @property
    def is_useless(self) -> bool:
        """Whether enough is known to leave it out."""
        return self.tried >= USELESS_TRIES and self.share < USELESS_SHARE


@dataclass(slots=True)
class Effectiveness:
    """What an instance has measured, by kind of issue and strategy; bounded."""

    _counts: OrderedDict[tuple[str, str], Count] = field(default_factory=OrderedDict)

    def learn(self, issue: str, by: str, *, helped: bool, weight: float = 1.0) -> Count:
        """Count one verdict."""
        count = self._of(issue, by)
        count.tried = count.tried * FADE + weight
        count.effective = count.effective * FADE + (weight if helped else 0.0)
        return count

    def count(self, issue: str, by: str) -> Count:
        """What is known; nothing counted if it was never tried."""
        return self._counts.get((issue, by), Count())

    def rows(self) -> list[tuple[str, str, float, float]]:
        """Everything that is known: issue, strategy, tries, successes."""
        return [
            (issue, by, count.tried, count.effective)
            for (issue, by), count in self._counts.items()
        ]

    def restore(self, rows: Iterable[tuple[str, str, float, float]]) -> None:
        """Take over what an earlier run had learned."""
        for issue, by, tried, effective in rows:
            self._of(issue, by).tried = tried
            self._of(issue, by).effective = effective

    def hear(self, issue: str, by: str, tried: float, effective: float) -> None:
        """A neighbour's experience, which counts as one try of one's own at most."""
        if tried <= 0.0 or not 0.0 <= effective <= tried:
            return
        weight = min(tried, 1.0)
        count = self._of(issue, by)
        count.tried += weight
        count.effective += weight * effective / tried

    def order(self, issue: str, strategies: Sequence[Registered]) -> list[Registered]:
        """Within a level the most effective first; proven useless ones are left out.

        Priority and registration decide between equals, so that before anything is known the
        order is the declared one.
        """
        kept = [each for each in strategies if not self._is_passed_over(issue, each.name)]
        return sorted(kept, key=lambda each: (each.level, -self._rank(issue, each)))

    def _rank(self, issue: str, each: Registered) -> float:
        count = self._counts.get((issue, each.name))
        return count.share if count is not None else Count().share

    def _is_passed_over(self, issue: str, by: str) -> bool:
        count = self._counts.get((issue, by))
        if count is None or not count.is_useless:
            return False
        count.passed_over += 1
        return count.passed_over % CHANCE_EVERY != 0

    def _of(self, issue: str, by: str) -> Count:
        found = self._counts.setdefault((issue, by), Count())
        self._counts.move_to_end((issue, by))
        while len(self._counts) > PAIRS_MAX:
            self._counts.popitem(last=False)
        return found
