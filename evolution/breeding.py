"""Where new genomes come from: known policies and chance at first, then their offspring."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution import baselines, operators
from hms.evolution.genome import Space
from hms.evolution.individual import Individual
from hms.evolution.randomness import generator
from hms.evolution.selection import ranks

Floats = NDArray[np.float64]

CROSSOVER_ETA = 15.0
MUTATION_ETA = 10.0
MUTATED_GENES = 2.0  # an offspring on average; 20 and 1 did no better on a noisy toy of 54 genes
_ROUNDS = 8  # attempts to breed something new before chance fills up
RANDOM = "random"
BASELINES = "baselines"


class Breeding:
    """Makes individuals that the search has not met, by policy hash.

    Args:
        space: what a genome means.
        objectives: how many objectives a score has.
        seed: names the streams of crossover, mutation and chance.
    """

    def __init__(self, space: Space, objectives: int, seed: str) -> None:
        self._space = space
        self._objectives = objectives
        self._rng = generator(seed, "breeding")
        self._chance = generator(seed, "random genomes")

    @property
    def streams(self) -> tuple[np.random.Generator, np.random.Generator]:
        """Its random streams, for a checkpoint."""
        return self._rng, self._chance

    def first(
        self, count: int, start_from: Sequence[str], start: Sequence[HealingPolicy] = ()
    ) -> list[Individual]:
        """The first population: given policies, those of `start_from`, then random genomes.

        Args:
            count: how many; policies beyond it are left out, later ones first.
            start: policies that come before those of `start_from`.
            start_from: `baselines`, names of baselines, `random`. Random genomes fill up in
                any case; a policy that encodes to the same genome as another counts once.

        Raises:
            KeyError: no baseline of that name.
        """
        policies = list(start)
        for name in start_from:
            if name == BASELINES:
                policies += [baselines.load(each).policy for each in baselines.names()]
            elif name != RANDOM:
                policies.append(baselines.load(name).policy)
        made = [self.made(self._space.encode(policy), 0, ()) for policy in policies]
        found = list({one.sha256: one for one in made}.values())[:count]
        return found + self._by_chance(count - len(found), 0, {one.sha256 for one in found})

    def children(
        self,
        population: Sequence[Individual],
        count: int,
        *,
        born: int,
        known: Callable[[HealingPolicy], bool],
    ) -> list[Individual]:
        """`count` offspring that are new; random genomes where breeding finds nothing new.

        Args:
            population: scored parents.
            count: how many.
            born: their generation.
            known: whether a policy was met before.
        """
        found: dict[str, Individual] = {}
        for _ in range(_ROUNDS):
            for one in self._bred(population, count, born):
                if len(found) < count and one.sha256 not in found and not known(one.policy):
                    found[one.sha256] = one
            if len(found) == count:
                break
        children = list(found.values())
        return children + self._by_chance(count - len(children), born, set(found), known)

    def _bred(self, population: Sequence[Individual], count: int, born: int) -> list[Individual]:
        """Offspring of tournament winners: crossed, then mutated."""
        pairs = (count + 1) // 2
        rank, crowding = ranks(population)
        winners = operators.tournament(rank, crowding, 2 * pairs, self._rng)
        genes = np.stack([one.genes for one in population])
        left, right = winners[:pairs], winners[pairs:]
        categorical = self._space.categorical
        one, two = operators.crossover(
            genes[left], genes[right], categorical, self._rng, eta=CROSSOVER_ETA
        )
        mutated = operators.mutate(
            np.concatenate([one, two]),
            categorical,
            self._rng,
            eta=MUTATION_ETA,
            gene_share=MUTATED_GENES / len(self._space),
        )
        parents = [
            (population[a].sha256[:12], population[b].sha256[:12])
            for a, b in zip(np.tile(left, 2).tolist(), np.tile(right, 2).tolist(), strict=True)
        ]
        return [self.made(g, born, p) for g, p in zip(mutated, parents, strict=True)]

    def _by_chance(
        self,
        count: int,
        born: int,
        taken: set[str],
        known: Callable[[HealingPolicy], bool] = lambda policy: False,
    ) -> list[Individual]:
        """Random genomes whose policies are neither taken nor known."""
        found: list[Individual] = []
        while len(found) < count:
            one = self.made(self._space.random(self._chance, 1)[0], born, ())
            if one.sha256 not in taken and not known(one.policy):
                taken.add(one.sha256)
                found.append(one)
        return found

    def made(self, genes: Floats, born: int, parents: tuple[str, ...]) -> Individual:
        """The individual of these genes."""
        return Individual(genes, self._space.decode(genes), self._objectives, born, parents)
