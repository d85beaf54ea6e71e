"""Polish: CMA-ES on the numbers of one policy, its choices and its ladder left as they are.

A genetic search is good at finding which mechanisms to combine and slow at the last tenth of
their numbers; the covariance matrix adaptation of Hansen and Ostermeier (2001), by `cma`, is the
other way round. Candidates may not disrupt more than the policy they start from: what they would
gain in downtime by more disruption is taken away again tenfold; a safety breach is never a gain.
"""

from collections.abc import Callable, Sequence

import cma
import numpy as np
from numpy.typing import NDArray

from hms.evolution.genome import Space
from hms.evolution.individual import Individual
from hms.evolution.objectives import column
from hms.evolution.randomness import generator

Floats = NDArray[np.float64]
Rows = Callable[[Sequence[Individual]], Floats]
Made = Callable[[Floats], Individual]

STEP = 0.1  # first standard deviation, in the unit cube
PENALTY = 10.0  # seconds for each second of disruption above the start's
BREACH_S = 1e4  # for each safety breach: more than any downtime could win back
_NUDGE = 0.08  # a gene that moves nothing when moved so far, up or down, is switched off


def live_numbers(space: Space, genes: Floats) -> NDArray[np.int64]:
    """Indices of the numeric genes that mean something in this genome."""
    before = space.decode(genes).sha256
    found = []
    for at in np.flatnonzero(~space.categorical):
        for moved in (min(1.0, genes[at] + _NUDGE), max(0.0, genes[at] - _NUDGE)):
            other = genes.copy()
            other[at] = moved
            if space.decode(other).sha256 != before:
                found.append(int(at))
                break
    return np.array(found, dtype=np.int64)


def polish(
    start: Individual,
    space: Space,
    rows: Rows,
    made: Made,
    *,
    rounds: int,
    candidates: int,
    seed: str,
) -> list[Individual]:
    """The best candidate of each round that is better than `start`, in order.

    Args:
        start: a scored individual.
        rows: results of individuals on the polishing scenarios, shape (individuals, scenarios,
            columns).
        made: an individual from genes.
        rounds: generations of CMA-ES; a round costs `candidates` times the scenarios.
        candidates: in a round, at least 4.
        seed: names the stream.
    """
    places = live_numbers(space, start.genes)
    if len(places) < 2 or rounds < 1:
        return []
    rng = generator(seed, "polish", start.sha256)
    limit_s = float(rows([start])[0, :, column("disruption_s")].mean())
    best_s = _costs(rows([start]), limit_s)[0]
    strategy = cma.CMAEvolutionStrategy(
        start.genes[places],
        STEP,
        {
            "bounds": [0.0, 1.0],
            "popsize": candidates,
            "randn": lambda *shape: rng.standard_normal(shape),
            "seed": np.nan,  # numpy's own stream is left alone
            "verbose": -9,
        },
    )
    better: list[Individual] = []
    for _ in range(rounds):
        points = strategy.ask()
        tried = [made(_placed(start.genes, places, point)) for point in points]
        costs = _costs(rows(tried), limit_s)
        strategy.tell(points, costs.tolist())
        best = int(np.argmin(costs))
        if costs[best] < best_s:
            best_s = float(costs[best])
            better.append(tried[best])
        if strategy.stop():
            break
    return better


def _placed(genes: Floats, places: NDArray[np.int64], point: Sequence[float]) -> Floats:
    found = genes.copy()
    found[places] = np.clip(np.asarray(point, dtype=np.float64), 0.0, 1.0)
    return found


def _costs(rows: Floats, limit_s: float) -> Floats:
    """Mean downtime, tenfold what is disrupted beyond the limit, and breaches."""
    downtime_s = rows[:, :, column("downtime_s")].mean(axis=1)
    beyond_s = np.maximum(0.0, rows[:, :, column("disruption_s")].mean(axis=1) - limit_s)
    breaches = rows[:, :, column("breaches")].mean(axis=1)
    return np.asarray(downtime_s + PENALTY * beyond_s + BREACH_S * breaches)
