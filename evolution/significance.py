"""Whether one policy is better than others, and by how much, beyond chance.

Policies run the same scenarios with the same random numbers, so that every test is on paired
differences. Many comparisons make chance finds: their p values are adjusted by Holm (1979).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hms.evolution.randomness import generator
from hms.evolution.statistics import RESAMPLES, Interval

Floats = NDArray[np.float64]


def less_p(ours: ArrayLike, theirs: ArrayLike) -> float:
    """The p of the one-sided signed-rank test that `ours` is less than `theirs` (Wilcoxon 1945).

    Args:
        ours, theirs: one value a scenario, in the same order. Ties between the two are split
            (Pratt 1959 keeps their ranks), so that many equal scenarios do not look like proof.

    Returns:
        1.0 where nothing differs.

    Raises:
        ValueError: the shapes differ, or a value is not finite.
    """
    return float(less_p_rows(_differences(ours, theirs)[None])[0])


def less_p_rows(differences: Floats) -> Floats:
    """`less_p` of each row of paired differences, shape (tests, scenarios) to (tests,)."""
    from scipy.stats import wilcoxon

    p_values = np.ones(len(differences))
    differ = differences.any(axis=1)
    if differ.any():
        p_values[differ] = wilcoxon(
            differences[differ], alternative="less", zero_method="zsplit", method="approx", axis=1
        ).pvalue
    return p_values


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """The p values adjusted for their number: p * how many are left, never falling (Holm 1979)."""
    adjusted: dict[str, float] = {}
    most = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda each: (p_values[each], each))):
        most = max(most, min(1.0, p_values[name] * (len(p_values) - rank)))
        adjusted[name] = most
    return {name: adjusted[name] for name in p_values}


def rank_biserial(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Effect size of paired ranks, -1 (ours always less) to 1 (Kerby 2014); 0 for no difference.

    The sum of ranks in favour less that against, as a share of all ranks.
    """
    from scipy.stats import rankdata

    differences = _differences(ours, theirs)
    differences = differences[differences != 0.0]
    if not len(differences):
        return 0.0
    ranks = rankdata(np.abs(differences))
    return float((ranks[differences > 0.0].sum() - ranks[differences < 0.0].sum()) / ranks.sum())


def family_bootstrap(
    ours: ArrayLike,
    theirs: ArrayLike,
    families: Sequence[str],
    *,
    seed: str,
    level: float,
    resamples: int = RESAMPLES,
) -> Interval:
    """The mean of `ours - theirs` with an interval that holds for *other* fault families too.

    Families are drawn with replacement, then scenarios within each (a two-stage bootstrap,
    Davison and Hinkley 1997, 3.8): few families make it wide, as they should. A mean of a
    resample weighs each drawn family by its scenarios.

    Args:
        families: the family of each scenario.
        seed: names the stream.
        level: of the two-sided interval, between 0 and 1.

    Raises:
        ValueError: shapes differ, a value is not finite, or level is out of range.
    """
    differences = _differences(ours, theirs)
    if len(families) != len(differences) or not len(differences):
        raise ValueError(f"{len(differences)} pairs but {len(families)} families")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, not {level!r}")
    labels = np.asarray(list(families))
    groups = [differences[labels == name] for name in sorted(set(families))]
    rng = generator(seed, "family bootstrap")
    means = np.array([_one_mean(groups, rng) for _ in range(resamples)])
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return Interval(float(differences.mean()), float(low), float(high), level, len(differences))


def _one_mean(groups: Sequence[Floats], rng: np.random.Generator) -> float:
    total, count = 0.0, 0
    for which in rng.integers(0, len(groups), len(groups)):
        group = groups[which]
        total += float(group[rng.integers(0, len(group), len(group))].sum())
        count += len(group)
    return total / count


def _differences(ours: ArrayLike, theirs: ArrayLike) -> Floats:
    first = np.asarray(ours, dtype=np.float64)
    second = np.asarray(theirs, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"pairs need equal shapes, not {first.shape} and {second.shape}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("a value is not finite")
    return np.asarray(first - second)
