"""All that the detectors say of one run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hms.scenarios.detectors.blast_radius import BlastRadius, measure_blast_radius
from hms.scenarios.detectors.cascade import Cascade, trace_cascade
from hms.scenarios.detectors.first_cause import Cause, first_cause
from hms.scenarios.detectors.harm import hurt_components, hurt_entries
from hms.scenarios.detectors.illness import find_illness
from hms.scenarios.detectors.metastable import MetastableEnd, find_metastable_end
from hms.scenarios.detectors.normal import ended_well, learn_normal
from hms.scenarios.detectors.timing import Times, measure_times
from hms.scenarios.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised, the strictest of all entries: the only thing that detectors are told."""

    availability: float = 0.99
    stable_for_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Examination:
    """What happened.

    Attributes:
        cause: what it began with; None where nobody fell ill by himself.
        cascade: what the cause spread to; None without a cause.
        metastable: the metastable state that the run ends in, if it does.
        times: of the first outage; None if no promise was broken.
    """

    cause: Cause | None
    cascade: Cascade | None
    blast: BlastRadius
    metastable: MetastableEnd | None
    times: Times | None


def examine(
    seen: Telemetry,
    promise: Promise,
    warm_up_s: float = 0.0,
    noticed_s: Iterable[float] = (),
    trigger_ended_s: float | None = None,
) -> Examination:
    """Read a run.

    Args:
        seen: a recorded run's `outcome.telemetry`.
        warm_up_s: what happens before counts nowhere.
        noticed_s: when agents decided something, from the event log.
        trigger_ended_s: when the trigger ended, where that is known; else it is inferred.
    """
    normal = learn_normal(seen, warm_up_s)
    illness = find_illness(seen, normal)
    hurt = hurt_components(seen, normal)
    cause = first_cause(seen, illness, normal.first)
    good, ended = ended_well(seen)
    good_in_all, ended_in_all = good.sum(axis=1), ended.sum(axis=1)
    down = (ended_in_all > 1e-9) & (good_in_all < promise.availability * ended_in_all - 1e-9)
    entries = hurt_entries(seen, promise.availability)
    return Examination(
        cause,
        trace_cascade(seen, hurt, cause, normal.first) if cause else None,
        measure_blast_radius(seen, hurt, entries, normal.first),
        find_metastable_end(seen, normal, illness, trigger_ended_s),
        measure_times(down, normal.first, promise.stable_for_s, noticed_s),
    )
