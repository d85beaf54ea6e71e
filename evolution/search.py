"""The search: NSGA-II (Deb, Pratap, Agarwal and Meyarivan 2002) on a counted budget.

All genomes of a generation are scored on the same scenarios with the same random numbers, so
that luck is shared; children that are clearly worse are raced out before they have met all of
them. The scenarios rotate; survivors are scored again on the new ones, because a
score from an easy window would otherwise live for ever. At the end the last population meets on
as many scenarios as the rest of the budget allows, and the front is taken from that.

DEAP carries toolbox, fitness, selection, front, statistics and logbook. Its operators are not
used: ours vary a whole population and draw from numpy Generators keyed by the seed. Nothing
here looks at a clock or iterates over a set.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from deap import base, tools
from numpy.typing import NDArray

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.backends import Backend
from hms.evolution.breeding import Breeding
from hms.evolution.checkpoint import Checkpoint, Part, set_streams, stream_state
from hms.evolution.fitness import Fitness
from hms.evolution.genome import Space
from hms.evolution.history import History
from hms.evolution.individual import Individual
from hms.evolution.objectives import objective_values
from hms.evolution.polish import polish
from hms.evolution.racing import finishers
from hms.evolution.rotation import Rotation
from hms.evolution.selection import levels, survivors
from hms.evolution.settings import POLISHED_AT_ONCE, SearchSettings

Floats = NDArray[np.float64]
Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Archived:
    """One policy that was ever scored.

    Attributes:
        values: objectives over all scenarios it met, in the search's order. Policies met
            different scenarios: these averages are for looking, not for ranking.
        scenarios: how many it met.
    """

    individual: Individual
    values: tuple[float, ...]
    scenarios: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found.

    Attributes:
        front: the non-dominated of the safest of the last population, best first objective first.
        population: the last population, by rank; all scored on the same scenarios.
        history: one row a generation, and one for the finals.
        incidents: simulated incidents, at most the budget.
        archive: every policy ever scored, in the order of first meeting.
    """

    front: list[Individual]
    population: list[Individual]
    history: list[dict[str, Any]]
    incidents: int
    archive: list[Archived]

    def finalists(self, count: int) -> list[Individual]:
        """The best of the last population: by rank, spread over the last front that fits."""
        return survivors(self.population, min(count, len(self.population)))


def evolve(
    settings: SearchSettings,
    backend: Backend,
    seed: str,
    progress: Progress | None = None,
    *,
    space: Space | None = None,
    start: Sequence[HealingPolicy] = (),
) -> SearchResult:
    """Search for policies until the budget is spent.

    Args:
        settings: budget, population, training families, where to start.
        backend: simulates; the result does not depend on which one it is.
        seed: names all random streams of the search.
        progress: called after each generation with its row of the history, which has
            `incidents` and `budget`.
        space: what may be varied; all genes without overrides by default.
        start: further policies to start from, before those of `settings.start_from`.
    """
    search = Search(settings, backend, seed, space or Space(), start)
    while (row := search.advance()) is not None:
        if progress is not None:
            progress(row)
    return search.result()


