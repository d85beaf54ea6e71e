"""Who meets the held-out failures: the champion and everything it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import InputError
from hms.evolution.baselines import LAST_CHAMPION, TODAY, last_champion, load, names
from hms.experiments.export.sources import find_policy, read_policy

if TYPE_CHECKING:
    from hms.experiments.proof.places import Place
    from hms.experiments.proof.subject import Subject
    from hms.scenarios.model import Scenario
    from hms.scenarios.policy_tables import PolicyTables

CHAMPION = "champion"
TUNED_FOLDER = "tuned"
"""Where a run keeps the baselines that it tuned."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One of those who are compared.

    Attributes:
        policy: what it does; None: each edge and component with today's own settings.
    """

    name: str
    policy: HealingPolicy | None
    footnote: str = ""

    def tables(self, scenario: Scenario) -> PolicyTables:
        """Its settings for a system."""
        from hms.experiments.todays_settings import todays_tables
        from hms.scenarios.policy_tables import tables

        return todays_tables(scenario) if self.policy is None else tables(self.policy, scenario)


def stacks_of(
    subject: Subject, places: Sequence[Place], against: Sequence[str]
) -> tuple[Stack, ...]:
    """The champion first, then every baseline.

    Args:
        against: further policies to compare with: files, runs.

    Raises:
        InputError: two have the same name.
    """
    found = [Stack(CHAMPION, subject.policy)]
    if any(states_settings(place.scenario) for place in places):
        found.append(Stack(TODAY, None))
    for name in names():
        baseline = load(name)
        found.append(Stack(name, baseline.policy, baseline.footnote))
    champion = last_champion()
    if champion is not None and champion.policy.sha256 != subject.policy.sha256:
        found.append(Stack(LAST_CHAMPION, champion.policy, champion.footnote))
    for path in _tuned(subject.run):
        found.append(Stack(path.stem, read_policy(path)))
    for name in against:
        other = find_policy(name)
        label = Path(name).stem if Path(name).suffix else name
        found.append(Stack(label, other.policy))
    twice = {stack.name for stack in found if [s.name for s in found].count(stack.name) > 1}
    if twice:
        raise InputError(f"two policies are called {', '.join(sorted(twice))}: rename one file")
    return tuple(found)


def states_settings(scenario: Scenario) -> bool:
    """Whether a system's files say anything about resilience today."""
    edges = any(edge.today for edge in scenario.edges)
    return edges or any(component.today for component in scenario.components.values())


def _tuned(run: Path | None) -> list[Path]:
    folder = None if run is None else run / TUNED_FOLDER
    return sorted(folder.glob("*.yaml")) if folder is not None and folder.is_dir() else []
