"""What the process uses: CPU time by `os.times`, memory by /proc, nothing to install.

On Linux both are exact. Where there is no /proc (macOS, BSD), memory is the most that was ever
in use, as `getrusage` says: it shows growth, never a fall. Where there is neither (Windows),
memory stays 0, "unknown". `memory_source` says which it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

BYTES_PER_MB = 1_000_000.0
STATM = Path("/proc/self/statm")
SOURCES = {
    "proc": "resident memory now, from /proc",
    "peak": "the most that was resident so far, from getrusage: it never falls",
    "none": "unknown on this system: 0 is reported, memory is not judged",
}


class ProcessCollector:
    """CPU and memory of this process, between one sample and the next.

    Args:
        statm: where Linux tells a process its memory, in pages.

    Attributes:
        memory_source: "proc", "peak" or "none"; `SOURCES` says what that means.
    """

    def __init__(self, statm: Path = STATM) -> None:
        self._statm = statm
        self._read = self._choose()
        self._before: tuple[float, float] | None = None

    def sample(self, now_s: float) -> tuple[float, float]:
        """CPU use in percent of one core since the last sample, memory in MB.

        The first sample has nothing to compare with, and one without a span neither: 0 percent.

        Args:
            now_s: on any clock that goes on in real time.
        """
        times = os.times()
        used_s = times.user + times.system
        before, self._before = self._before, (now_s, used_s)
        memory_mb = self._read() / BYTES_PER_MB
        if before is None or now_s <= before[0]:
            return 0.0, memory_mb
        return max(100.0 * (used_s - before[1]) / (now_s - before[0]), 0.0), memory_mb

    @property
    def statement(self) -> str:
        """What the memory figure is, in words."""
        return SOURCES[self.memory_source]

    def _choose(self) -> Callable[[], float]:
        if self._statm.is_file():
            self.memory_source = "proc"
            return self._resident
        try:
            import resource
        except ImportError:
            self.memory_source = "none"
            return lambda: 0.0
        self.memory_source = "peak"
        in_bytes = sys.platform == "darwin"  # everywhere else the unit is 1,024 bytes
        scale = 1.0 if in_bytes else 1024.0
        return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale

    def _resident(self) -> float:
        pages = int(self._statm.read_bytes().split()[1])  # opened anew: a fork is another process
        return float(pages * os.sysconf("SC_PAGE_SIZE"))
