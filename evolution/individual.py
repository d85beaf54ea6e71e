"""One candidate of a search: genes, the policy they mean, and its score."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from deap import base
from numpy.typing import NDArray

from hms.agents.policy.healing_policy import HealingPolicy

Genes = NDArray[np.float64]


class Score(base.Fitness):  # type: ignore[misc]  # deap has no types
    """DEAP's fitness, every objective to be minimised.

    The weights belong to the instance, so that no class has to be made at run time and put
    into a global, as `deap.creator` does.
    """

    def __init__(self, objectives: int, values: Sequence[float] = ()) -> None:
        self.weights = (-1.0,) * objectives
        self.crowding_dist = 0.0
        super().__init__(tuple(values))


class Individual:
    """A plain class that DEAP's selection and hall of fame accept.

    Attributes:
        genes: shape (genes,), in [0, 1].
        policy: what they decode to; its hash is the individual's identity.
        fitness: the score on the scenarios of the last generation that evaluated it.
        breaches: safety breaches for each scenario that it ever met; above 0 it is infeasible.
        born: generation in which it appeared.
        parents: short hashes of its parents' policies, () for the first generation.
    """

    __slots__ = ("born", "breaches", "fitness", "genes", "parents", "policy")

    def __init__(
        self,
        genes: Genes,
        policy: HealingPolicy,
        objectives: int,
        born: int = 0,
        parents: tuple[str, ...] = (),
    ) -> None:
        self.genes = genes
        self.policy = policy
        self.fitness = Score(objectives)
        self.breaches = 0.0
        self.born = born
        self.parents = parents

    @property
    def sha256(self) -> str:
        """The policy's hash."""
        return self.policy.sha256

    @property
    def values(self) -> tuple[float, ...]:
        """Objectives in the search's order, () before the first evaluation."""
        return tuple(self.fitness.values)

    def scored(self, values: Sequence[float], breaches: float = 0.0) -> None:
        """Replace the score."""
        self.fitness.values = tuple(float(value) for value in values)
        self.breaches = float(breaches)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Individual) and other.sha256 == self.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Individual":
        """What DEAP's halls of fame keep: own genes and score, the same frozen policy."""
        twin = Individual(
            self.genes.copy(), self.policy, len(self.fitness.weights), self.born, self.parents
        )
        if self.fitness.valid:
            twin.scored(self.values, self.breaches)
        return twin
