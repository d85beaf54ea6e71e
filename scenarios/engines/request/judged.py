"""Windows of a second to downtime, recovery and verdict: docs/formats.md, "What is measured".

The `fluid` engine judges each second as it passes; here all are kept and judged at the end. That
both judge alike is a test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised, and which seconds count.

    Attributes:
        availability: share of good answers below which a second is down.
        stable: seconds in a row that are not down which make a recovery.
        warm_up: the first second that counts.
        faulty: the first second in which a fault may show.
        end: the first of the seconds that give the verdict.
    """

    availability: float
    stable: int
    warm_up: int
    faulty: int
    end: int


@dataclass(frozen=True, slots=True)
class Judged:
    """The measures of a run's windows; `downtime_bad` is in requests."""

    downtime_bad: float
    slo_violation_s: float
    availability: float
    time_to_recover_s: float
    recovered: bool
    offered: float
    good: float
    bad: float
    end_availability: float


def judge(good: Array, bad: Array, offered: Array, late: float, promise: Promise) -> Judged:
    """Judge windows of one second.

    Args:
        good, bad, offered: requests of each second, shape (seconds,).
        late: unanswered at the end and older than promised: bad, in the last window.
    """
    bad = bad.copy()
    if len(bad):
        bad[-1] += late
    answered = good + bad
    counts = np.arange(len(good)) >= promise.warm_up
    down = counts & (answered > 0.0) & (good < promise.availability * answered)
    first, recovered_at = _recovery(down, promise)
    recover_s = 0.0
    if first >= 0:
        recover_s = float((recovered_at if recovered_at >= 0 else len(good)) - first)
    ending = slice(max(promise.end, 0), None)
    end_answered = float(answered[ending].sum())
    total_offered = float(offered[counts].sum())
    return Judged(
        downtime_bad=float(bad[down].sum()),
        slo_violation_s=float(down.sum()),
        availability=_share(float(good[counts].sum()), total_offered),
        time_to_recover_s=recover_s,
        recovered=first < 0 or recovered_at >= 0,
        offered=total_offered,
        good=float(good[counts].sum()),
        bad=float(bad[counts].sum()),
        end_availability=_share(float(good[ending].sum()), end_answered),
    )


def _recovery(down: npt.NDArray[np.bool_], promise: Promise) -> tuple[int, int]:
    """(first down second at or after the fault, first second of a stable recovery), -1: none."""
    first = -1
    met = 0
    for at in range(promise.warm_up, len(down)):
        if down[at]:
            met = 0
            if first < 0 and at >= promise.faulty:
                first = at
        else:
            met += 1
            if first >= 0 and met >= promise.stable:
                return first, at + 1 - met
    return first, -1


def _share(part: float, whole: float) -> float:
    """Part of the whole, 1 where there is no whole: nobody asked, so nobody was failed."""
    return min(1.0, part / whole) if whole > 0.0 else 1.0
