"""Scenarios of the library, changed in a few places and run on an engine under today's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hms.documents import load_yaml
from hms.errors import HmsError
from hms.experiments.todays_settings import todays_tables
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines import fluid, request
from hms.scenarios.load import parse_scenario
from hms.scenarios.outcome import Outcome
from hms.scenarios.split import IncidentId

if TYPE_CHECKING:
    from hms.scenarios.model import Scenario

PUBLISHED = Path(__file__).resolve().parents[2] / "scenarios" / "library" / "published"

RUN: Mapping[str, Callable[..., Outcome]] = {"fluid": fluid.run, "request": request.run}

Changes = Mapping[str, Any]
"""Values by place, as `edges/gateway -> server/retry/max_attempts`; None takes a key away."""


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Where rows are run.

    Attributes:
        library: folder of the scenario files.
        seed_offset: another offset gives other random numbers, and should give the same verdicts.
    """

    library: Path = PUBLISHED
    seed_offset: int = 0

    def scenario(self, file: str, changes: Changes | None = None) -> Scenario:
        """The scenario of a library file with values changed.

        Raises:
            HmsError: no such file or place, or what comes out is no valid scenario.
        """
        data = deepcopy(load_yaml(self.library / f"{file}.yaml").data)
        for place, value in (changes or {}).items():
            _set(data, place.split("/"), value, f"{file}.yaml: {place}")
        scenario, problems = parse_scenario(data)
        if scenario is None:
            raise HmsError(f"{file}.yaml, changed: {problems[0]}")
        return scenario

    def runs(
        self, engine: str, file: str, changes: Changes | None = None, seeds: int = 1
    ) -> list[Outcome]:
        """Recorded runs with seeds of their own, the same ones whenever this is called."""
        scenario = self.scenario(file, changes)
        settings = todays_tables(scenario)
        run = RUN[engine]
        found = []
        for index in range(self.seed_offset, self.seed_offset + seeds):
            seed = IncidentId("fidelity", file, index).seed("published")
            found.append(run(compile_scenario(scenario, seed), settings, record=True))
        return found


def _set(data: Any, keys: list[str], value: Any, told: str) -> None:
    for key in keys[:-1]:
        data = data[int(key)] if isinstance(data, list) else data.setdefault(key, {})
        if not isinstance(data, dict | list):
            raise HmsError(f"{told}: nothing can be set inside {key}")
    if value is None:
        data.pop(keys[-1], None)
    elif isinstance(data, list):
        data[int(keys[-1])] = value
    else:
        data[keys[-1]] = value
