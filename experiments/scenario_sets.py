"""The scenarios of an experiment, drawn and compiled: training, validation, held-out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hms.experiments.simulation import Case
from hms.scenarios.split import SPLITS, IncidentId

if TYPE_CHECKING:
    from hms.scenarios.compile import CompiledScenario
    from hms.scenarios.generate import FailurePlan
    from hms.scenarios.model import Scenario


@dataclass(slots=True)
class ScenarioSet:
    """One set, in index order.

    Attributes:
        incidents: which failures they are.
        scenarios: the system with its faults in place, without ranges.
        compiled: the same as arrays.
    """

    name: str
    incidents: list[IncidentId] = field(default_factory=list)
    scenarios: list[Scenario] = field(default_factory=list)
    compiled: list[CompiledScenario] = field(default_factory=list)

    @property
    def cases(self) -> list[Case]:
        """What a worker needs of each incident."""
        topology = self.scenarios[0] if self.scenarios else None
        return [Case(each, topology) for each in self.compiled if topology is not None]

    @property
    def ids(self) -> tuple[str, ...]:
        """`held_out/hang/3`, …"""
        return tuple(str(incident) for incident in self.incidents)

    @property
    def families(self) -> tuple[str, ...]:
        """The family of each scenario."""
        return tuple(incident.family for incident in self.incidents)


def compile_sets(
    topology: Scenario, plan: FailurePlan, incidents: Iterable[IncidentId], seed: str
) -> Iterator[dict[str, ScenarioSet]]:
    """Draw and compile every incident; after each, the sets so far."""
    from hms.scenarios.compile import compile_scenario
    from hms.scenarios.generate import draw_failures

    sets = {name: ScenarioSet(name) for name in SPLITS}
    for incident in incidents:
        scenario = draw_failures(
            topology, plan, incident.split, incident.family, incident.index, seed
        )
        found = sets[incident.split]
        found.incidents.append(incident)
        found.scenarios.append(scenario)
        found.compiled.append(compile_scenario(scenario, incident.seed(seed)))
        yield sets
