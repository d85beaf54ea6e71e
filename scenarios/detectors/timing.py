"""Time to detect, to mitigate and to recover, all from the first down second after the warm-up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds; None where it never came to that.

    Attributes:
        down_at_s: the first down second.
        detect_s: until an agent found somebody ill, a breaker opened or somebody acted; 0 where
            that came before anybody outside noticed.
        mitigate_s: until the promise was first kept again for a second.
        recover_s: until it was kept from then on for `stable_for_s`.
    """

    down_at_s: int
    detect_s: float | None
    mitigate_s: float | None
    recover_s: float | None


def measure_times(
    down: Flags, first: int, stable_for_s: float, noticed_s: Iterable[float] = ()
) -> Times | None:
    """The times of the first outage from second `first` on; None if there is none.

    Args:
        down: seconds in which the promise was broken, of all entries together.
        noticed_s: when agents decided something, from the event log.
    """
    seconds = first + np.flatnonzero(down[first:])
    if not len(seconds):
        return None
    begins = int(seconds[0])
    noticed = [at_s for at_s in noticed_s if at_s >= first]
    up = begins + np.flatnonzero(~down[begins:])
    return Times(
        begins,
        max(0.0, min(noticed) - begins) if noticed else None,
        float(up[0] - begins) if len(up) else None,
        _stable_from(down, begins, round(stable_for_s)),
    )


def _stable_from(down: Flags, begins: int, stable_s: int) -> float | None:
    """Seconds until the first stretch of `stable_s` seconds without an outage."""
    met = 0
    for second in range(begins, len(down)):
        met = 0 if down[second] else met + 1
        if met >= stable_s:
            return float(second + 1 - met - begins)
    return None