class Search:
    """One search between two generations; `advance` computes the next.

    Attributes:
        population: the survivors, scored on the last window.
        generation: how many generations were computed.
    """

    def __init__(
        self,
        settings: SearchSettings,
        backend: Backend,
        seed: str,
        space: Space,
        start: Sequence[HealingPolicy] = (),
    ) -> None:
        self.settings = settings
        self.generation = 0
        self.population: list[Individual] = []
        self._fitness = Fitness(backend, settings.set_name, settings.incidents)
        self._breeding = Breeding(space, len(settings.objectives), seed)
        self._rotation = Rotation(
            settings.families, settings.scenarios, settings.rotation_share, seed
        )
        self._start = list(start)
        self._met: dict[str, Individual] = {}
        self._history = History()
        self._finished = False
        self._polished = settings.polish_rounds == 0
        self._seed = seed
        self._space = space
        self._parts = self._kept = 0
        self._toolbox = base.Toolbox()
        self._toolbox.register("breed", self._breeding.children, known=self._fitness.knows)
        self._toolbox.register("race", self._raced)
        self._toolbox.register("evaluate", self._score)
        self._toolbox.register("select", survivors)

    def advance(self) -> dict[str, Any] | None:
        """One generation, or the finals when the budget for generations is spent.

        Returns:
            The history's row, or None when the search is over.
        """
        if self._finished:
            return None
        window = self._rotation.window(self.generation)
        room = self._room(window)
        if room < 1:
            last = self._rotation.window(self.generation - 1)
            return self._finals() if self._polished else self._polish(last)
        children = self._children(min(room, self.settings.population))
        finished = self._toolbox.race(children, self.population, window)
        everyone = self.population + finished
        self._toolbox.evaluate(everyone, window)
        size = min(self.settings.population, len(everyone))
        self.population = self._toolbox.select(everyone, size)
        self.generation += 1
        return self._recorded(len(everyone), len(children), len(window), len(finished))

    def result(self) -> SearchResult:
        """What was found so far; after the finals, what was found."""
        front = tools.ParetoFront()
        front.update(levels(self.population)[0] if self.population else [])
        return SearchResult(
            front=sorted(front, key=lambda one: (one.values, one.sha256)),
            population=list(self.population),
            history=self._history.rows,
            incidents=self._fitness.incidents,
            archive=[self._archived(one) for one in self._met.values()],
        )

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep what was computed since the last call; between two generations."""
        places = {sha256: place for place, sha256 in enumerate(self._met)}
        new = list(self._met.values())[self._kept :]
        fresh, rows = self._fitness.take_fresh()
        part = Part(
            genes=np.array([one.genes for one in new]),
            born=np.array([one.born for one in new], dtype=np.int64),
            parents=np.array([(*one.parents, "", "")[:2] for one in new], dtype=np.str_),
            pairs=np.array([(places[name], at) for name, at in fresh], dtype=np.int64),
            rows=rows,
        )
        state = {
            "generation": self.generation,
            "population": [places[one.sha256] for one in self.population],
            "values": [one.values for one in self.population],
            "reference": self._history.reference,
            "polished": self._polished,
            "finished": self._finished,
            "history": self._history.rows,
            "streams": stream_state(self._breeding.streams),
        }
        checkpoint.write(self._parts, part, state)
        self._parts += 1
        self._kept = len(self._met)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on where a search with the same arguments stood.

        Raises:
            InputError: there is no checkpoint, it is damaged, or of other code.
        """
        state, parts = checkpoint.read()
        for part in parts:
            self._restore_part(part)
        met = list(self._met.values())
        self.population = [met[place] for place in state["population"]]
        for one, values in zip(self.population, state["values"], strict=True):
            one.scored(values, self._fitness.breaches(one.policy))
        self.generation = int(state["generation"])
        self._polished = bool(state["polished"])
        self._finished = bool(state["finished"])
        self._history.restore(state["history"], state["reference"])
        set_streams(self._breeding.streams, state["streams"])
        self._parts, self._kept = len(parts), len(self._met)

    def _restore_part(self, part: Part) -> None:
        for genes, born, parents in zip(part.genes, part.born, part.parents, strict=True):
            named = tuple(str(name) for name in parents if name)
            one = self._breeding.made(genes, int(born), named)
            self._met[one.sha256] = one
        names = list(self._met)
        pairs = [(names[place], int(at)) for place, at in part.pairs.reshape(-1, 2)]
        self._fitness.restore(pairs, part.rows)

    def _room(self, window: Sequence[int]) -> int:
        """How many new genomes can still be scored on the window, the finals' part kept back.

        The finals need no more than the last population on all scenarios it has not met.
        """
        survivors = [one.policy for one in self.population]
        settings = self.settings
        kept = settings.incidents - settings.searched - settings.polished
        if survivors:
            kept = min(kept, self._fitness.cost(survivors, range(len(settings.families))))
        if not self._polished:
            kept += settings.polished
        left = self._fitness.remaining - kept
        return (left - self._fitness.cost(survivors, window)) // len(window)

    def _children(self, count: int) -> list[Individual]:
        if self.generation:
            found: list[Individual] = self._toolbox.breed(
                self.population, count, born=self.generation
            )
            return found
        return self._breeding.first(count, self.settings.start_from, self._start)

    def _raced(
        self, children: Sequence[Individual], opponents: Sequence[Individual], window: list[int]
    ) -> list[Individual]:
        """The children that are not clearly worse; the others are remembered as met."""
        settings = self.settings
        left = finishers(
            children, opponents, window, self._rows,
            stages=settings.racing, level=settings.racing_level,
        )
        for one in children:
            self._met.setdefault(one.sha256, one)
        return left

    def _rows(self, individuals: Sequence[Individual], scenarios: Sequence[int]) -> Floats:
        return self._fitness.rows([one.policy for one in individuals], scenarios)

    def _score(self, individuals: Sequence[Individual], window: Sequence[int]) -> None:
        """Give every individual its objectives on the window."""
        rows = self._rows(individuals, window)
        values = objective_values(rows, self.settings.objectives)
        for one, found in zip(individuals, values, strict=True):
            one.scored(found, self._fitness.breaches(one.policy))
            self._met.setdefault(one.sha256, one)

    def _polish(self, window: list[int]) -> dict[str, Any]:
        """CMA-ES on the numbers of the survivor with the least downtime and disruption together.

        What it finds joins the survivors, and the finals judge.
        """
        self._polished = True
        settings = self.settings
        some = window[: settings.polish_scenarios]
        start = min(self.population, key=lambda one: (one.breaches, self._both(one), one.sha256))
        found = polish(
            start,
            self._space,
            lambda individuals: self._rows(individuals, some),
            lambda genes: self._made(genes, start),
            rounds=settings.polish_rounds,
            candidates=POLISHED_AT_ONCE,
            seed=self._seed,
        )
        known = {one.sha256 for one in self.population}
        self.population += [one for one in found[-1:] if one.sha256 not in known]
        self._toolbox.evaluate(self.population, window)
        evaluated = len(self.population)
        size = min(settings.population, evaluated)
        self.population = self._toolbox.select(self.population, size)
        return self._recorded(evaluated, len(found), len(window), len(found))

    def _both(self, one: Individual) -> float:
        values = dict(zip(self.settings.objectives, one.values, strict=True))
        return values.get("downtime_s", 0.0) + values.get("disruption_s", 0.0)

    def _made(self, genes: Floats, parent: Individual) -> Individual:
        one = self._breeding.made(genes, self.generation, (parent.sha256[:12],))
        return self._met.setdefault(one.sha256, one)

    def _finals(self) -> dict[str, Any]:
        """Score the last population on as many scenarios as the rest of the budget allows.

        The scenarios seen last come first: survivors know most of them already.
        """
        last = self.generation - 1
        scenarios = self._rotation.window(last)
        policies = [one.policy for one in self.population]
        for scenario in self._rotation.before(last):
            if self._fitness.cost(policies, [*scenarios, scenario]) > self._fitness.remaining:
                break
            scenarios.append(scenario)
        self._toolbox.evaluate(self.population, scenarios)
        self.population = self._toolbox.select(self.population, len(self.population))
        self._finished = True
        return self._recorded(len(self.population), 0, len(scenarios))

    def _recorded(
        self, evaluated: int, children: int, scenarios: int, finished: int = 0
    ) -> dict[str, Any]:
        """Write the generation's row of the history, finals included (`children` 0)."""
        facts = {
            "generation": self.generation,
            "evaluations": evaluated,
            "children": children,
            "raced_out": children - finished,
            "distinct": self._fitness.distinct,
            "scenarios": scenarios,
            "breaching": sum(one.breaches > 0.0 for one in self.population),
            "incidents": self._fitness.incidents,
            "budget": self.settings.incidents,
        }
        return self._history.record(self.population, self.settings.objectives, facts)

    def _archived(self, one: Individual) -> Archived:
        rows = self._fitness.seen(one.policy)
        values = objective_values(rows[None], self.settings.objectives)[0]
        return Archived(one, tuple(float(value) for value in values), len(rows))
