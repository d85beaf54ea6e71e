"""One incident under one policy: what `hms simulate` and `hms compare` run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hms.documents import nearest
from hms.errors import ScenarioError
from hms.evolution.baselines import TODAY, today_policy
from hms.experiments.event_words import Event, read_events
from hms.scenarios.split import IncidentId

if TYPE_CHECKING:
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.scenarios.compile import CompiledScenario
    from hms.scenarios.model import Scenario
    from hms.scenarios.outcome import Outcome

FLUID, ACTORS = "fluid", "actors"
ENGINES = (FLUID, ACTORS)
SHIPPED = Path(__file__).resolve().parents[1] / "scenarios" / "library"
OVERLAY = ".overlay"


@dataclass(frozen=True, slots=True)
class Incident:
    """A concrete scenario, ready to run.

    Attributes:
        guessed: how many quantities were ranges and are taken at their midpoints.
    """

    scenario: Scenario
    compiled: CompiledScenario
    guessed: int
    seed: str


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of it."""

    policy: str
    outcome: Outcome
    events: tuple[Event, ...]


def find_scenario(name: str) -> Path:
    """A scenario file, or a shipped one by its name.

    Raises:
        ScenarioError: neither; the message names the nearest.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = {
        found.stem: found for found in sorted(SHIPPED.glob("*.yaml")) if OVERLAY not in found.stem
    }
    if name in shipped:
        return shipped[name]
    beside = [each.name for each in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
    near = nearest(path.name, [*shipped, *beside])
    hint = f"nearest: {near}" if near else f"shipped: {', '.join(shipped)}"
    raise ScenarioError(
        f"no scenario file {name}\n    expected: a file, or a shipped name; {hint}"
    )


def prepare(
    name: str, overlays: Sequence[Path], seed: str, faults: Sequence[str] = ()
) -> Incident:
    """Load a scenario, take the midpoints of what is not known, compile it.

    Args:
        faults: to add to the scenario's own, as `--fault` takes them.

    Raises:
        ScenarioError: the file, an overlay or a fault is wrong, or there is none of that name.
    """
    from hms.scenarios.compile import compile_scenario
    from hms.scenarios.load import load_scenario

    loaded = load_scenario(find_scenario(name), overlays, faults)
    scenario = loaded.midpoint()
    engine_seed = IncidentId("simulate", "file", 0).seed(seed)
    guessed = sum(1 for _ in loaded.ranges())
    return Incident(scenario, compile_scenario(scenario, engine_seed), guessed, seed)


def policy_named(name: str, scenario: Scenario) -> tuple[str, HealingPolicy]:
    """A policy file, a run, a baseline, or `today`: the platform and the scenario's settings.

    Raises:
        PolicyError: there is no such policy, or it is wrong.
    """
    from hms.experiments.export.sources import find_policy

    if name == TODAY:
        return TODAY, today_policy(scenario).policy
    return name, find_policy(name).policy


def run_incident(incident: Incident, policy_name: str, engine: str = FLUID) -> Ran:
    """Run it; `actors` lets real agents decide, in this process; other names are added engines."""
    from hms.experiments.simulation import recorded, recorded_today
    from hms.experiments.todays_settings import todays_tables
    from hms.scenarios.added import added_engines
    from hms.scenarios.policy_tables import tables

    name, policy = policy_named(policy_name, incident.scenario)
    if engine == ACTORS:
        from hms.agents.mac.virtual_time import replay

        outcome, _ = replay(incident.compiled, policy, incident.scenario, 1)
    elif engine != FLUID:
        run = added_engines()[engine]
        today = name == TODAY
        scenario = incident.scenario
        tabled = todays_tables(scenario) if today else tables(policy, scenario)
        outcome = run(incident.compiled, tabled, record=True)
    elif name == TODAY:
        outcome = recorded_today(incident.compiled, incident.scenario)
    else:
        outcome = recorded(policy, incident.compiled, incident.scenario)
    compiled = incident.compiled
    events = tuple(read_events(outcome.events, compiled.names, compiled.edge_names))
    return Ran(name, outcome, events)
