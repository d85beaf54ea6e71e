"""Random search over the numbers and switches of one policy, its ladders left as they are.

What an engineer gets who keeps the hand-written escalation and lets a machine turn its knobs.
Pure random search is hopeless in some thirty dimensions, and a baseline that is meant to be hard
to beat must not be: a third of the candidates are drawn anew everywhere, a third redraws a
quarter of a good one's genes, a third takes a small step in all of them (Rastrigin 1963).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hms.evolution.genome import Space
from hms.evolution.randomness import generator

Floats = NDArray[np.float64]

REDRAWN_SHARE = 0.25
STEP = 0.08  # standard deviation of a small step, in the unit cube
AROUND = 6  # good ones that candidates are made from
STRUCTURE = ("ladder.", "override.")


class RandomSearch:
    """Candidates around the genomes that it starts from.

    Args:
        start: the first candidates; the first of them gives the ladders of all.
        seed: names the stream.
    """

    def __init__(self, space: Space, start: Sequence[Floats], seed: str) -> None:
        if not start:
            raise ValueError("a random search needs a policy whose structure it keeps")
        self._space = space
        self._start = list(start)
        self._base = start[0]
        self._rng = generator(seed, "random search")
        kept = np.array([gene.path.startswith(STRUCTURE) for gene in space.genes])
        self._kept = np.flatnonzero(kept)
        self.free = np.flatnonzero(~kept)
        """Indices of the genes that are tuned."""

    def ask(self, count: int, best: Sequence[Floats]) -> list[Floats]:
        """What it starts from, then candidates of all three kinds in turn."""
        given, self._start = self._start[:count], self._start[count:]
        around = list(best[:AROUND]) or [self._base]
        return given + [self._drawn(place, around) for place in range(count - len(given))]

    def tell(self, genomes: Sequence[Floats], costs: Sequence[float]) -> None:
        """Nothing to learn: the survivors come back with the next `ask`."""

    def _drawn(self, place: int, around: Sequence[Floats]) -> Floats:
        """A candidate: every stream of numbers is used up alike, whatever its kind."""
        size = len(self.free)
        anew, steps = self._rng.random(size), self._rng.normal(0.0, STEP, size)
        chosen = self._rng.random(size) < REDRAWN_SHARE
        genome = around[int(self._rng.integers(len(around)))].copy()
        kind = place % 3
        if kind == 0:
            genome[self.free] = anew
        elif kind == 1:
            genome[self.free[chosen]] = anew[chosen]
        else:
            moved = np.where(self._space.categorical[self.free], 0.0, steps)
            genome[self.free] = np.clip(genome[self.free] + moved, 0.0, 1.0)
        genome[self._kept] = self._base[self._kept]
        return genome
