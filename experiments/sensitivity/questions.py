"""What `hms sensitivity` asks: of a scenario its verdicts, of a run whether its champion stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hms.errors import MissingError, ScenarioError
from hms.evolution.baselines import TODAY
from hms.experiments.fault_words import short_text
from hms.experiments.sensitivity.study import Case, Question
from hms.experiments.single_run import find_scenario, policy_named
from hms.scenarios.families import FAMILIES
from hms.scenarios.generate import FailurePlan, draw_failures, untargetable
from hms.scenarios.load import load_scenario
from hms.scenarios.model import Range, Scenario
from hms.scenarios.split import IncidentId

SPLIT = "sensitivity"
START = Range(60.0, 60.0)
LATEST_START = 1.0 / 3.0  # of the horizon
INCIDENTS_OF_A_RUN = 8


def question_of(
    name: str, overlays: Sequence[Path], faults: Sequence[str], policy: str, seed: str
) -> Question:
    """The question about a scenario or, where no scenario has this name, a run.

    Raises:
        ScenarioError: it is neither, or the scenario is wrong.
        PolicyError: there is no such policy.
    """
    run = _run_named(name)
    if run is not None:
        if overlays or faults or policy != TODAY:
            what = f"{name} is a run: its scenario, failures and policies are its own"
            raise ScenarioError(f"{what}\n    expected: no --policy, --overlay or --fault")
        return _about_run(run, seed)
    loaded = load_scenario(find_scenario(name), overlays, faults)
    policies = (policy_named(policy, loaded.midpoint()),)
    cases = (_own(loaded, seed),) if loaded.faults else _drawn(loaded, seed)
    return Question(loaded, cases, policies, seed)


def _run_named(name: str) -> Path | None:
    """The run of this name; None where it is a scenario."""
    from hms.experiments.run_directory import resolve_run

    try:
        find_scenario(name)
    except ScenarioError as no_scenario:
        try:
            return resolve_run(name)
        except MissingError as no_run:
            if name == "latest" or Path(name).is_dir():
                raise
            raise ScenarioError(f"{no_scenario}; {no_run}") from no_run
    return None


def _own(loaded: Scenario, seed: str) -> Case:
    label = ", ".join(short_text(fault) for fault in loaded.faults)
    return Case(label, loaded.faults, IncidentId(SPLIT, "file", 0).seed(seed))


def _drawn(loaded: Scenario, seed: str) -> tuple[Case, ...]:
    """A fault of each family that finds a target, drawn at midpoints."""
    start = min(START.low, loaded.horizon_s * LATEST_START)
    plans = {
        family: FailurePlan(Range(start, start), {1: 1.0}, (family,), quantities="midpoint")
        for family in FAMILIES
    }
    return tuple(
        _case(loaded, plan, IncidentId(SPLIT, family, 0), seed)
        for family, plan in plans.items()
        if not untargetable(loaded, plan)
    )


def _case(loaded: Scenario, plan: FailurePlan, incident: IncidentId, seed: str) -> Case:
    struck = draw_failures(loaded, plan, incident.split, incident.family, incident.index, seed)
    faults = struck.faults
    return Case(", ".join(short_text(each) for each in faults), faults, incident.seed(seed))


def _about_run(path: Path, seed: str) -> Question:
    """Champion against the best baseline, on faults drawn as the run's held-out ones were."""
    from dataclasses import replace

    from hms.evolution.baselines import load, today_policy
    from hms.experiments.frames import load_run
    from hms.experiments.plan_file import load_plan

    run = load_run(path)
    loaded = load_scenario(path / "scenario.yaml")
    failures = load_plan(path / "experiment.yaml").failures
    plan = replace(failures, quantities="midpoint")
    families = plan.families
    incidents = [
        IncidentId(SPLIT, families[i % len(families)], i // len(families))
        for i in range(INCIDENTS_OF_A_RUN)
    ]
    cases = tuple(_case(loaded, plan, each, seed) for each in incidents)
    best = run.best_baseline
    rival = (today_policy(loaded.midpoint()) if best == TODAY else load(best)).policy
    return Question(loaded, cases, (("champion", run.policy), (best, rival)), seed)
