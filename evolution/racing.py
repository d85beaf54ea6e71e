"""Racing: new genomes meet few scenarios first; those that are clearly worse meet no more.

Most offspring are worse than their parents, and it shows long before they have met a whole
window of scenarios (Maron and Moore 1994; Birattari and others 2002). So they run in stages, and
after each a paired signed-rank test, adjusted for the number of genomes by Holm, drops those
that lose. The opponent of a genome is the survivor with the least downtime among those that
disrupt no more than it does: a genome that pays with less disruption is never raced out by one
that pays with more, and the front keeps its other end. Nor is a genome ever raced out by one that
breaches safety more often: such a survivor is no opponent while there is another.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hms.evolution.individual import Individual
from hms.evolution.objectives import column
from hms.evolution.significance import holm, less_p_rows

Floats = NDArray[np.float64]
Rows = Callable[[Sequence[Individual], Sequence[int]], Floats]

DOWNTIME, DISRUPTION = column("downtime_s"), column("disruption_s")
BREACHES = column("breaches")


def finishers(
    runners: Sequence[Individual],
    opponents: Sequence[Individual],
    window: Sequence[int],
    rows: Rows,
    *,
    stages: Sequence[int],
    level: float,
) -> list[Individual]:
    """Those of `runners` that no test dropped, in their order.

    Args:
        runners: new individuals.
        opponents: survivors; without any, the runners are each other's.
        window: scenario indices; a stage is a beginning of it, so that stages nest.
        rows: results of individuals on scenarios, shape (individuals, scenarios, columns).
        stages: how many scenarios each stage has met; those of the window and more are left out.
        level: chance, within a stage, that any runner no worse than its opponent is dropped.
    """
    left = list(runners)
    safe = [one for one in opponents if one.breaches == 0.0] or opponents
    for stage in stages:
        if stage >= len(window) or not left:
            break
        met = window[:stage]
        ours = rows(left, met)
        theirs = rows(safe, met) if safe else ours
        lost = _lost(ours, theirs, level)
        left = [one for one, out in zip(left, lost, strict=True) if not out]
    return left


def _lost(ours: Floats, theirs: Floats, level: float) -> list[bool]:
    """Which runners lose against their opponent, shape (runners,)."""
    against = _opponents(ours, theirs)
    tested = np.flatnonzero(against >= 0)
    differences = theirs[against[tested], :, DOWNTIME] - ours[tested, :, DOWNTIME]
    p_values = {str(at): float(p) for at, p in zip(tested, less_p_rows(differences), strict=True)}
    adjusted = holm(p_values)
    return [adjusted.get(str(at), 1.0) < level for at in range(len(ours))]


def _opponents(ours: Floats, theirs: Floats) -> NDArray[np.int64]:
    """For each runner the index of its opponent, -1 where all disrupt or breach more than it."""
    cost = ours[:, :, DISRUPTION].mean(axis=1)
    their_cost = theirs[:, :, DISRUPTION].mean(axis=1)
    downtime = theirs[:, :, DOWNTIME].mean(axis=1)
    unsafe = theirs[None, :, :, BREACHES].sum(axis=2) > ours[:, None, :, BREACHES].sum(axis=2)
    allowed = np.where(their_cost[None, :] <= cost[:, None], downtime[None, :], np.inf)
    allowed = np.where(unsafe, np.inf, allowed)
    best = np.argmin(allowed, axis=1)
    return np.where(np.isfinite(allowed.min(axis=1)), best, -1)
