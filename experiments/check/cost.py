"""What a finding costs: the same failures, drawn alike, as it is and with the change.

Each draw takes every quantity that is only known as a range, the moment of the failure and the
engine's seed from a hash of (seed, number, quantity), so that both sides of a pair differ in the
change alone, and a finding more or less moves no other's figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hms.documents import Document
from hms.errors import HmsError
from hms.evolution.statistics import Interval, mean_interval
from hms.experiments.check.engines import runner
from hms.experiments.check.findings import Cost, Finding, Trial
from hms.experiments.single_run import FLUID
from hms.experiments.todays_settings import todays_tables
from hms.scenarios.compile import CompiledScenario, compile_scenario
from hms.scenarios.load import parse_scenario, scenario_to_mapping
from hms.scenarios.model import Fault, Scenario
from hms.scenarios.outcome import Outcome
from hms.scenarios.overlay import merge
from hms.scenarios.policy_tables import PolicyTables
from hms.scenarios.split import IncidentId, keyed_uniform

SPLIT = "check"
FEWEST_DRAWS = 12
MOST_WORK = 20_000
"""Runs times components of all trials together, about six seconds of processor time: more
findings get fewer draws each, and of very many only the first are simulated."""
WARM_UP_S = 20.0
START_S = (30.0, 45.0)  # the moment of a failure meets every phase of a probe's period
HORIZON_S = 180.0
SUGGESTION = "suggestion"


def plan(findings: Sequence[Finding], components: int) -> tuple[list[Finding], int]:
    """Which findings are simulated, and how many draws each of their trials gets."""
    draws = MOST_WORK // max(1, components)  # if there were one run a draw
    simulated: list[Finding] = []
    runs = 0
    for finding in findings:
        more = 2 * len(finding.trials)
        if simulated and (runs + more) * FEWEST_DRAWS > draws:
            break
        simulated.append(finding)
        runs += more
    return simulated, max(FEWEST_DRAWS, draws // max(1, runs))


def changed(scenario: Scenario, change: Mapping[str, Any]) -> Scenario:
    """The scenario with a partial one laid over it, as `--overlay` would.

    Raises:
        HmsError: a rule suggested what a scenario file may not hold.
    """
    data = scenario_to_mapping(scenario)
    overlay = Document({"schema": data["schema"], **change}, SUGGESTION)
    merged, problems = parse_scenario(merge(data, overlay))
    if merged is None:
        raise HmsError(f"a suggestion cannot be read: {'; '.join(map(str, problems))}")
    return merged


@dataclass(frozen=True)
class Draw:
    """One world out of the ranges of a scenario.

    Attributes:
        number: keys its random numbers.
    """

    number: int
    seed: str

    @property
    def incident(self) -> IncidentId:
        """What its engine's seed hangs on."""
        return IncidentId(SPLIT, "draw", self.number)

    def u(self, path: str) -> float:
        """A number in [0, 1) for one quantity."""
        return keyed_uniform(self.seed, self.incident, path)

    def compiled(self, world: Scenario, faults: tuple[Fault, ...]) -> CompiledScenario:
        """A failure, ready to run.

        Args:
            world: a scenario without ranges, `scenario.drawn(draw.u)`.
        """
        return compile_scenario(replace(world, faults=faults), self.incident.seed(self.seed))

    @property
    def start_s(self) -> float:
        """When its failure begins."""
        return START_S[0] + self.u("start") * (START_S[1] - START_S[0])


class Trials:
    """Runs trials on one scenario under its settings of today.

    A draw that keeps its promise at rest is needed: in a world that guesses made too small for its
    own load, no failure can be priced. Such draws are passed over and counted; where there are
    no others, they are used.

    Args:
        seed: of all that is drawn.
        draws: of each trial.
        engine: a name in `engines.ENGINES`.
    """

    def __init__(self, scenario: Scenario, seed: str, draws: int, engine: str = FLUID) -> None:
        self._run = runner(engine)
        self._scenario = _short(scenario)
        self._seed = seed
        self._tables = todays_tables(self._scenario.midpoint())
        self._worlds: dict[int, Scenario] = {}  # as it is, by number of the draw
        self.draws, self.looked, self.unwell = self._well(draws)

    def priced(self, finding: Finding) -> Finding:
        """The finding with the cost of its dearest trial."""
        other = changed(self._scenario, finding.change)
        tables = todays_tables(other.midpoint())
        costs = [self._cost(trial, other, tables) for trial in finding.trials]
        return replace(finding, cost=max(costs, key=lambda cost: cost.saved.mean))

    def _well(self, wanted: int) -> tuple[tuple[Draw, ...], int, int]:
        """The first draws that are well at rest, how many were looked at, how many are not."""
        well: list[Draw] = []
        for number in range(2 * wanted):
            draw = Draw(number, self._seed)
            at_rest = self._run(draw.compiled(self._world(draw), ()), self._tables, False)
            if at_rest.slo_violation_s <= 0.0:
                well.append(draw)
            if len(well) == wanted:
                return tuple(well), number + 1, number + 1 - wanted
        looked, unwell = 2 * wanted, 2 * wanted - len(well)
        if len(well) < FEWEST_DRAWS:
            well = [Draw(number, self._seed) for number in range(wanted)]
        return tuple(well), looked, unwell

    def _world(self, draw: Draw) -> Scenario:
        """The system as it is, in one draw."""
        if draw.number not in self._worlds:
            self._worlds[draw.number] = self._scenario.drawn(draw.u)
        return self._worlds[draw.number]

    def _cost(self, trial: Trial, other: Scenario, tables: PolicyTables) -> Cost:
        as_is, mended = [], []
        for draw in self.draws:
            faults = (replace(trial.fault, start_s=draw.start_s),)
            now = draw.compiled(self._world(draw), faults)
            as_is.append(self._run(now, self._tables, False))
            then = draw.compiled(other.drawn(draw.u), faults)
            mended.append(self._run(then, tables, False))
        saved = [a.downtime_s - b.downtime_s for a, b in zip(as_is, mended, strict=True)]
        return Cost(
            trial,
            interval_of(saved, self._seed),
            float(np.mean([each.downtime_s for each in as_is])),
            float(np.mean([each.downtime_s for each in mended])),
            float(np.mean([not each.recovered for each in as_is])),
            _outlives(as_is, trial.fault.duration_s),
            _outlives(mended, trial.fault.duration_s),
        )


def _outlives(outcomes: Sequence[Outcome], duration_s: float) -> float:
    """The share of outages that last more than twice as long as their cause."""
    return float(np.mean([each.time_to_recover_s > 2.0 * duration_s for each in outcomes]))


def _short(scenario: Scenario) -> Scenario:
    """Without its own faults, and no longer than one failure and its end take."""
    return replace(scenario, faults=(), horizon_s=HORIZON_S, warm_up_s=WARM_UP_S)


def interval_of(values: Sequence[float], seed: str) -> Interval:
    """The mean and its bootstrap interval, 95 %."""
    return mean_interval(values, [SPLIT] * len(values), seed=seed, resamples=2000)
