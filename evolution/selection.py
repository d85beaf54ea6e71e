"""Who survives and who mates: NSGA-II's ranks, by DEAP, with ties in the objectives set apart.

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
    """The `count` best: by rank and crowding, one policy for each point before any second one.

    Of policies with equal objectives the earliest in the list comes first: survivors stand
    before their children there, and have met more scenarios.

    Args:
        individuals: scored on the same scenarios.
        count: at most their number.
    """
    layers: list[list[Individual]] = []
    met: dict[tuple[float, ...], int] = {}
    for one in individuals:
        layer = met.get(one.values, 0)
        met[one.values] = layer + 1
        if layer == len(layers):
            layers.append([])
        layers[layer].append(one)
    chosen: list[Individual] = []
    for points in layers:
        wanted = min(count - len(chosen), len(points))
        chosen += tools.selNSGA2(points, wanted, nd="log")
    return chosen


def ranks(population: Sequence[Individual]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Front number (0 the best) and crowding distance of each scored individual, as given."""
    rank: dict[str, int] = {}
    for number, front in enumerate(tools.sortLogNondominated(population, len(population))):
        assignCrowdingDist(front)
        rank.update((one.sha256, number) for one in front)
    return (
        np.array([rank[one.sha256] for one in population], dtype=np.int64),
        np.array([one.fitness.crowding_dist for one in population]),
    )
