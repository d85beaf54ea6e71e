"""How probable a collapse is, from runs with different seeds, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

COLLAPSED = "collapsed"
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Probability:
    """A share of runs with its Wilson interval."""

    share: float
    low: float
    high: float
    runs: int

    def __str__(self) -> str:
        return f"{self.share:.2f} [{self.low:.2f}, {self.high:.2f}]"


def probability(hits: int, runs: int, level: float = LEVEL) -> Probability:
    """A probability from `hits` of `runs`, with the interval of Wilson (1927).

    It keeps its promise near 0 and 1, where collapses live, unlike the usual one, which is then
    empty: of 20 runs without a collapse it says at most .16.

    Raises:
        ValueError: there are no runs, or more hits than runs.
    """
    if not 0 <= hits <= runs or runs < 1:
        raise ValueError(f"{hits} of {runs} runs")
    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    share = hits / runs
    weight = 1.0 + z * z / runs
    middle = (share + z * z / (2.0 * runs)) / weight
    half = z / weight * math.sqrt(share * (1.0 - share) / runs + z * z / (4.0 * runs * runs))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == runs else min(1.0, middle + half)
    return Probability(share, low, high, runs)


def collapse_probability(verdicts: Iterable[str], level: float = LEVEL) -> Probability:
    """P(collapse) from the verdicts of runs that differ in their seed alone.

    Raises:
        ValueError: there are none.
    """
    found = list(verdicts)
    return probability(sum(verdict == COLLAPSED for verdict in found), len(found), level)
