"""Where a policy or a topology named on the command line comes from.

P is a policy file, a run (its folder, its id, or `latest`) or the name of a baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hms.agents.policy.healing_policy import HealingPolicy
from hms.documents import Problem, nearest, read
from hms.errors import MissingError, PolicyError
from hms.evolution.baselines.stacks import load as load_baseline
from hms.evolution.baselines.stacks import names as baseline_names
from hms.experiments.run_directory import resolve_run
from hms.scenarios.load import load_scenario
from hms.scenarios.model import Scenario

POLICY_FILE = "policy.yaml"
SCENARIO_FILE = "scenario.yaml"


@dataclass(frozen=True, slots=True)
class Found:
    """A policy and where it was found.

    Attributes:
        source: a file's name, or `baseline envoy`.
        run: the run it came from, None otherwise.
    """

    policy: HealingPolicy
    source: str
    run: Path | None = None

    @property
    def name(self) -> str:
        """What the policy calls itself, else where it was found."""
        return str(self.policy.about.get("name", "")) or self.source


def find_policy(name: str) -> Found:
    """The policy that P means: a file, then a baseline, then a run.

    Raises:
        PolicyError: nothing has this name, or the file is not a valid policy.
        MissingError: the run is there but has no policy yet.
    """
    path = Path(name)
    if path.is_file() or looks_like_file(name):
        return Found(read_policy(path), name)
    if name in baseline_names():
        return Found(load_baseline(name).policy, f"baseline {name}")
    try:
        run = resolve_run(name)
    except MissingError as missing:
        if name == "latest" or path.is_dir():
            raise
        raise PolicyError([_unknown(name, str(missing))]) from missing
    policy_file = run / POLICY_FILE
    if not policy_file.is_file():
        raise MissingError(f"{run} has no {POLICY_FILE}: the run ended before it chose a policy")
    return Found(read_policy(policy_file), str(policy_file), run)


def read_policy(path: Path) -> HealingPolicy:
    """The policy in a file; all of its mistakes are raised together.

    Raises:
        PolicyError: the file is missing or wrong.
    """
    return read(path, HealingPolicy.parse, PolicyError)


def looks_like_file(name: str) -> bool:
    """Whether somebody who typed this meant a file, so that a typing error is told as one."""
    return Path(name).suffix in (".yaml", ".yml", ".json")


def scenario_of(run: Path | None) -> Scenario | None:
    """The topology that a run carries; None without a run, or where it carries none."""
    if run is None or not (run / SCENARIO_FILE).is_file():
        return None
    return load_scenario(run / SCENARIO_FILE)


def _unknown(name: str, no_run: str) -> Problem:
    expected = (
        "a policy file, a run (folder, id or latest) or a baseline"
        f" ({', '.join(baseline_names())}); {no_run}"
    )
    return Problem((), f"no policy `{name}`", expected, nearest(name, baseline_names()))
