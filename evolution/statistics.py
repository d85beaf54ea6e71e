"""How sure a mean or a difference is: a paired bootstrap, stratified by fault family.

Two policies are compared on the same scenarios with the same random numbers, so the unit is
the *difference* on one scenario. Scenarios are resampled with replacement within their family
(Efron and Tibshirani 1993, chapters 8 and 13): the experiment fixes how many of each family
there are, hence resampling across families would add noise that is not there.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hms.evolution.randomness import generator

Floats = NDArray[np.float64]

RESAMPLES = 10_000
LEVEL = 0.95
ALONE = "(families of one scenario)"
_BLOCK = 1_000  # resamples held in memory at a time


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over scenarios and its two-sided interval, in the unit of the values."""

    mean: float
    low: float
    high: float
    level: float
    count: int

    @property
    def verdict(self) -> int:
        """-1 surely below zero, 1 surely above, 0 not told apart from zero."""
        if self.high < 0.0:
            return -1
        return 1 if self.low > 0.0 else 0


def mean_interval(
    values: ArrayLike,
    families: Sequence[str],
    *,
    seed: str,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """The mean of `values` with its percentile interval.

    Args:
        values: one value a scenario, shape (scenarios,), finite.
        families: the family of each scenario, the strata.
        seed: names the resampling stream; the same seed resamples the same scenarios, whatever
            the values, so that intervals of several columns agree with each other.
        resamples: how many means are drawn.
        level: share of resampled means inside the interval, between 0 and 1.

    Raises:
        ValueError: no values, a value is not finite, lengths differ, or level is out of range.
    """
    array = _checked(values, families)
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, not {level!r}")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples!r}")
    means = _resampled_means(array, families, seed, resamples)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return Interval(float(array.mean()), float(low), float(high), level, len(array))


def paired_bootstrap(
    ours: ArrayLike,
    theirs: ArrayLike,
    families: Sequence[str],
    *,
    seed: str,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """The mean of `ours - theirs` over the same scenarios, with its interval.

    Args and errors as for `mean_interval`; both arrays have one value a scenario, same order.
    """
    first = np.asarray(ours, dtype=np.float64)
    second = np.asarray(theirs, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"pairs need equal shapes, not {first.shape} and {second.shape}")
    return mean_interval(first - second, families, seed=seed, resamples=resamples, level=level)


def _checked(values: ArrayLike, families: Sequence[str]) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"one value a scenario is needed, not shape {array.shape}")
    if len(families) != len(array):
        raise ValueError(f"{len(array)} values but {len(families)} families")
    if not np.isfinite(array).all():
        raise ValueError(f"value of scenario {int(np.argmin(np.isfinite(array)))} is not finite")
    return array


def _resampled_means(values: Floats, families: Sequence[str], seed: str, resamples: int) -> Floats:
    """Mean of each resample, shape (resamples,). Families in sorted order: names, not order.

    A stratum of one has nothing to resample and would pretend to certainty: such families are
    resampled together.
    """
    several = {name for name, count in Counter(families).items() if count > 1}
    labels = np.asarray([name if name in several else ALONE for name in families])
    totals = np.zeros(resamples)
    for family in sorted(set(labels.tolist())):
        inside = values[labels == family]
        rng = generator(seed, "bootstrap", family)
        for start in range(0, resamples, _BLOCK):
            rows = min(_BLOCK, resamples - start)
            drawn = rng.integers(0, len(inside), (rows, len(inside)))
            totals[start : start + rows] += inside[drawn].sum(axis=1)
    return totals / len(values)
