"""Where a champion is weak: families on which a baseline does better, failures it never ends.

A mean over all failures hides both: a policy may be the best by far and lose on the one family
that a team has. Each family's rival is the baseline with the lowest downtime there, chosen after
the fact; one of eleven wins by chance at times, so a loss is called sure only by its interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hms.evolution.statistics import Interval, paired_bootstrap

if TYPE_CHECKING:
    import pandas as pd

LEAST_S = 0.05  # mean seconds of downtime; less is printed as none
LEAST_FAILURES = 10  # of a family: below it no loss is called sure


@dataclass(frozen=True, slots=True)
class FamilyLoss:
    """A family on which a baseline is down less than the champion.

    Attributes:
        set: of the failures.
        baseline: the best one there.
        downtime_s: champion - baseline, above 0 in the mean.
    """

    set: str
    family: str
    baseline: str
    downtime_s: Interval

    @property
    def sure(self) -> bool:
        """Whether chance alone would hardly give it."""
        return self.downtime_s.verdict > 0 and self.downtime_s.count >= LEAST_FAILURES


@dataclass(frozen=True, slots=True)
class NeverRecovered:
    """A failure that is not over at the horizon under the champion.

    Attributes:
        downtime_s: under the champion.
        recovering: the baselines under which it is over, lowest downtime first.
    """

    set: str
    family: str
    incident: str
    downtime_s: float
    recovering: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WeakPoints:
    """Both kinds, over all held-out sets.

    Attributes:
        failures: how many failures were looked at.
        losses: the largest first.
        never_recovered: in the order of the failures.
    """

    failures: int
    losses: tuple[FamilyLoss, ...]
    never_recovered: tuple[NeverRecovered, ...]


def weak_points(
    results: pd.DataFrame, champion: str, *, seed: str, resamples: int, level: float
) -> WeakPoints:
    """Look for them.

    Args:
        results: as for `closing_table`: every stack has the same failures in the same order.
        champion: the stack that is looked at; the others are the baselines.
        seed: of the bootstrap's stream.
    """
    losses = []
    for (set_name, family), part in results.groupby(["set", "family"], sort=True):
        downtimes_s = {str(s): rows["downtime_s"].to_numpy() for s, rows in part.groupby("stack")}
        ours_s = downtimes_s.pop(champion)
        if not downtimes_s:
            continue
        rival = min(sorted(downtimes_s), key=lambda stack: float(downtimes_s[stack].mean()))
        if float(ours_s.mean() - downtimes_s[rival].mean()) < LEAST_S:
            continue
        families = [str(family)] * len(ours_s)
        found = paired_bootstrap(
            ours_s, downtimes_s[rival], families, seed=seed, resamples=resamples, level=level
        )
        losses.append(FamilyLoss(str(set_name), str(family), rival, found))
    losses.sort(key=lambda loss: (-loss.downtime_s.mean, loss.family))
    failures = int((results["stack"] == champion).sum())
    return WeakPoints(failures, tuple(losses), tuple(_never_recovered(results, champion)))


def _never_recovered(results: pd.DataFrame, champion: str) -> list[NeverRecovered]:
    ours = results[results["stack"] == champion]
    others = results[(results["stack"] != champion) & results["recovered"].astype(bool)]
    found = []
    for row in ours[~ours["recovered"].astype(bool)].to_dict("records"):
        same = others[(others["set"] == row["set"]) & (others["incident"] == row["incident"])]
        ending = same.sort_values(["downtime_s", "stack"])["stack"]
        found.append(
            NeverRecovered(
                str(row["set"]),
                str(row["family"]),
                str(row["incident"]),
                float(row["downtime_s"]),
                tuple(str(stack) for stack in ending),
            )
        )
    return found
