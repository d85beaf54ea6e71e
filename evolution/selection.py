"""Who survives and who mates: NSGA-II's ranks, by DEAP, with ties in the objectives set apart.

Safety is a constraint, not an objective (Deb and others 2002, constrained domination): a policy
without a breach comes before any with one, fewer breaches come before more, and only among equals
do the objectives decide. So every front lies within one level of breaches.

Many settings decide nothing in the scenarios at hand, so different policies often have exactly
equal objectives. Crowding distance does not see that they are one point: left alone, copies of
the two ends of the front fill a population within a dozen generations.

Only `nd="log"` is ever used, since `nd="standard"` gives the same set in another order.
"""

from collections.abc import Sequence

import numpy as np
from deap import tools
from deap.tools.emo import assignCrowdingDist
from numpy.typing import NDArray

from hms.evolution.individual import Individual


def survivors(individuals: Sequence[Individual], count: int) -> list[Individual]:
    """The `count` best: by breaches, then by rank and crowding, each point once before twice.

    Of policies with equal objectives the earliest in the list comes first: survivors stand
    before their children there, and have met more scenarios.

    Args:
        individuals: scored on the same scenarios.
        count: at most their number.
    """
    chosen: list[Individual] = []
    for level in levels(individuals):
        for points in _layers(level):
            wanted = min(count - len(chosen), len(points))
            chosen += tools.selNSGA2(points, wanted, nd="log")
    return chosen


def levels(individuals: Sequence[Individual]) -> list[list[Individual]]:
    """Those with equally many breaches together, fewest first; all together where none has any."""
    found: dict[float, list[Individual]] = {}
    for one in individuals:
        found.setdefault(one.breaches, []).append(one)
    return [found[breaches] for breaches in sorted(found)]


def _layers(individuals: Sequence[Individual]) -> list[list[Individual]]:
    """The first of each point, the second of each, and so on."""
    layers: list[list[Individual]] = []
    met: dict[tuple[float, ...], int] = {}
    for one in individuals:
        layer = met.get(one.values, 0)
        met[one.values] = layer + 1
        if layer == len(layers):
            layers.append([])
        layers[layer].append(one)
    return layers


def ranks(population: Sequence[Individual]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Front number (0 the best) and crowding distance of each scored individual, as given."""
    rank: dict[str, int] = {}
    fronts = [
        front
        for level in levels(population)
        for front in tools.sortLogNondominated(level, len(level))
    ]
    for number, front in enumerate(fronts):
        assignCrowdingDist(front)
        rank.update((one.sha256, number) for one in front)
    return (
        np.array([rank[one.sha256] for one in population], dtype=np.int64),
        np.array([one.fitness.crowding_dist for one in population]),
    )
