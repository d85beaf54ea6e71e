"""Variation: bounded crossover and mutation of a whole population as one array.

Every gene lies in [0, 1]. Numbers are blended by simulated binary crossover and moved by
polynomial mutation, both in Deb's bounded form (Deb and Agrawal 1995; Deb and Goyal 1996; the
bounded spread factors as in Deb's NSGA-II code), so that no value is ever clipped onto a bound.
Blending two *choices* would invent a third that neither parent had: categorical genes are
exchanged whole and redrawn whole.

DEAP's operators work on one pair of lists in interpreted Python with the module `random`; these
take a numpy Generator and the whole population.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_SAME = 1e-14  # parents closer than this have nothing to blend


def crossover(
    first: Floats,
    second: Floats,
    categorical: Bools,
    rng: np.random.Generator,
    *,
    eta: float = 15.0,
    pair_share: float = 0.9,
    gene_share: float = 0.5,
) -> tuple[Floats, Floats]:
    """Children of the pairs `first[i]`, `second[i]`.

    Args:
        first: one parent of each pair, shape (pairs, genes), in [0, 1].
        second: the other, same shape.
        categorical: which genes are exchanged whole, shape (genes,).
        rng: draws, the same number whatever the parents.
        eta: distribution index; larger keeps children nearer to their parents.
        pair_share: share of the pairs that cross at all.
        gene_share: share of a crossing pair's genes that do.

    Returns:
        Two arrays of the parents' shape, in [0, 1]. The parents are not changed.
    """
    shape = first.shape
    crossing = (rng.random((shape[0], 1)) < pair_share) & (rng.random(shape) < gene_share)
    u = rng.random(shape)
    exchanged = rng.random(shape) < 0.5
    low, high = np.minimum(first, second), np.maximum(first, second)
    gap = high - low
    blend = crossing & ~categorical & (gap > _SAME)
    safe_gap = np.where(blend, gap, 1.0)
    near_low = 0.5 * (low + high - _spread(u, low, safe_gap, eta) * gap)
    near_high = 0.5 * (low + high + _spread(u, 1.0 - high, safe_gap, eta) * gap)
    one = np.where(blend, np.clip(near_low, 0.0, 1.0), first)
    two = np.where(blend, np.clip(near_high, 0.0, 1.0), second)
    swap = exchanged & crossing
    return np.where(swap, two, one), np.where(swap, one, two)


def _spread(u: Floats, room: Floats, gap: Floats, eta: float) -> Floats:
    """Spread factor of bounded crossover; `room` is the distance from a parent to its bound."""
    alpha = 2.0 - np.power(1.0 + 2.0 * room / gap, -(eta + 1.0))
    inner = np.power(u * alpha, 1.0 / (eta + 1.0))
    outer = np.power(1.0 / (2.0 - np.minimum(u * alpha, 2.0 - _SAME)), 1.0 / (eta + 1.0))
    return np.where(u <= 1.0 / alpha, inner, outer)


def mutate(
    population: Floats,
    categorical: Bools,
    rng: np.random.Generator,
    *,
    eta: float = 20.0,
    gene_share: float | None = None,
) -> Floats:
    """The population with some genes moved (numbers) or redrawn (categories).

    Args:
        population: shape (individuals, genes), in [0, 1].
        categorical: which genes are redrawn uniformly, shape (genes,).
        rng: draws, the same number whatever the population.
        eta: distribution index of polynomial mutation; larger takes smaller steps.
        gene_share: probability for each gene; by default one gene an individual on average.

    Returns:
        A new array of the same shape, in [0, 1].
    """
    shape = population.shape
    share = 1.0 / max(shape[1], 1) if gene_share is None else gene_share
    chosen = rng.random(shape) < share
    u = rng.random(shape)
    redrawn = rng.random(shape)
    power = 1.0 / (eta + 1.0)
    down = np.power(1.0 - population, eta + 1.0)
    up = np.power(population, eta + 1.0)
    below = np.power(2.0 * u + np.maximum(1.0 - 2.0 * u, 0.0) * down, power) - 1.0
    above = 1.0 - np.power(2.0 * (1.0 - u) + np.maximum(2.0 * u - 1.0, 0.0) * up, power)
    moved = np.clip(population + np.where(u < 0.5, below, above), 0.0, 1.0)
    return np.where(chosen, np.where(categorical, redrawn, moved), population)


def tournament(
    rank: NDArray[np.int64], crowding: Floats, count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Winners of `count` binary tournaments: lower rank, then more room around it, then chance.

    DEAP's `selTournamentDCD` does the same but draws from the module `random` and demands
    a multiple of four.

    Args:
        rank: non-domination rank of each individual, 0 the best.
        crowding: crowding distance of each individual; infinity at a front's ends.
        count: how many winners.
        rng: draws.

    Returns:
        Indices of the winners, shape (count,).
    """
    left = rng.integers(0, len(rank), count)
    right = rng.integers(0, len(rank), count)
    coin = rng.random(count) < 0.5
    lower, higher = rank[left] < rank[right], rank[left] > rank[right]
    wider, narrower = crowding[left] > crowding[right], crowding[left] < crowding[right]
    takes_left = lower | (~higher & (wider | (~narrower & coin)))
    return np.where(takes_left, left, right)
