"""The experiment file: what to evolve on, what to compare with, how much to spend.

docs/formats.md, "Experiment file". Everything but `name` and `topology` has a default, so that a
short file is a legal one. Paths are looked for beside the experiment file, then among the
files that the project ships, so that an experiment works from any folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hms.evolution.baselines import MADE, TODAY, names
from hms.experiments.plan_sweep import SweepPlan
from hms.scenarios.generate import FailurePlan
from hms.scenarios.split import SplitSizes

SCHEMA = "hms.experiment/1"
ALGORITHMS = ("nsga2",)
ENGINES = ("fluid",)
QUANTITIES = ("drawn", "midpoint")
STARTS = ("baselines", "random")
OBJECTIVES = ("downtime_s", "disruption_s", "cvar_s")
REPLAYED = ("held_out_median", "held_out_worst")
BASELINES = (TODAY, *names())
ALSO_FROM = 40_000


@dataclass(frozen=True, slots=True)
class TopologyPlan:
    """Where the system comes from.

    Attributes:
        scenario: a scenario file; None where manifests are imported.
        importer: "kubernetes" or "compose" with `manifests`, "" without.
        manifests: files and folders to import.
        overlays: partial scenario files merged over it, in order.
        quantities: drawn (each `between:` anew for each failure) or midpoint.
    """

    scenario: Path | None = None
    importer: str = ""
    manifests: tuple[Path, ...] = ()
    overlays: tuple[Path, ...] = ()
    quantities: str = "drawn"


@dataclass(frozen=True, slots=True)
class Budget:
    """Simulated incidents of the search, and how many scenarios each set has.

    Attributes:
        incidents_per_genome: training scenarios that a generation sees; 0: as the search says.
        overrides: whether overrides are searched too; None: as the search says.
    """

    name: str
    incidents: int
    train: int
    validation: int
    held_out: int
    held_out_never_trained: int
    incidents_per_genome: int = 0
    overrides: bool | None = None

    @property
    def sizes(self) -> SplitSizes:
        """Scenarios of each set."""
        return SplitSizes(
            self.train, self.validation, self.held_out, self.held_out_never_trained
        )

    def to_mapping(self) -> dict[str, int]:
        """The file's form."""
        seen = self.incidents_per_genome
        own = {"incidents_per_genome": seen} if seen else {}
        own |= {} if self.overrides is None else {"overrides": self.overrides}
        return {
            "incidents": self.incidents,
            "train": self.train,
            "validation": self.validation,
            "held_out": self.held_out,
            "held_out_never_trained": self.held_out_never_trained,
            **own,
        }


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How policies are searched for; `evolution.settings.SearchSettings` says what each means."""

    algorithm: str = "nsga2"
    engine: str = "fluid"
    population: int = 24
    incidents_per_genome: int = 16
    start_from: tuple[str, ...] = STARTS
    objectives: tuple[str, ...] = ("downtime_s", "disruption_s")
    overrides: bool = False
    racing: tuple[int, ...] = (8, 16, 32)
    rotation_share: float = 0.25
    polish_share: float = 0.1


@dataclass(frozen=True, slots=True)
class ChoosePlan:
    """How the champion is chosen among the finalists, on validation scenarios."""

    finalists: int = 12
    lowest: str = "downtime_s"
    disruption_s_at_most: float = 1.10


@dataclass(frozen=True, slots=True)
class ComparePlan:
    """What the champion is compared with, and how sure the intervals are.

    Attributes:
        baselines: at every budget.
        also: further ones, which the run makes and pays for, from `also_from` incidents on.
    """

    baselines: tuple[str, ...] = BASELINES
    also: tuple[str, ...] = MADE
    also_from: int = ALSO_FROM
    resamples: int = 10_000
    level: float = 0.95

    def stacks(self, incidents: int) -> tuple[str, ...]:
        """What is compared with at a budget, each once."""
        more = self.also if incidents >= self.also_from else ()
        return tuple(dict.fromkeys((*self.baselines, *more)))


@dataclass(frozen=True, slots=True)
class Prices:
    """What a second of each part of disruption costs."""

    out_of_service: float = 1.0
    added_replica: float = 0.1
    quality_loss: float = 1.0
    lost_in_flight: float = 1.0


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """A whole experiment; with the version of hms it determines a run bit for bit."""

    name: str
    seed: str
    topology: TopologyPlan
    failures: FailurePlan
    budgets: Mapping[str, Budget]
    search: SearchPlan
    choose: ChoosePlan
    compare: ComparePlan
    prices: Prices
    replayed: tuple[str, ...]
    file: str = ""
    sweep: SweepPlan | None = None

    def budget(self, wanted: str) -> Budget:
        """A named budget, or one of any number of incidents.

        A number takes the sets of the largest named budget that it reaches; below all of them
        the smallest one's sets shrink with it, to no less than one scenario a family.

        Raises:
            ValueError: neither a name nor a whole number of at least 1.
        """
        if wanted in self.budgets:
            return self.budgets[wanted]
        if not wanted.isdecimal() or int(wanted) < 1:
            raise ValueError(wanted)
        incidents = int(wanted)
        by_size = sorted(self.budgets.values(), key=lambda budget: budget.incidents)
        reached = [budget for budget in by_size if budget.incidents <= incidents]
        if reached:
            return replace(reached[-1], name=wanted, incidents=incidents)
        return self._shrunk(by_size[0], wanted, incidents)

    def _shrunk(self, smallest: Budget, name: str, incidents: int) -> Budget:
        share = incidents / smallest.incidents
        families, rest = len(self.failures.families), len(self.failures.never_trained)

        def size(full: int, groups: int) -> int:
            return max(groups, min(full, round(full * share / max(groups, 1)) * groups))

        return replace(
            smallest,
            name=name,
            incidents=incidents,
            train=size(smallest.train, families),
            validation=size(smallest.validation, families),
            held_out=size(smallest.held_out, families),
            held_out_never_trained=size(smallest.held_out_never_trained, rest),
        )

    def _also(self) -> dict[str, Any]:
        compare = self.compare
        if not compare.also:
            return {}
        also = {"baselines": list(compare.also), "from_incidents": compare.also_from}
        return {"also": also}

    def to_mapping(self, scenario: str) -> dict[str, Any]:
        """The file's form, everything said, with `scenario` as its only topology file."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "seed": self.seed,
            "topology": {"scenario": scenario, "quantities": self.topology.quantities},
            "failures": {
                "start_s": {"between": [self.failures.start_s.low, self.failures.start_s.high]},
                "at_once": dict(self.failures.at_once),
                "families": list(self.failures.families),
                "never_trained": list(self.failures.never_trained),
            },
            "budgets": {name: budget.to_mapping() for name, budget in self.budgets.items()},
            "search": {
                "algorithm": self.search.algorithm,
                "engine": self.search.engine,
                "population": self.search.population,
                "incidents_per_genome": self.search.incidents_per_genome,
                "start_from": list(self.search.start_from),
                "objectives": list(self.search.objectives),
                "overrides": self.search.overrides,
                "racing": list(self.search.racing),
                "rotation_share": self.search.rotation_share,
                "polish_share": self.search.polish_share,
            },
            "choose": {
                "set": "validation",
                "finalists": self.choose.finalists,
                "lowest": self.choose.lowest,
                "disruption_s_at_most": self.choose.disruption_s_at_most,
            },
            "compare": {
                "baselines": list(self.compare.baselines),
                **self._also(),
                "interval": {
                    "method": "paired_bootstrap",
                    "stratify": "family",
                    "resamples": self.compare.resamples,
                    "level": self.compare.level,
                },
            },
            "prices": {
                "out_of_service": self.prices.out_of_service,
                "added_replica": self.prices.added_replica,
                "quality_loss": self.prices.quality_loss,
                "lost_in_flight": self.prices.lost_in_flight,
            },
            "replay": {
                "engine": "actors",
                "hosts": "one_per_component",
                "incidents": list(self.replayed),
            },
            **({"sweep": self.sweep.to_mapping()} if self.sweep else {}),
        }


STANDARD_BUDGETS: Mapping[str, Budget] = {
    budget.name: budget
    for budget in (
        Budget("small", 10_000, 98, 56, 140, 40),
        Budget("standard", 40_000, 768, 112, 280, 80, 64, True),
        Budget("large", 200_000, 1536, 224, 400, 120, 64, True),
    )
}
