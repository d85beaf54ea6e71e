"""Who is hurt, second by second, whoever is to blame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hms.scenarios.detectors.illness import ERRORS
from hms.scenarios.detectors.normal import Normal, ended_well, ratio, summed
from hms.scenarios.telemetry import Telemetry

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TWICE = 2.0
LATE_S = 0.02


def hurt_components(seen: Telemetry, normal: Normal) -> Flags:
    """Components that fail more, take twice as long, or answer nobody while requests wait.

    Shape (seconds, components); clients are never among them.
    """
    parts = seen.components
    answered, came = summed(parts.ok + parts.failed), summed(parts.arrivals)
    bad = summed(parts.failed + parts.refused)
    share = ratio(bad, np.maximum(came, answered))
    fails = (share > np.minimum(normal.of(share), ERRORS) + ERRORS) & (bad >= 0.5)
    residence_s = ratio(summed(parts.residence_time_s), answered)
    usual_s = normal.of(residence_s)
    limit = TWICE + 4.0 / np.sqrt(np.maximum(answered, 1.0))
    slow = residence_s > limit * usual_s + LATE_S
    usual = normal.of(parts.present)
    silent = (answered < 0.1 * came) & (came >= 3.0) & (parts.present > 2.0 * usual + 3.0)
    return (fails | slow | silent) & ~seen.client


def hurt_entries(seen: Telemetry, availability: float) -> Flags:
    """Entries that answer too few well, (seconds, entries); down as docs/formats.md means it."""
    good, ended = ended_well(seen)
    return (ended > 1e-9) & (good < availability * ended - 1e-9)
