"""Tree-structured Parzen estimators (Bergstra and others 2011), by Optuna, over the whole space.

The same genes and the same encoding as the search: a number or an integer is a float in [0, 1]
that the gene decodes, a category one of its choices. A genome handed over therefore means the
same policy here and there.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hms.evolution.genome import Gene, Space
from hms.evolution.randomness import generator

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Floats = NDArray[np.float64]

STARTUP_TRIALS = 32  # drawn by chance before the estimators have anything to estimate from


class ParzenSearch:
    """Optuna's TPE, in memory, seeded, silent.

    Args:
        start: genomes that are tried first.
        seed: names the stream.
    """

    def __init__(self, space: Space, start: Sequence[Floats], seed: str) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        self._distributions = distributions(space)
        number = int(generator(seed, "tpe").integers(2**32))
        sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP_TRIALS, seed=number)
        self._study = optuna.create_study(direction="minimize", sampler=sampler)
        for genome in start:
            self._study.enqueue_trial(parameters(space, genome))
        self._asked: list[Any] = []

    def ask(self, count: int, best: Sequence[Floats]) -> list[Floats]:
        """Genomes that the estimators expect to be good; they know the best ones already."""
        self._asked = [self._study.ask(self._distributions) for _ in range(count)]
        return [genome_of(self._space, trial.params) for trial in self._asked]

    def tell(self, genomes: Sequence[Floats], costs: Sequence[float]) -> None:
        """Their costs, for the next estimate."""
        for trial, cost in zip(self._asked, costs, strict=True):
            self._study.tell(trial, cost)


def distributions(space: Space) -> "dict[str, BaseDistribution]":
    """What Optuna is told of each gene, by path, in the space's order."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    return {
        gene.path: CategoricalDistribution(range(len(gene.choices)))
        if gene.kind == "category"
        else FloatDistribution(0.0, 1.0)
        for gene in space.genes
    }


def parameters(space: Space, genome: Floats) -> dict[str, float | int]:
    """A genome as Optuna's parameters: the place of a category's choice, else the gene."""
    return {
        gene.path: _choice(gene, x) if gene.kind == "category" else x
        for gene, x in zip(space.genes, genome.tolist(), strict=True)
    }


def genome_of(space: Space, found: dict[str, Any]) -> Floats:
    """The genome of Optuna's parameters; `parameters` and this change no policy."""
    return np.array(
        [
            (found[gene.path] + 0.5) / len(gene.choices)
            if gene.kind == "category"
            else found[gene.path]
            for gene in space.genes
        ]
    )


def _choice(gene: Gene, x: float) -> int:
    return min(int(x * len(gene.choices)), len(gene.choices) - 1)
