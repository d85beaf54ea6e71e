"""How far the calibrated scenario still is from what was measured.

It runs without faults on the engine of means; the time that each component's requests take there
(Little: present / answered) is compared with the measured one. What is left is waiting that the
model forms otherwise, or time that no fitted quantity stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hms.experiments.calibration.fitted import Calibration

if TYPE_CHECKING:
    from hms.scenarios.model import Scenario
    from hms.scenarios.outcome import Outcome

HORIZON_S, WARM_UP_S = 120.0, 30.0


@dataclass(frozen=True, slots=True)
class Left:
    """One component: time in it as measured and as the calibrated scenario has it, in seconds."""

    name: str
    measured_s: float
    model_s: float

    @property
    def error(self) -> float:
        """Relative: model over measured, minus 1."""
        return self.model_s / self.measured_s - 1.0


def left_over(scenario: Scenario, found: Calibration) -> list[Left]:
    """The error of each component whose time was measured, the largest first."""
    from hms.evolution.baselines import today_policy
    from hms.experiments.simulation import recorded
    from hms.scenarios.compile import compile_scenario

    calm = replace(
        scenario.midpoint(), faults=(), horizon_s=HORIZON_S, warm_up_s=WARM_UP_S
    )
    outcome = recorded(today_policy(calm).policy, compile_scenario(calm), calm)
    left = list(_compared(outcome, found))
    return sorted(left, key=lambda each: -abs(each.error))


def _compared(outcome: Outcome, found: Calibration) -> Iterator[Left]:
    line = outcome.timeline
    measured = line["t_s"] >= WARM_UP_S
    for i, name in enumerate(outcome.components):
        station = found.stations.get(name)
        if station is None or station.seen_s is None or station.seen_s <= 0.0:
            continue
        answered = float((line["ok_rps"] + line["bad_out_rps"])[measured, i].sum())
        present = float(line["present"][measured, i].sum())
        if answered > 0.0:
            yield Left(name, station.seen_s, present / answered)
