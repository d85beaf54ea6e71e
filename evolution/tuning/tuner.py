"""One tuner's way through its budget: the search's windows, races and finals, one number to judge.

A tuner that met other scenarios, or fewer of them, than the search would lose for that. So it
gets what the search gets: incidents counted by `Fitness`, windows that rotate over all training
scenarios, races that drop what is clearly worse, finals on as many scenarios as are left. Only
where the next candidates come from differs (`Proposals`), and that one number ranks them: mean
downtime against a reference policy on the same scenarios, with disruption above what a champion
may cost beside that reference taken away again tenfold, as in the polish.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.backends import Backend
from hms.evolution.fitness import Fitness
from hms.evolution.gate import allowed_disruption_s
from hms.evolution.genome import Space
from hms.evolution.individual import Individual
from hms.evolution.objectives import column
from hms.evolution.polish import PENALTY
from hms.evolution.racing import finishers
from hms.evolution.rotation import Rotation
from hms.evolution.settings import SearchSettings

Floats = NDArray[np.float64]
Progress = Callable[[dict[str, Any]], None]

DOWNTIME, DISRUPTION = column("downtime_s"), column("disruption_s")
BREACHES = column("breaches")
BREACH_S = 1e6  # what a safety breach costs: nothing can be gained by one
IDLE_TURNS = 50  # turns in a row that simulate nothing: there is nothing new to propose


class Proposals(Protocol):
    """Where candidates come from."""

    def ask(self, count: int, best: Sequence[Floats]) -> list[Floats]:
        """`count` genomes; `best` are the survivors' so far, the lowest cost first."""
        ...

    def tell(self, genomes: Sequence[Floats], costs: Sequence[float]) -> None:
        """What the genomes of the last `ask` cost, in their order; less is better."""
        ...


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a tuner found.

    Attributes:
        policy: the lowest cost of the finals.
        cost_s: its cost against the reference, on the finals' scenarios.
        incidents: simulated incidents, within 1 % of the budget and never above it.
        log: a row a turn: turn, incidents, tried, finished, scenarios, best_cost_s.
        costs_s: of every policy met, by hash, on the scenarios it met last.
    """

    policy: HealingPolicy
    cost_s: float
    incidents: int
    log: list[dict[str, Any]]
    costs_s: dict[str, float]


class Tuner:
    """Spends a budget on one kind of proposals.

    Args:
        proposals: where candidates come from.
        settings: the search's own: its budget, windows, races and finals.
        backend: simulates; the result does not depend on which one it is.
        seed: the search's, so that the windows are the same.
        reference: policy that costs are differences to.
    """

    def __init__(
        self,
        proposals: Proposals,
        settings: SearchSettings,
        backend: Backend,
        seed: str,
        space: Space,
        reference: HealingPolicy,
    ) -> None:
        self.settings = settings
        self.survivors: list[Individual] = []
        self.turn = 0
        self.log: list[dict[str, Any]] = []
        self._proposals = proposals
        self._space = space
        self._reference = reference
        self._fitness = Fitness(backend, settings.set_name, settings.incidents)
        self._rotation = Rotation(
            settings.families, settings.scenarios, settings.rotation_share, seed
        )
        self._costs_s: dict[str, float] = {}
        self._idle = 0

    def run(self, progress: Progress | None = None) -> Tuned:
        """Spend the budget; `progress` gets each row of the log."""
        while self._advance():
            if progress is not None:
                progress(self.log[-1])
        self._finals()
        if progress is not None:
            progress(self.log[-1])
        best = self.survivors[0]
        return Tuned(best.policy, best.values[0], self._fitness.incidents, self.log, self._costs_s)

    def _advance(self) -> bool:
        """One turn: new candidates against the survivors; False when the finals are due."""
        window = self._rotation.window(self.turn)
        room = min(self._room(window), self.settings.population)
        if room < 1 or self._idle >= IDLE_TURNS:
            return False
        before = self._fitness.incidents
        genomes = self._proposals.ask(room, [one.genes for one in self.survivors])
        children = [Individual(genes, self._space.decode(genes), 1) for genes in genomes]
        settings = self.settings
        left = finishers(
            children,
            self.survivors,
            window,
            self._rows,
            stages=settings.racing,
            level=settings.racing_level,
        )
        self._score([*self.survivors, *left], window)
        finished = {one.sha256 for one in left}
        for one in children:
            if one.sha256 not in finished:
                self._score([one], self._met(one, window))
        self._proposals.tell(genomes, [one.values[0] for one in children])
        self._keep([*self.survivors, *left])
        self._idle = self._idle + 1 if self._fitness.incidents == before else 0
        self.turn += 1
        self._record(len(children), len(left), len(window))
        return True

    def _room(self, window: Sequence[int]) -> int:
        """New candidates that the window can still be paid for, the finals' part kept back."""
        settings = self.settings
        known = [self._reference, *(one.policy for one in self.survivors)]
        every = self._fitness.cost(known, range(len(settings.families)))
        again = self._fitness.cost(known, window)
        kept = min(round(settings.incidents * settings.finals_share), every - again)
        return (self._fitness.remaining - again - kept) // len(window)

    def _met(self, one: Individual, window: Sequence[int]) -> list[int]:
        """The beginning of the window that a dropped candidate has met."""
        stages = [stage for stage in self.settings.racing if stage < len(window)]
        met = [s for s in stages if not self._fitness.cost([one.policy], window[:s])]
        return list(window[: max(met)])

    def _rows(self, individuals: Sequence[Individual], scenarios: Sequence[int]) -> Floats:
        return self._fitness.rows([one.policy for one in individuals], scenarios)

    def _score(self, individuals: Sequence[Individual], scenarios: Sequence[int]) -> None:
        policies = [self._reference, *(one.policy for one in individuals)]
        rows = self._fitness.rows(policies, scenarios)
        for one, cost in zip(individuals, costs_s(rows[1:], rows[0]), strict=True):
            one.scored((float(cost),))
            self._costs_s[one.sha256] = float(cost)

    def _keep(self, individuals: Sequence[Individual]) -> None:
        """The lowest costs, each policy once; of equals, the one met first."""
        distinct = list({one.sha256: one for one in reversed(individuals)}.values())[::-1]
        distinct.sort(key=lambda one: one.values)
        self.survivors = distinct[: self.settings.population]

    def _finals(self) -> None:
        """The survivors on as many scenarios as the rest of the budget allows."""
        last = max(0, self.turn - 1)
        scenarios = self._rotation.window(last)
        policies = [self._reference, *(one.policy for one in self.survivors)]
        for scenario in self._rotation.before(last):
            if self._fitness.cost(policies, [*scenarios, scenario]) > self._fitness.remaining:
                break
            scenarios.append(scenario)
        self._score(self.survivors, scenarios)
        self._keep(self.survivors)
        self._record(0, len(self.survivors), len(scenarios))

    def _record(self, tried: int, finished: int, scenarios: int) -> None:
        self.log.append(
            {
                "turn": self.turn,
                "incidents": self._fitness.incidents,
                "budget": self.settings.incidents,
                "tried": tried,
                "finished": finished,
                "scenarios": scenarios,
                "best_cost_s": self.survivors[0].values[0],
            }
        )


def costs_s(rows: Floats, reference: Floats) -> Floats:
    """Mean downtime against the reference, tenfold the disruption it may not cost, and breaches.

    Args:
        rows: shape (policies, scenarios, columns).
        reference: shape (scenarios, columns), of the same scenarios.

    Returns:
        Shape (policies,), seconds; 0 for the reference itself.
    """
    downtime_s = (rows[:, :, DOWNTIME] - reference[:, DOWNTIME]).mean(axis=1)
    allowed_s = allowed_disruption_s(float(reference[:, DISRUPTION].mean()))
    beyond_s = np.maximum(0.0, rows[:, :, DISRUPTION].mean(axis=1) - allowed_s)
    breaches = rows[:, :, BREACHES].mean(axis=1)
    return np.asarray(downtime_s + PENALTY * beyond_s + BREACH_S * breaches)
