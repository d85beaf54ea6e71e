"""What a review finds: a rule broken at a place, a change that mends it, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hms.evolution.statistics import Interval
from hms.experiments.check.places import Place
from hms.scenarios.model import Fault

HIGH, MEDIUM, LOW, NOTE = "high", "medium", "low", "note"
SEVERITIES = (HIGH, MEDIUM, LOW, NOTE)
HIGH_S, MEDIUM_S, LOW_S = 10.0, 1.0, 0.05
"""Seconds of full outage an incident from which a finding is high, medium, low."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A failure in which the setting matters.

    Attributes:
        words: `crash of payment`.
        fault: what breaks; its start is drawn.
    """

    words: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Cost:
    """Downtime in a trial as it is and with the change, on the same draws, s of full outage.

    Attributes:
        saved: as it is minus changed, the mean with its interval.
        as_is_s, changed_s: means.
        unrecovered: share of the runs as it is that were not back by the end: the true cost is
            then larger, by as much as such an outage lasts.
        outlives, outlives_changed: shares of the runs, as it is and with the change, in which the
            outage lasts twice as long as its cause: a metastable failure.
    """

    trial: Trial
    saved: Interval
    as_is_s: float
    changed_s: float
    unrecovered: float = 0.0
    outlives: float = 0.0
    outlives_changed: float = 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a place breaks.

    Attributes:
        rule: its name, such as `retry-multiplication`.
        subject: a component, or `caller -> callee`.
        says: what is wrong here, with its numbers.
        change: a partial scenario that mends it; what is simulated is what is suggested.
        trials: failures in which it matters; the dearest is reported.
        also: the other places that take part.
        assumed: guesses that the finding stands on, for people.
        protocol: that a probed component speaks, "" where it is of no matter.
        cost: None while it is not simulated.
    """

    rule: str
    subject: str
    where: Place
    says: str
    change: Mapping[str, Any]
    trials: tuple[Trial, ...]
    also: tuple[Place, ...] = ()
    assumed: tuple[str, ...] = ()
    protocol: str = ""
    cost: Cost | None = field(default=None)

    @property
    def severity(self) -> str:
        """From what it costs: high, medium, low, or note where no cost was seen."""
        if self.cost is None or self.cost.saved.low <= 0.0 or self.cost.saved.mean < LOW_S:
            return NOTE
        if self.cost.saved.mean >= HIGH_S:
            return HIGH
        return MEDIUM if self.cost.saved.mean >= MEDIUM_S else LOW

    @property
    def is_proven(self) -> bool:
        """Whether the change surely helped in simulation."""
        return self.severity != NOTE

    @property
    def rank(self) -> tuple[float, str, str]:
        """Sorting: the dearest first."""
        saved_s = self.cost.saved.mean if self.cost and self.is_proven else 0.0
        return -saved_s, self.rule, self.subject
