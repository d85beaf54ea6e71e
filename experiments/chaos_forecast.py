"""What chaos files would do to a system: many runs with them, each beside one without.

Every seed draws anew what is only known as a range, and what a selector leaves to chance. Its run
without chaos has the same quantities and the same random numbers, so that the difference is the
chaos. Who is hurt, where it began and whether it outlives its cause is what the detectors say
(docs/detectors.md), which are not told the faults. A component that they do not find hurt may be
starved: it answers less than `FEWER` of what it answers without chaos, as its callers are hurt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hms.experiments.simulation import recorded
from hms.experiments.single_run import FLUID, find_scenario, policy_named
from hms.scenarios.split import IncidentId, keyed_uniform

if TYPE_CHECKING:
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.scenarios.chaos.experiment import Experiment
    from hms.scenarios.chaos.loss import Lost
    from hms.scenarios.detectors.collapse import Probability
    from hms.scenarios.detectors.examination import Examination
    from hms.scenarios.model import Scenario
    from hms.scenarios.outcome import Outcome

FEWER = 0.5
LEAST_RPS = 0.1
"""Below this a component is not called often enough to say that it is starved."""

LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True, slots=True)
class Trial:
    """One seed: the system with chaos and without.

    Attributes:
        scenario: with its faults.
        found: what the detectors say of the run with chaos.
        hurt_s, starved_s: seconds in which each component was hurt, and was starved.
        down_s: seconds in which each entry broke its promise.
    """

    scenario: Scenario
    struck: Outcome
    calm: Outcome
    found: Examination | None
    hurt_s: dict[str, float]
    starved_s: dict[str, float]
    down_s: dict[str, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over seeds: the middle one, and what one in twenty is below and above."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """The spread of one value for each seed."""
        low, median, high = np.quantile(np.asarray(values, dtype=float), [LOW, 0.5, HIGH])
        return Spread(float(median), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Forecast:
    """The trials of all seeds.

    Attributes:
        experiments: how many objects the files hold.
        guessed: how many quantities are drawn anew for each seed.
        lost: what the files say and a scenario cannot.
    """

    name: str
    policy: str
    engine: str
    seed: str
    files: tuple[str, ...]
    experiments: int
    guessed: int
    trials: tuple[Trial, ...]
    lost: tuple[Lost, ...]

    def spread(self, figure: str, calm: bool = False) -> Spread:
        """A column of the outcomes over the seeds."""
        outcomes = [trial.calm if calm else trial.struck for trial in self.trials]
        return Spread.of([float(getattr(outcome, figure)) for outcome in outcomes])

    def verdicts(self) -> dict[str, int]:
        """How many seeds ended how, best first."""
        found = [trial.struck.verdict for trial in self.trials]
        return {name: found.count(name) for name in ("recovered", "degraded", "collapsed")}

    @property
    def collapse(self) -> Probability:
        """The probability that it ends collapsed, with its interval over seeds."""
        from hms.scenarios.detectors.collapse import collapse_probability

        return collapse_probability([trial.struck.verdict for trial in self.trials])

    @property
    def metastable(self) -> int:
        """In how many seeds it stays down although nothing is wrong any more."""
        return sum(1 for t in self.trials if t.found is not None and t.found.metastable is not None)

    def back_s(self) -> tuple[Spread | None, int]:
        """Time to recover over the seeds that did, and how many did not."""
        back = [t.struck.time_to_recover_s for t in self.trials if t.struck.recovered]
        return (Spread.of(back) if back else None), len(self.trials) - len(back)

    def typical(self) -> Trial:
        """The trial in the middle by availability."""
        ordered = sorted(self.trials, key=lambda trial: trial.struck.availability)
        return ordered[len(ordered) // 2]


def forecast(
    scenario: str, overlays: Sequence[Path], faults: Sequence[str], chaos: Sequence[Path],
    policy: str, seed: str, seeds: int, engine: str = FLUID,
) -> Forecast:
    """Run a scenario under chaos files, `seeds` times.

    Raises:
        ScenarioError: the scenario, an overlay or a fault is wrong.
        ManifestError: a chaos file is wrong, or strikes nothing that the scenario has.
        PolicyError: there is no such policy.
    """
    from hms.scenarios.chaos.experiment import read_experiments
    from hms.scenarios.load import load_scenario

    loaded = load_scenario(find_scenario(scenario), overlays, faults)
    experiments = read_experiments(chaos)
    name, found = policy_named(policy, loaded.midpoint())
    lost: dict[Lost, None] = {}
    trials = []
    for number in range(seeds):
        incident = IncidentId("simulate", "chaos", number)
        trial, rows = _trial(loaded, experiments, found, incident, seed, engine)
        trials.append(trial)
        lost |= dict.fromkeys(rows)
    guessed = sum(1 for _ in loaded.ranges())
    files = tuple(str(file) for file in chaos)
    return Forecast(
        loaded.name, name, engine, seed, files, len(experiments), guessed, tuple(trials),
        tuple(lost),
    )  # fmt: skip


def _trial(
    loaded: Scenario, experiments: Sequence[Experiment], policy: HealingPolicy,
    incident: IncidentId, seed: str, engine: str,
) -> tuple[Trial, tuple[Lost, ...]]:
    """One seed: what chance leaves open is keyed by its number."""
    from hms.experiments.report.incident_text import examined
    from hms.scenarios.chaos.translate import with_chaos

    drawn = loaded.drawn(lambda path: keyed_uniform(seed, incident, f"quantity {path}"))
    struck = with_chaos(drawn, experiments, f"{seed}/{incident.index}")
    calm = replace(struck.scenario, faults=drawn.faults)
    with_it, without = (
        _outcome(each, policy, incident.seed(seed), engine) for each in (struck.scenario, calm)
    )
    found = examined(struck.scenario, with_it)
    names = [n for n, c in struck.scenario.components.items() if c.kind != "client"]
    hurt_s, down_s = dict.fromkeys(names, 0.0), {}
    if found is not None:
        hurt_s |= {each.name: float(each.for_s) for each in found.blast.components}
        down_s = {each.name: float(each.for_s) for each in found.blast.entries}
    starved_s = _starved(with_it, without, struck.scenario, hurt_s)
    return Trial(struck.scenario, with_it, without, found, hurt_s, starved_s, down_s), struck.lost


def _outcome(scenario: Scenario, policy: HealingPolicy, seed: int, engine: str) -> Outcome:
    """One recorded run."""
    from hms.scenarios.compile import compile_scenario

    compiled = compile_scenario(scenario, seed)
    if engine == FLUID:
        return recorded(policy, compiled, scenario)
    from hms.scenarios.engines.request import run
    from hms.scenarios.policy_tables import tables

    return run(compiled, tables(policy, scenario), record=True)


def _starved(
    struck: Outcome, calm: Outcome, scenario: Scenario, hurt_s: dict[str, float]
) -> dict[str, float]:
    """Seconds in which each component that is not hurt gets much less to do than without chaos."""
    line, quiet = struck.timeline, calm.timeline
    fewer = (line["ok_rps"] < FEWER * quiet["ok_rps"]) & (quiet["ok_rps"] > LEAST_RPS)
    fewer &= (line["t_s"] >= scenario.warm_up_s)[:, None]
    seconds = dict(zip(struck.components, fewer.sum(axis=0), strict=True))
    return {name: 0.0 if hurt else float(seconds[name]) for name, hurt in hurt_s.items()}


def forecast_mapping(told: Forecast) -> dict[str, Any]:
    """What `--json` prints."""
    back, never = told.back_s()
    names = list(told.trials[0].hurt_s)
    return {
        "scenario": told.name,
        "policy": told.policy,
        "chaos": list(told.files),
        "experiments": told.experiments,
        "engine": told.engine,
        "seed": told.seed,
        "seeds": len(told.trials),
        "quantities_drawn": told.guessed,
        "horizon_s": told.trials[0].scenario.horizon_s,
        "verdicts": told.verdicts(),
        "collapse_probability": {
            "share": told.collapse.share, "low": told.collapse.low, "high": told.collapse.high
        },
        "metastable_in_seeds": told.metastable,
        "availability": _spread_mapping(told.spread("availability")),
        "availability_without_chaos": _spread_mapping(told.spread("availability", calm=True)),
        "slo_violation_s": _spread_mapping(told.spread("slo_violation_s")),
        "downtime_s": _spread_mapping(told.spread("downtime_s")),
        "time_to_recover_s": _spread_mapping(back) if back else None,
        "not_recovered": never,
        "blast_radius": {
            name: {
                "hurt_s": _spread_mapping(Spread.of([t.hurt_s[name] for t in told.trials])),
                "starved_s": _spread_mapping(Spread.of([t.starved_s[name] for t in told.trials])),
                "hurt_in_seeds": sum(1 for t in told.trials if t.hurt_s[name] > 0.0),
            }
            for name in names
        },
        "lost": [row.mapping() for row in told.lost],
    }


def _spread_mapping(spread: Spread) -> dict[str, float]:
    return {"median": spread.median, "low": spread.low, "high": spread.high}
