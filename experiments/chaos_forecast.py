"""What chaos files would do to a system: many runs with them, each beside one without.

Every seed draws anew what is only known as a range, and what a selector leaves to chance. Its run
without chaos has the same quantities and the same random numbers, so that the difference is the
chaos. A component is hurt in a second in which it answers wrongly more often than without (by
`WRONG`) or none of its replicas serves; it is starved in another one in which it answers less than
`FEWER` of what it answers without: whoever calls it is hurt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hms.experiments.simulation import recorded
from hms.experiments.single_run import find_scenario, policy_named
from hms.scenarios.split import IncidentId, keyed_uniform

if TYPE_CHECKING:
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.scenarios.chaos.experiment import Experiment
    from hms.scenarios.chaos.loss import Lost
    from hms.scenarios.model import Scenario
    from hms.scenarios.outcome import Array, Outcome

WRONG = 0.05
FEWER = 0.5
LEAST_RPS = 0.1
"""Below this a component is not called often enough to say that it is hurt."""

LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True, slots=True)
class Trial:
    """One seed: the system with chaos and without.

    Attributes:
        scenario: with its faults.
        hurt_s, starved_s: seconds in which each component was hurt, and was starved.
    """

    scenario: Scenario
    struck: Outcome
    calm: Outcome
    hurt_s: dict[str, float]
    starved_s: dict[str, float]


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
    policy: str, seed: str, seeds: int,
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
        trial, rows = _trial(loaded, experiments, found, IncidentId("simulate", "chaos", number),
                             seed)  # fmt: skip
        trials.append(trial)
        lost |= dict.fromkeys(rows)
    guessed = sum(1 for _ in loaded.ranges())
    files = tuple(str(file) for file in chaos)
    return Forecast(
        loaded.name, name, seed, files, len(experiments), guessed, tuple(trials), tuple(lost)
    )


def _trial(
    loaded: Scenario, experiments: Sequence[Experiment], policy: HealingPolicy,
    incident: IncidentId, seed: str,
) -> tuple[Trial, tuple[Lost, ...]]:
    """One seed: what chance leaves open is keyed by its number."""
    from dataclasses import replace

    from hms.scenarios.chaos.translate import with_chaos
    from hms.scenarios.compile import compile_scenario

    drawn = loaded.drawn(lambda path: keyed_uniform(seed, incident, f"quantity {path}"))
    struck = with_chaos(drawn, experiments, f"{seed}/{incident.index}")
    calm = replace(struck.scenario, faults=drawn.faults)
    engine_seed = incident.seed(seed)
    with_it, without = (
        recorded(policy, compile_scenario(each, engine_seed), each)
        for each in (struck.scenario, calm)
    )
    hurt_s, starved_s = _damage(with_it, without, struck.scenario)
    return Trial(struck.scenario, with_it, without, hurt_s, starved_s), struck.lost


def _damage(
    struck: Outcome, calm: Outcome, scenario: Scenario
) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds in which each component was hurt, and in which it was starved."""
    line, quiet = struck.timeline, calm.timeline
    wrong = _wrong_share(line) > _wrong_share(quiet) + WRONG
    down = (line["serving"] <= 0.0) & (quiet["serving"] > 0.0)
    fewer = (line["ok_rps"] < FEWER * quiet["ok_rps"]) & (quiet["ok_rps"] > LEAST_RPS)
    measured = (line["t_s"] >= scenario.warm_up_s)[:, None]
    hurt = (wrong | down) & measured
    seconds = [hurt.sum(axis=0), (fewer & measured & ~hurt).sum(axis=0)]
    kinds = {name: part.kind for name, part in scenario.components.items()}
    inside = [
        (i, n) for i, n in enumerate(struck.components) if kinds.get(n, "client") != "client"
    ]
    hurt_s, starved_s = ({name: float(each[i]) for i, name in inside} for each in seconds)
    return hurt_s, starved_s


def _wrong_share(line: dict[str, Array]) -> Array:
    """The share of wrong answers of each second and component; 0 where nobody asks."""
    ended = line["ok_rps"] + line["bad_out_rps"]
    return np.where(ended > LEAST_RPS, line["bad_out_rps"] / np.maximum(ended, LEAST_RPS), 0.0)


def forecast_mapping(told: Forecast) -> dict[str, Any]:
    """What `--json` prints."""
    back, never = told.back_s()
    names = list(told.trials[0].hurt_s)
    return {
        "scenario": told.name,
        "policy": told.policy,
        "chaos": list(told.files),
        "experiments": told.experiments,
        "seed": told.seed,
        "seeds": len(told.trials),
        "quantities_drawn": told.guessed,
        "horizon_s": told.trials[0].scenario.horizon_s,
        "verdicts": told.verdicts(),
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
