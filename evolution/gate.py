"""The run's own short test: is the champion better than the best baseline?

docs/formats.md, "Closing table": the upper bound of champion - best baseline in downtime is below
0, and the champion's disruption is at most max(1.10 times the baseline's, 1 s above it). The best
baseline is the one with the lowest mean downtime, never the one that suits the champion. The
gate that a shipped policy must pass is `hms prove`'s, not this one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hms.evolution.statistics import LEVEL, RESAMPLES, Interval, paired_bootstrap

DISRUPTION_TIMES = 1.10
DISRUPTION_ABOVE_S = 1.0
LEAST_SCENARIOS = 20  # below it an interval is a guess, and no champion is called better


@dataclass(frozen=True, slots=True)
class Scores:
    """One stack's results, one value a scenario, in seconds; all stacks in the same order."""

    downtime_s: ArrayLike
    disruption_s: ArrayLike


@dataclass(frozen=True, slots=True)
class Gate:
    """What the short test found.

    Attributes:
        passed: both conditions hold.
        best_baseline: the baseline compared with.
        downtime_s: champion - best baseline, with its interval.
        disruption_s: the champion's mean.
        disruption_allowed_s: the most it may be.
        sentence: one line for the closing table, true for either outcome.
    """

    passed: bool
    best_baseline: str
    downtime_s: Interval
    disruption_s: float
    disruption_allowed_s: float
    sentence: str


def allowed_disruption_s(
    baseline_s: float, times: float = DISRUPTION_TIMES, above_s: float = DISRUPTION_ABOVE_S
) -> float:
    """The most disruption a champion may cost beside a baseline that costs `baseline_s`."""
    return max(times * baseline_s, baseline_s + above_s)


def best_baseline(baselines: Mapping[str, Scores]) -> str:
    """The baseline with the lowest mean downtime; of equals, the first by name.

    Raises:
        ValueError: there is no baseline.
    """
    if not baselines:
        raise ValueError("a champion is compared with at least one baseline")
    means = {name: float(np.mean(np.asarray(s.downtime_s))) for name, s in baselines.items()}
    return min(sorted(means), key=means.__getitem__)


def short_test(
    champion: Scores,
    baselines: Mapping[str, Scores],
    families: Sequence[str],
    *,
    seed: str,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Gate:
    """Compare the champion with the best of `baselines` on the same held-out scenarios.

    Args:
        champion: its held-out scores.
        baselines: theirs, by name.
        families: the family of each scenario, in the order of the scores.
        seed: names the bootstrap's stream.
        resamples: of the bootstrap.
        level: of the interval.

    Raises:
        ValueError: no baselines, or scores that do not pair up.
    """
    name = best_baseline(baselines)
    other = baselines[name]
    downtime_s = paired_bootstrap(
        champion.downtime_s,
        other.downtime_s,
        families,
        seed=seed,
        resamples=resamples,
        level=level,
    )
    disruption_s = float(np.mean(np.asarray(champion.disruption_s)))
    allowed_s = allowed_disruption_s(float(np.mean(np.asarray(other.disruption_s))))
    shorter, cheap = downtime_s.verdict < 0, disruption_s <= allowed_s
    if downtime_s.count < LEAST_SCENARIOS:
        sentence = f"too few failures to tell ({downtime_s.count}): {_sentence(name, downtime_s)}"
        return Gate(False, name, downtime_s, disruption_s, allowed_s, sentence)
    sentence = f"{'better' if shorter else 'no better'} than {_sentence(name, downtime_s)}"
    if shorter and not cheap:
        sentence += (
            f", but its disruption of {disruption_s:.1f} s is above the {allowed_s:.1f} s allowed"
        )
    return Gate(shorter and cheap, name, downtime_s, disruption_s, allowed_s, sentence)


def _sentence(name: str, downtime_s: Interval) -> str:
    figures = (
        f"{_signed(downtime_s.mean)} s [{_signed(downtime_s.low)}, {_signed(downtime_s.high)}]"
    )
    return f"{name}: {figures}"


def _signed(value: float) -> str:
    """One decimal with a real minus sign, as the closing table prints it."""
    text = f"{value:.1f}"
    return "0.0" if text in ("-0.0", "0.0") else text.replace("-", "\N{MINUS SIGN}")
