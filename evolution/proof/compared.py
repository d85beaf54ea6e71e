"""A champion beside each baseline on the same failures: means, tests, intervals, effect sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hms.evolution.gate import Scores, best_baseline
from hms.evolution.objectives import WORST_SHARE
from hms.evolution.significance import family_bootstrap, holm, less_p, rank_biserial
from hms.evolution.statistics import Interval

Floats = NDArray[np.float64]

ALPHA = 0.01
"""Chance of error of a first look, one-sided."""
RESAMPLES, RESAMPLES_OTHERS = 10_000, 1_000
"""Of the bootstrap against the best baseline, which the gate reads, and against the others."""


@dataclass(frozen=True, slots=True)
class Against:
    """The champion beside one baseline.

    Attributes:
        downtime_s, cvar_s, disruption_s: the baseline's own.
        difference: champion - baseline in downtime, seconds; its high end is the one-sided bound.
        gain_share: how far the champion's mean downtime lies below the baseline's, of it.
        p, p_holm: one-sided signed-rank test that the champion is lower; adjusted over baselines.
        effect: rank-biserial, -1 (the champion always lower) to 1.
    """

    name: str
    downtime_s: float
    cvar_s: float
    disruption_s: float
    difference: Interval
    gain_share: float
    p: float
    p_holm: float
    effect: float

    @property
    def bound_s(self) -> float:
        """The least gain, in seconds, at the level of the interval's one side."""
        return -self.difference.high


@dataclass(frozen=True, slots=True)
class Comparison:
    """The champion beside every baseline; `best` is the one with the lowest mean downtime."""

    downtime_s: float
    cvar_s: float
    disruption_s: float
    scenarios: int
    best: str
    against: Mapping[str, Against]

    @property
    def beaten(self) -> Against:
        """The champion beside the best baseline."""
        return self.against[self.best]


def compare(
    champion: Scores,
    baselines: Mapping[str, Scores],
    families: Sequence[str],
    *,
    seed: str,
    alpha: float = ALPHA,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare on paired failures.

    Args:
        champion: its scores, one value a failure, seconds.
        baselines: theirs, same failures in the same order; no oracle among them.
        families: the family of each failure.
        seed: names the bootstrap's streams.
        alpha: chance of error of the one-sided bound: the interval is of level 1 - 2 alpha.
        resamples: against the best baseline; the others get at most `RESAMPLES_OTHERS`.

    Raises:
        ValueError: no baseline, or scores that do not pair up.
    """
    best = best_baseline(baselines)
    ours = np.asarray(champion.downtime_s, dtype=np.float64)
    p_values = {name: less_p(ours, scores.downtime_s) for name, scores in baselines.items()}
    adjusted = holm(p_values)
    against = {}
    for name, scores in baselines.items():
        count = resamples if name == best else min(resamples, RESAMPLES_OTHERS)
        theirs = np.asarray(scores.downtime_s, dtype=np.float64)
        difference = family_bootstrap(
            ours, theirs, families, seed=seed, level=1.0 - 2.0 * alpha, resamples=count
        )
        against[name] = Against(
            name=name,
            downtime_s=float(theirs.mean()),
            cvar_s=worst_tenth_s(theirs),
            disruption_s=_mean(scores.disruption_s),
            difference=difference,
            gain_share=gain_share(float(ours.mean()), float(theirs.mean())),
            p=p_values[name],
            p_holm=adjusted[name],
            effect=rank_biserial(ours, theirs),
        )
    return Comparison(
        downtime_s=float(ours.mean()),
        cvar_s=worst_tenth_s(ours),
        disruption_s=_mean(champion.disruption_s),
        scenarios=len(ours),
        best=best,
        against=against,
    )


def gain_share(ours_s: float, theirs_s: float) -> float:
    """How far `ours_s` lies below `theirs_s`, as a share of it; 0 where both are 0."""
    if theirs_s <= 0.0:
        return 0.0 if ours_s <= 0.0 else -np.inf
    return (theirs_s - ours_s) / theirs_s


def worst_tenth_s(downtime_s: ArrayLike) -> float:
    """Mean downtime of the worst tenth of the failures (cvar_s), at least one of them."""
    values = np.sort(np.asarray(downtime_s, dtype=np.float64))
    return float(values[-max(1, round(WORST_SHARE * len(values))) :].mean())


def _mean(values: ArrayLike) -> float:
    return float(np.mean(np.asarray(values, dtype=np.float64)))
