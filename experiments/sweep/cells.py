"""The combinations of a sweep, and the scenario of each."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from hms.documents import Problem, nearest
from hms.errors import ExperimentError
from hms.experiments.plan_sweep import ENGINE, FAMILY, POLICY, WORDS, SweepPlan, Value
from hms.scenarios.load import parse_scenario
from hms.scenarios.write import scenario_to_mapping

if TYPE_CHECKING:
    from hms.scenarios.model import Scenario

TODAY, FLUID = "today", "fluid"


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination.

    Attributes:
        index: its place, the last factor fastest.
        values: by factor.
        scenario: the system with the factors' values in place; failures are drawn into it.
        families: of the failures, in turn.
    """

    index: int
    values: dict[str, Value]
    scenario: Scenario
    families: tuple[str, ...]

    @property
    def policy(self) -> str:
        """A baseline's name, a policy file or a run; today's settings unless it is a factor."""
        return str(self.values.get(POLICY, TODAY))

    @property
    def engine(self) -> str:
        """`fluid` unless it is a factor."""
        return str(self.values.get(ENGINE, FLUID))

    @property
    def text(self) -> str:
        """`policy ladder, workload/0/rate_rps 80`."""
        return ", ".join(f"{name} {value}" for name, value in self.values.items())


def cells(sweep: SweepPlan, system: Scenario, families: tuple[str, ...], file: str) -> list[Cell]:
    """Every combination, its scenario checked.

    Raises:
        ExperimentError: a place is not in the scenario, or a value is refused there.
    """
    data = scenario_to_mapping(system)
    made: dict[tuple[tuple[str, Value], ...], Scenario] = {}
    found = []
    for index, values in enumerate(_combinations(sweep)):
        places = tuple((name, value) for name, value in values.items() if name not in WORDS)
        if places not in made:
            made[places] = _changed(data, places, file) if places else system
        family = values.get(FAMILY)
        chosen = (str(family),) if family is not None else families
        found.append(Cell(index, values, made[places], chosen))
    return found


def _combinations(sweep: SweepPlan) -> Iterator[dict[str, Value]]:
    names = list(sweep.factors)
    for values in product(*sweep.factors.values()):
        yield dict(zip(names, values, strict=True))


def _changed(data: Any, places: tuple[tuple[str, Value], ...], file: str) -> Scenario:
    changed = deepcopy(data)
    for place, value in places:
        _set(changed, place, value, file)
    scenario, problems = parse_scenario(changed)
    if scenario is None:
        told = [
            Problem(
                ("sweep", "factors"), f"with {_words(places)}: {problem.what}", problem.expected,
                problem.nearest,
            )
            for problem in problems
        ]
        raise ExperimentError(told, file)
    return scenario


def _set(data: Any, place: str, value: Value, file: str) -> None:
    """Put a value at a place. What a scenario names must be there; its settings need not be."""
    keys = place.split("/")
    at = data
    for depth, key in enumerate(keys[:-1]):
        names = [str(i) for i in range(len(at))] if isinstance(at, list) else list(at)
        if key not in names and depth < 2:
            what = f"the scenario has no `{'/'.join(keys[: depth + 1])}`"
            raise ExperimentError(
                [Problem(("sweep", "factors"), what, ", ".join(names[:8]), nearest(key, names))],
                file,
            )
        at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
        if not isinstance(at, dict | list):
            what = f"nothing can be set inside `{'/'.join(keys[: depth + 1])}`"
            raise ExperimentError([Problem(("sweep", "factors"), what)], file)
    if isinstance(at, list):
        what = f"`{place}` is a whole entry of a list"
        raise ExperimentError([Problem(("sweep", "factors"), what, f"{place}/KEY")], file)
    at[keys[-1]] = value


def _words(places: tuple[tuple[str, Value], ...]) -> str:
    return ", ".join(f"{name} {value}" for name, value in places)
