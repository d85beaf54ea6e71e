"""What a policy is proven on: one system with its failures, or the frozen split's test parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hms.documents import load_yaml
from hms.errors import InputError, MissingError
from hms.experiments.plan import Prices
from hms.experiments.plan_file import LIBRARY, load_plan
from hms.experiments.run_directory import resolve_run
from hms.scenarios.generate import FailurePlan, can_strike
from hms.scenarios.model import Range
from hms.scenarios.split import SplitSizes, split_facts

if TYPE_CHECKING:
    from hms.scenarios.model import Scenario

FAMILIES = ("crash", "hang", "latency", "error", "memory_leak", "load_spike", "bad_deploy")
NEVER_TRAINED = ("slow", "partition")
START_S = Range(45.0, 90.0)
AT_ONCE = {1: 0.7, 2: 0.3}
"""Failures of a scenario that comes without an experiment: those of the shipped experiment."""
DEFAULT_SEED = "1"


@dataclass(frozen=True, slots=True)
class Place:
    """One system and the failures that may strike it.

    Attributes:
        source: the file or name that was asked for.
        split_sha256: which failures may be trained on here, hashed.
    """

    name: str
    source: str
    scenario: Scenario
    failures: FailurePlan
    seed: str
    prices: Prices

    @property
    def split_sha256(self) -> str:
        """Of families, system and seed; how many failures are drawn is no part of it."""
        facts = split_facts(
            self.failures.families, self.failures.never_trained, SplitSizes(0, 0, 0, 0),
            self.scenario.name, self.seed,
        )  # fmt: skip
        return str(facts["sha256"])


def place_of(name: str, overlays: Sequence[Path], seed: str | None) -> Place:
    """The system that `--topology` means: an experiment, a scenario, or a run's own copy.

    A shipped experiment comes before the shipped scenario of its name: it knows the overlays, the
    families and the prices.

    Raises:
        InputError: nothing has this name, or the file is wrong.
    """
    path = _experiment(name)
    if path is not None and not overlays:
        return _planned(name, path, seed)
    return _bare(name, overlays, seed or DEFAULT_SEED)


def _experiment(name: str) -> Path | None:
    path = Path(name)
    if path.is_file():
        data = load_yaml(path).data
        schema = data.get("schema") if isinstance(data, dict) else None
        return path if str(schema).startswith("hms.experiment/") else None
    shipped = LIBRARY / f"{name}.yaml"
    if shipped.is_file() and path.suffix == "":
        return shipped
    try:
        run = resolve_run(name)
    except MissingError:
        return None
    return run / "experiment.yaml" if (run / "experiment.yaml").is_file() else None


def _planned(name: str, path: Path, seed: str | None) -> Place:
    from hms.experiments.plan_file import seeded
    from hms.experiments.steps.scenarios import require_strikable
    from hms.experiments.steps.topology import load_topology

    plan = load_plan(path)
    if seed is not None:
        plan = seeded(plan, seed)
    system, _ = load_topology(plan)
    require_strikable(system, plan)
    return Place(system.name, name, system, plan.failures, plan.seed, plan.prices)


def _bare(name: str, overlays: Sequence[Path], seed: str) -> Place:
    from hms.experiments.single_run import find_scenario
    from hms.scenarios.load import load_scenario

    system = replace(load_scenario(find_scenario(name), overlays), faults=())
    families, never = (
        tuple(family for family in wanted if can_strike(system.midpoint(), family))
        for wanted in (FAMILIES, NEVER_TRAINED)
    )
    if not families:
        raise InputError(f"--topology {name}: no failure strikes anything in it")
    if START_S.high >= system.horizon_s:
        raise InputError(
            f"--topology {name}: its horizon of {system.horizon_s:g} s ends before a failure begins"
            f"\n    expected: an experiment file, whose `failures.start_s` suits it"
        )
    plan = FailurePlan(START_S, AT_ONCE, families, never, "drawn")
    return Place(system.name, name, system, plan, seed, Prices())
