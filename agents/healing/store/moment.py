"""When something was saved, told so that a later process knows how much time has passed.

The wall clock alone does not say: it may be set back an hour or forward a year while a service
is down. A machine that has not been restarted since has a clock that nobody sets
(CLOCK_BOOTTIME, which goes on during suspend); after a restart only the wall clock is left, and
what it says is bounded: never less than nothing.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment by three clocks.

    Attributes:
        wall_s: seconds since 1970 (UTC).
        boot_id: which run of the machine; empty where the platform does not say.
        boot_s: seconds since the machine started, suspended time included.
    """

    wall_s: float
    boot_id: str = ""
    boot_s: float = 0.0

    def since_s(self, earlier: Moment) -> float:
        """Seconds since an earlier moment, never below 0.

        Within one run of the machine the wall clock is not asked.
        """
        if self.boot_id and self.boot_id == earlier.boot_id:
            passed_s = self.boot_s - earlier.boot_s
        else:
            passed_s = self.wall_s - earlier.wall_s
        return max(passed_s, 0.0) if math.isfinite(passed_s) else 0.0


@cache
def boot_id() -> str:
    """This run of the machine; empty where the platform does not say."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def moment_now() -> Moment:
    """This moment."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    if clock is None:
        return Moment(time.time())
    return Moment(time.time(), boot_id(), time.clock_gettime(clock))
