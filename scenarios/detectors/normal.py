"""What is normal for a system: the medians of its first healthy seconds, in sums over a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hms.scenarios.telemetry import Telemetry

Array = npt.NDArray[np.float64]

WINDOW_S = 3
"""Series are summed over so many seconds: one second of a few requests tells nothing."""

AGAIN_WITHIN_S = 6
"""A sign that shows again within this time is one and the same illness."""
FILLS_S = 2
LEARNS_S = 30
LEARNS_AT_LEAST_S = 3
AS_GOOD = 0.95
"""Normal seconds end with the first one whose good share is below this times the first's."""
HEALTHY_FROM = 0.75
"""Below it nothing was ever well: half of the goodput then is no new state."""


@dataclass(frozen=True, slots=True)
class Normal:
    """The seconds that count as normal.

    Attributes:
        first, end: seconds from `first` to before `end`.
        healthy: whether entries answered well in them; if not, nothing is known of normal.
    """

    first: int
    end: int
    healthy: bool

    def of(self, series: Array) -> Array:
        """Medians of each column over the normal seconds."""
        return np.asarray(np.median(series[self.first : self.end], axis=0))


def learn_normal(seen: Telemetry, warm_up_s: float) -> Normal:
    """The first seconds after the warm-up, as long as every entry answers well, at most 30.

    Medians forgive a disturbance in fewer than half of them. A run that starts without a warm-up
    is given two seconds to fill.
    """
    first = min(max(int(np.ceil(warm_up_s)), FILLS_S), max(0, seen.seconds - LEARNS_AT_LEAST_S))
    share = good_share(seen).min(axis=1)[first:]
    at_first = float(np.median(share[:LEARNS_AT_LEAST_S]))
    bad = np.flatnonzero(share < AS_GOOD * at_first)
    well_s = int(bad[0]) if len(bad) else len(share)
    learned_s = max(LEARNS_AT_LEAST_S, min(well_s, LEARNS_S))
    healthy = float(np.median(share[:learned_s])) >= HEALTHY_FROM
    return Normal(first, first + learned_s, healthy)


def good_share(seen: Telemetry) -> Array:
    """Share of good answers among those that ended, 1 where none did, (seconds, entries)."""
    entries = list(seen.entries)
    good, ended = ended_well(seen)
    share = np.divide(good, ended, out=np.ones_like(good), where=ended > 1e-9)
    return share if entries else np.ones((seen.seconds, 1))


def ended_well(seen: Telemetry) -> tuple[Array, Array]:
    """(good answers, all that ended) of each entry and second: late for the promise is not good."""
    entries = list(seen.entries)
    edges = seen.edges
    ended = edges.ok[:, entries] + edges.given_up[:, entries]
    return edges.good[:, entries], ended


def summed(series: Array, window_s: int = WINDOW_S) -> Array:
    """Sums over the last `window_s` seconds, fewer at the start; the shape stays."""
    total = np.cumsum(series, axis=0)
    result = total.copy()
    result[window_s:] -= total[:-window_s]
    return np.maximum(result, 0.0)


def ratio(part: Array, whole: Array, without: float = 0.0) -> Array:
    """`part / whole`, `without` where there is (nearly) no whole."""
    return np.divide(part, whole, out=np.full_like(part, without), where=whole > 1e-6)


def onsets(flags: npt.NDArray[np.bool_], holds_s: int, first: int) -> npt.NDArray[np.int64]:
    """First second with the flag, from `first` on, that more soon follow: `holds_s` in a few.

    They need not be a row: a pause or a flapping fault shows in a second now and then.

    Returns:
        One for each column, -1 where there is none.
    """
    result = np.full(flags.shape[1], -1, dtype=np.int64)
    seen = flags[first:].astype(np.float64)
    ahead = summed(seen[::-1], AGAIN_WITHIN_S)[::-1]
    begins = (seen > 0.0) & (ahead >= holds_s - 1e-9)
    for column in range(flags.shape[1]):
        rows = np.flatnonzero(begins[:, column])
        if len(rows):
            result[column] = first + int(rows[0])
    return result
