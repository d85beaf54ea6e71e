"""The machine that the figures are of, and how busy it is."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import hms

PACKAGES = ("numba", "numpy", "ray", "deap", "simpy")


def machine() -> dict[str, str]:
    """Processor, cores, versions."""
    return {
        "hms": hms.__version__,
        "python": platform.python_version(),
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        **{name: version(name) for name in PACKAGES},
    }


def processor() -> str:
    """Its name as the kernel tells it, else its kind."""
    told = Path("/proc/cpuinfo")
    if told.exists():
        for line in told.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def load() -> str:
    """Processes that wait or run, of the last one and five minutes; above the cores is busy."""
    one, five, _ = os.getloadavg()
    return f"{one:.1f} {five:.1f}"
