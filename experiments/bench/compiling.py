"""What the machine code costs: on an empty cache, and on a filled one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from hms.experiments.bench.figure import Figure, median_of
from hms.experiments.bench.size import Size

GROUP = "compile"
COMMAND = (sys.executable, "-m", "hms.experiments.bench.first_incident")
COUNTED = ("libraries", "engine", "first")
CLOCKS = ("cpu", "wall")


def measure(size: Size) -> list[Figure]:
    """Fresh processes: each cold one fills a cache of its own, the warm ones after it read it."""
    cold: list[dict[str, Any]] = []
    warm: list[dict[str, Any]] = []
    for _ in range(size.cold):
        with tempfile.TemporaryDirectory(prefix="hms-bench-") as cache:
            environment = {**os.environ, "HMS_CACHE_DIR": cache}
            cold.append(_first_incident(environment))
            warm.extend(_first_incident(environment) for _ in range(size.warm))
    figures = [
        _figure(name, told, floor, clock)
        for name, told, floor in (("cold", cold, 15.0), ("warm", warm, 1.0))
        for clock in CLOCKS
    ]
    libraries_s = [each["seconds"]["libraries"][0] for each in warm]
    name = "of it numpy and LLVM imported"
    return [*figures, median_of(GROUP, name, libraries_s, "s", clock="cpu")]


def _figure(name: str, told: list[dict[str, Any]], floor: float, clock: str) -> Figure:
    values = [_seconds(each, CLOCKS.index(clock)) for each in told]
    answers = dict.fromkeys(f"downtime {each['downtime_s']!r} s" for each in told)
    title, answer = f"import and compile, {name}", " | ".join(answers)
    return median_of(GROUP, title, values, "s", clock=clock, floor=floor, answer=answer)


def _seconds(told: dict[str, Any], clock: int) -> float:
    """From the start of imports to the first outcome, without reading and drawing the scenario."""
    return float(sum(told["seconds"][part][clock] for part in COUNTED))


def _first_incident(environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told
