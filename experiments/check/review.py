"""A review: every rule asked, every finding's change simulated, the dearest first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hms.errors import ScenarioError
from hms.experiments.check.findings import Finding
from hms.experiments.check.rules import RULES
from hms.experiments.check.system import System
from hms.experiments.single_run import FLUID

DRAWS = 30


@dataclass(frozen=True, slots=True)
class Review:
    """What was found.

    Attributes:
        findings: the dearest first; those whose change did not help in simulation come last.
        draws: of each simulated failure.
        looked, unwell: draws looked at, and those of them that break the promise even at rest.
        wall_s: how long the review took.
        engine: that simulated it.
        refused: why the engine could not run the system, "" where it could: no cost is known.
    """

    system: System
    findings: tuple[Finding, ...]
    draws: int
    looked: int
    unwell: int
    seed: str
    wall_s: float
    engine: str = FLUID
    refused: str = ""

    @property
    def proven(self) -> tuple[Finding, ...]:
        """Findings of which the change helped in simulation."""
        return tuple(finding for finding in self.findings if finding.is_proven)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Wrong by the rule, and simulated without a cost."""
        return tuple(each for each in self.findings if each.cost and not each.is_proven)

    @property
    def unpriced(self) -> tuple[Finding, ...]:
        """Wrong by the rule, and not simulated."""
        return tuple(each for each in self.findings if each.cost is None)


def find(system: System) -> list[Finding]:
    """What the rules find, unpriced, in the order of the rules' table."""
    return [finding for rule in RULES.values() for finding in rule.find(system)]


def review(
    system: System,
    seed: str = "0",
    draws: int = DRAWS,
    everything: bool = False,
    engine: str = FLUID,
) -> Review:
    """Review a system's settings of today.

    Args:
        draws: of each simulated failure at most; a system with many findings gets fewer.
        everything: simulate all findings, however long that takes.
        engine: a name in `engines.ENGINES`.
    """
    started = time.monotonic()
    found = _most_visited_first(find(system), system)
    unpriced = Review(system, tuple(found), 0, 0, 0, seed, 0.0, engine)
    priced = _priced(unpriced, draws, everything) if found else unpriced
    ordered = tuple(sorted(priced.findings, key=lambda finding: finding.rank))
    return replace(priced, findings=ordered, wall_s=time.monotonic() - started)


def _priced(unpriced: Review, draws: int, everything: bool) -> Review:
    """The findings with their costs, or why none could be simulated."""
    from hms.experiments.check.cost import Trials, plan

    system, found = unpriced.system, unpriced.findings
    simulated, fewer = plan(found, len(system.components))
    if everything:
        simulated = list(found)
    try:
        trials = Trials(system.scenario, unpriced.seed, min(draws, fewer), unpriced.engine)
    except ScenarioError as refused:  # what the engine cannot run; the findings stand as they are
        return replace(unpriced, refused=str(refused))
    return replace(
        unpriced,
        findings=(*map(trials.priced, simulated), *found[len(simulated) :]),
        draws=len(trials.draws),
        looked=trials.looked,
        unwell=trials.unwell,
    )


def _most_visited_first(found: Sequence[Finding], system: System) -> list[Finding]:
    """One of each rule, then the second of each, …; within a rule by how often it is called."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in found:
        by_rule.setdefault(finding.rule, []).append(finding)
    placed = []
    for group in by_rule.values():
        group.sort(key=lambda each: -system.visits[each.subject.rpartition("-> ")[2]])
        placed += list(enumerate(group))
    return [finding for _, finding in sorted(placed, key=lambda pair: pair[0])]
