"""What every translation of an injection needs: the system, the chances, the loss table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hms.scenarios.chaos.experiment import Injection
from hms.scenarios.chaos.loss import Ledger
from hms.scenarios.chaos.selection import Chance, Struck, select
from hms.scenarios.model import Edge, Scenario

Entry = dict[str, Any]
"""One entry of the `faults` of a scenario file."""

DEFAULT_S = 60.0
"""How long an experiment without a duration lasts, before somebody deletes it."""


@dataclass(frozen=True, slots=True)
class Context:
    """The system that is struck; it is concrete, without ranges."""

    scenario: Scenario
    chance: Chance
    ledger: Ledger

    def struck(self, injection: Injection, *below: str) -> list[Struck]:
        """What the selector of the spec, or of a mapping below it, strikes."""
        return select(injection, self.scenario, self.chance, self.ledger, *below)

    def lasting(self, injection: Injection) -> Entry:
        """`start_s` and `duration_s` of an injection that lasts."""
        duration_s = injection.duration_s
        if duration_s is None:
            why = "it lasts until somebody deletes it"
            done = f"taken as deleted after {DEFAULT_S:g} s"
            self.ledger.lost(injection, ("duration",), "", why, done)
            duration_s = DEFAULT_S
        return {"start_s": injection.start_s, "duration_s": duration_s}

    def edges_to(self, component: str) -> list[Edge]:
        """The edges over which a component is called."""
        return [edge for edge in self.scenario.edges if edge.callee == component]

    def edges_from(self, component: str) -> list[Edge]:
        """The edges over which a component calls."""
        return [edge for edge in self.scenario.edges if edge.caller == component]


def milliseconds(seconds: float) -> float:
    """Seconds in the unit of a scenario file, in at most twelve digits."""
    return float(f"{seconds * 1e3:.12g}")


def tidy(value: float) -> float:
    """A number in at most twelve digits."""
    return float(f"{value:.12g}")
