"""One function a figure; each is the best of some repeats, as a shared machine only ever slows.

What runs on one core is told in seconds of that core, which other work on the machine hardly
moves; what a person waits for, and what runs on two, in seconds of the clock.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hms.experiments.bench.demo import Demo

if TYPE_CHECKING:
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.experiments.simulation import Case

MEASURE_COMPILE = """
import time
import numba, numpy, pandas, networkx
from hms.experiments.bench.demo import load_demo
from hms.experiments.plan import Prices
demo = load_demo(1)
began_s = time.process_time()
from hms.experiments.simulation import simulate
pairs = numpy.zeros((1, 2), dtype=numpy.int64)
simulate(demo.policies, demo.cases, pairs, Prices())
print(time.process_time() - began_s)
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        goal: what it should not exceed, or reach if `more_is_better`; None if there is none.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    more_is_better: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal


def best_s(
    work: Callable[[], Any], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The shortest of some runs, in seconds of a clock."""
    times = []
    for _ in range(repeats):
        began_s = clock()
        work()
        times.append(clock() - began_s)
    return min(times)


def engine(demo: Demo, repeats: int = 5) -> list[Figure]:
    """An incident of the fluid engine on one core, in full and with fast-forward."""
    from hms.scenarios.engines.fluid import engine as fluid
    from hms.scenarios.policy_tables import tables

    tabled = [tables(policy, demo.topology) for policy in demo.policies]
    runs = [(case.compiled, each) for case in demo.cases for each in tabled]

    def all_runs(fast_forward: bool) -> None:
        for compiled, each in runs:
            fluid.run(compiled, each, fast_forward=fast_forward)

    all_runs(True)  # compile, and load what is kept beside
    full_s = best_s(lambda: all_runs(False), repeats, time.process_time) / len(runs)
    fast_s = best_s(lambda: all_runs(True), repeats, time.process_time) / len(runs)
    components = len(demo.topology.components)
    ticks = float(demo.cases[0].compiled.world["ticks"][0])
    return [
        Figure("fluid incident, in full", full_s * 1e3, "ms of a core", 8.0),
        Figure("fluid component-ticks", components * ticks / full_s / 1e6, "M/s", 4.5, True),
        Figure("fluid incident, fast-forward", fast_s * 1e3, "ms of a core", 3.0),
    ]


def compiling() -> list[Figure]:
    """From the imports done to the first incident simulated: empty cache, and filled."""
    with tempfile.TemporaryDirectory(prefix="hms-bench-") as cache:
        environment = {**os.environ, "HMS_CACHE_DIR": cache}
        cold_s, warm_s = (_first_incident_s(environment) for _ in range(2))
    return [
        Figure("compile, cold", cold_s, "s of a core", 15.0),
        Figure("compile, warm", warm_s, "s of a core", 1.0),
    ]


def _first_incident_s(environment: dict[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE_COMPILE],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout)


class TimedSimulate:
    """Simulates, and adds up how long that took."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(
        self, policies: Sequence[HealingPolicy], cases: Sequence[Case], pairs: Any
    ) -> Any:
        """Rows of the pairs, as `simulation.simulate`."""
        from hms.experiments.plan import Prices
        from hms.experiments.simulation import simulate

        began_s = time.perf_counter()
        rows = simulate(policies, cases, pairs, Prices())
        self.seconds += time.perf_counter() - began_s
        return rows


def evolution(demo: Demo, incidents: int = 3_000) -> list[Figure]:
    """What a search costs beside its fitness, as a share of its wall time, in one process."""
    from hms.evolution.backends import SerialBackend
    from hms.evolution.search import evolve
    from hms.evolution.settings import SearchSettings

    timed = TimedSimulate()
    backend = SerialBackend({"train": demo.cases}, timed)
    backend.evaluate(demo.policies, [0], "train")
    timed.seconds = 0.0
    began_s = time.perf_counter()
    found = evolve(SearchSettings(incidents, demo.families), backend, demo.plan.seed)
    wall_s = time.perf_counter() - began_s
    return [
        Figure("evolution beside fitness", 100.0 * (1.0 - timed.seconds / wall_s), "%", 15.0),
        Figure("search, one process", found.incidents / wall_s, "incidents/s"),
    ]


def workers(demo: Demo, incidents: int = 3_000) -> list[Figure]:
    """How much faster two Ray workers are than one."""
    one_s, two_s = (_ray_s(demo, cpus, incidents) for cpus in (1, 2))
    return [
        Figure("two Ray workers against one", one_s / two_s, "times", 1.7, True),
        Figure("search, two Ray workers", incidents / two_s, "incidents/s"),
    ]


def _ray_s(demo: Demo, cpus: int, incidents: int) -> float:
    from hms.agents.mac import cluster
    from hms.evolution.backends import RayBackend
    from hms.experiments.plan import Prices
    from hms.experiments.simulation import simulate_pairs

    policy = np.arange(incidents) % len(demo.policies)
    case = np.arange(incidents) // len(demo.policies) % len(demo.cases)
    pairs = np.stack([policy, case], axis=-1).astype(np.int64)
    with cluster.start(cpus) as running:
        backend = RayBackend(running.ray, {"train": demo.cases}, simulate_pairs(Prices()))
        backend.evaluate_pairs(demo.policies, pairs[: 48 * 4 * cpus], "train")  # start, unpack
        return best_s(lambda: backend.evaluate_pairs(demo.policies, pairs, "train"), 2)


def help_text(repeats: int = 12) -> list[Figure]:
    """`hms --help`, a fresh process each."""
    command = [sys.executable, "-m", "hms", "--help"]
    shortest_s = best_s(
        lambda: subprocess.run(command, capture_output=True, check=True), repeats
    )
    return [Figure("hms --help", shortest_s, "s", 0.25)]
