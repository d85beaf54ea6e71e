"""A review: every rule asked, every finding's change simulated, the dearest first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from hms.experiments.check.findings import Finding
from hms.experiments.check.rules import RULES
from hms.experiments.check.system import System

DRAWS = 40
SIMULATED_MOST = 100
"""Findings of which the cost is simulated; whoever has more mends these first."""


@dataclass(frozen=True, slots=True)
class Review:
    """What was found.

    Attributes:
        findings: the dearest first; those whose change did not help in simulation come last.
        draws: of each simulated failure.
        unwell: draws passed over, since they break the promise even at rest.
        wall_s: how long the review took.
    """

    system: System
    findings: tuple[Finding, ...]
    draws: int
    unwell: int
    seed: str
    wall_s: float

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
    made, unwell, priced = _priced(found, system, seed, draws)
    ordered = tuple(sorted(priced, key=lambda finding: finding.rank))
    return Review(system, ordered, made, unwell, seed, time.monotonic() - started)


def _priced(
    found: Sequence[Finding], system: System, seed: str, draws: int
) -> tuple[int, int, list[Finding]]:
    """Draws of each trial, draws passed over, the findings with their costs."""
    if not found:
        return 0, 0, []
    from hms.experiments.check.cost import Trials, draws_for

    simulated = list(found[:SIMULATED_MOST])
    trials = Trials(system.scenario, seed, min(draws, draws_for(simulated)))
    priced = [trials.priced(each) for each in simulated] + list(found[SIMULATED_MOST:])
    return len(trials.draws), trials.unwell, priced
