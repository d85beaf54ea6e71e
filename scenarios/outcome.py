"""What a run reports: downtime, availability, recovery, and what healing itself cost."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hms.scenarios.telemetry import Telemetry

Array = npt.NDArray[np.float64]

COLUMNS = (
    "downtime_s",
    "slo_violation_s",
    "availability",
    "time_to_recover_s",
    "recovered",
    "disruption_s",
    "out_of_service_s",
    "added_replica_s",
    "quality_loss_s",
    "lost_in_flight_s",
    "restarts",
    "offered",
    "good",
    "bad",
    "end_availability",
    "breaches",
)
"""The columns of `Outcome.row`, in order."""

ADDED_REPLICA_PRICE = 0.1
RECOVERED_FROM = 0.95
DEGRADED_FROM = 0.5


@dataclass(slots=True)
class Outcome:
    """One run's results. Seconds of downtime are seconds of full outage of all entries.

    Attributes:
        availability: good answers of first attempts offered after the warm-up.
        time_to_recover_s: from the first down second at or after the first fault to the first
            second of a stable recovery; 0 if never down; the rest of the horizon if not recovered.
        disruption_s: its four parts, priced (the prices of docs/formats.md unless told otherwise).
        breaches: acts that took a component's last serving replica while clients' SLO was kept,
            or that were beyond the guard's limits.
        verdict: from the last 15 s: recovered, degraded or collapsed.
        timeline: with `record`: per second `t_s`, `offered_rps`, `good_rps`, `bad_rps`, and
            `present`, `ok_rps`, `bad_out_rps`, `serving` of shape (seconds, components).
        components: names for the timeline's columns.
        events: with `record`: the event log, its last line a digest of all states.
        telemetry: with `record`: what monitoring would have shown.
    """

    downtime_s: float
    slo_violation_s: float
    availability: float
    time_to_recover_s: float
    recovered: bool
    disruption_s: float
    out_of_service_s: float
    added_replica_s: float
    quality_loss_s: float
    lost_in_flight_s: float
    restarts: float
    offered: float
    good: float
    bad: float
    end_availability: float
    breaches: float
    timeline: dict[str, Array] = field(default_factory=dict)
    components: tuple[str, ...] = ()
    events: list[str] = field(default_factory=list)
    telemetry: Telemetry | None = None

    @property
    def verdict(self) -> str:
        """recovered, degraded or collapsed, from the availability of the last 15 s."""
        return verdict_of(self.end_availability)

    def row(self) -> Array:
        """The values of `COLUMNS`, float64."""
        return np.array([float(getattr(self, name)) for name in COLUMNS])


def verdict_of(end_availability: float) -> str:
    """The verdict for an availability in the last seconds."""
    if end_availability >= RECOVERED_FROM:
        return "recovered"
    return "degraded" if end_availability >= DEGRADED_FROM else "collapsed"
