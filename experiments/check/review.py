"""A review: every rule asked, every finding's change simulated, the dearest first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hms.errors import ScenarioError
from hms.experiments.check.findings import Finding
from hms.experiments.check.rules import RULES
from hms.experiments.check.system import System

DRAWS = 30
SIMULATED_MOST = 100
"""Findings of which the cost is simulated; whoever has more mends these first."""


@dataclass(frozen=True, slots=True)
class Review:
    """What was found.

    Attributes:
        findings: the dearest first; those whose change did not help in simulation come last.
        draws: of each simulated failure.
        looked, unwell: draws looked at, and those of them that break the promise even at rest.
        wall_s: how long the review took.
        refused: why the engine could not run the system, "" where it could: no cost is known.
    """

    system: System
    findings: tuple[Finding, ...]
    draws: int
    looked: int
    unwell: int
    seed: str
    wall_s: float
    refused: str = ""

    @property
    def proven(self) -> tuple[Finding, ...]:
        """Findings of which the change helped in simulation."""
        return tuple(finding for finding in self.findings if finding.is_proven)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """The others: wrong by the rule, without a cost that simulation saw."""
        return tuple(finding for finding in self.findings if not finding.is_proven)


def find(system: System) -> list[Finding]:
    """What the rules find, unpriced, in the order of the rules' table."""
    return [finding for rule in RULES.values() for finding in rule.find(system)]


def review(system: System, seed: str = "0", draws: int = DRAWS) -> Review:
    """Review a system's settings of today.

    Args:
        draws: of each simulated failure at most; a system with many findings gets fewer.
    """
    started = time.monotonic()
    found = find(system)
    priced = _priced(found, system, seed, draws)
    ordered = tuple(sorted(priced.findings, key=lambda finding: finding.rank))
    return replace(priced, findings=ordered, wall_s=time.monotonic() - started)


def _priced(found: Sequence[Finding], system: System, seed: str, draws: int) -> Review:
    """The findings with their costs, or why none could be simulated."""
    unpriced = Review(system, tuple(found), 0, 0, 0, seed, 0.0)
    if not found:
        return unpriced
    from hms.experiments.check.cost import Trials, draws_for

    simulated = found[:SIMULATED_MOST]
    try:
        trials = Trials(system.scenario, seed, min(draws, draws_for(simulated)))
    except ScenarioError as refused:  # what the engine cannot run; the findings stand as they are
        return replace(unpriced, refused=str(refused))
    priced = [trials.priced(each) for each in simulated] + list(found[SIMULATED_MOST:])
    return replace(
        unpriced,
        findings=tuple(priced),
        draws=len(trials.draws),
        looked=trials.looked,
        unwell=trials.unwell,
    )
