"""Two workers against one on the same chunks: Ray's, and beside them bare forked processes."""

from __future__ import annotations

import math
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from hms.experiments.bench.demo import Demo, load_demo
from hms.experiments.bench.figure import Figure, median_of
from hms.experiments.bench.size import Size
from hms.experiments.bench.timing import Taken, in_turn, one_answer

if TYPE_CHECKING:
    from multiprocessing.pool import Pool

    from numpy.typing import NDArray

    from hms.evolution.backends import Simulate

GROUP = "workers"
CASES = 42
POLL_S = 0.02

Works = dict[str, Callable[[], str]]


def measure(size: Size) -> list[Figure]:
    """Wall time, as workers are for that; in turn, so that a busy machine slows all alike."""
    from hms.agents.mac import cluster
    from hms.evolution.backends import RayBackend
    from hms.experiments.simulation import simulate_pairs
    from hms.experiments.steps.workers import share_machine_code

    share_machine_code()
    demo = load_demo()
    cases = demo.drawn("train", CASES).cases
    policies, pairs = _work(demo, size.shared, len(cases))
    simulate = simulate_pairs(demo.plan.prices)
    simulate(policies, cases, pairs[:1])  # compiles or loads, before anything is forked
    fork = multiprocessing.get_context("fork")
    held = (simulate, cases)
    # the forked come before Ray: a process with its threads cannot be forked
    with (
        fork.Pool(1, _hold, held) as one,
        fork.Pool(2, _hold, held) as two,
        cluster.start(2) as running,
    ):
        backend = RayBackend(running.ray, {"train": cases}, simulate)

        def ray() -> str:
            return _downtime(backend.evaluate_pairs(policies, pairs, "train"))

        alone: Works = {"ray 1": ray, "fork 1": lambda: _forked(one, policies, pairs)}
        both: Works = {"ray 2": ray, "fork 2": lambda: _forked(two, policies, pairs)}
        in_turn({**both, "fork 1": alone["fork 1"]}, 1)  # workers start, load and unpack
        taken: dict[str, list[Taken]] = {name: [] for name in (*alone, *both)}
        for _ in range(size.shared_rounds):
            with one_worker_kept_away(running.ray):
                _add(taken, in_turn(alone, 1))
            _add(taken, in_turn(both, 1))
    return _figures(taken, len(pairs))


def _work(demo: Demo, incidents: int, cases: int) -> tuple[list[Any], NDArray[np.int64]]:
    """Policies as the search draws its first, each on all cases."""
    from hms.evolution.genome import Space

    space = Space()
    genes = space.random(np.random.default_rng(1), math.ceil(incidents / cases))
    policy, case = np.divmod(np.arange(incidents, dtype=np.int64), cases)
    return [space.decode(each) for each in genes], np.stack([policy, case], axis=-1)


def _add(taken: dict[str, list[Taken]], more: dict[str, list[Taken]]) -> None:
    for name, found in more.items():
        taken[name] += found


def _downtime(rows: NDArray[np.float64]) -> str:
    """The sum that shows equal work, to the last bit."""
    return f"downtime {math.fsum(rows[:, 0])!r} s"


_HELD: list[Any] = []  # in a forked worker: what simulates, and the cases


def _hold(simulate: Simulate, cases: Sequence[Any]) -> None:
    _HELD[:] = [simulate, cases]


def _run(chunk: tuple[list[Any], NDArray[np.int64]]) -> NDArray[np.float64]:
    simulate, cases = _HELD
    rows: NDArray[np.float64] = simulate(chunk[0], cases, chunk[1])
    return rows


def _forked(pool: Pool, policies: Sequence[Any], pairs: NDArray[np.int64]) -> str:
    """The chunks that Ray's tasks get, one at a time to whoever is free."""
    from hms.evolution.backends import CHUNK_INCIDENTS, chunks

    parts = chunks(policies, pairs, CHUNK_INCIDENTS)
    return _downtime(np.concatenate(pool.map(_run, parts, chunksize=1)))


def _sit(folder: str) -> None:
    """A task that takes a worker and does nothing until it may leave."""
    (Path(folder) / "seated").touch()
    while not (Path(folder) / "leave").exists():
        time.sleep(POLL_S)


@contextmanager
def one_worker_kept_away(ray: Any) -> Iterator[None]:
    """Meanwhile one of Ray's workers is taken: the same cluster with a worker less."""
    with tempfile.TemporaryDirectory(prefix="hms-bench-") as folder:
        sitting = ray.remote(num_cpus=1)(_sit).remote(folder)
        try:
            while not (Path(folder) / "seated").exists():
                ray.wait([sitting], timeout=POLL_S)
            yield
        finally:
            (Path(folder) / "leave").touch()
            ray.get(sitting)


def _figures(taken: dict[str, list[Taken]], incidents: int) -> list[Figure]:
    wall_s = {name: [each.wall_s for each in found] for name, found in taken.items()}
    answer = one_answer(taken)

    def times(before: str, after: str) -> list[float]:
        """Round by round, as both of a round meet the same machine."""
        return [one / two for one, two in zip(wall_s[before], wall_s[after], strict=True)]

    def more(name: str, values: list[float], unit: str, **told: Any) -> Figure:
        return median_of(
            GROUP, name, values, unit, clock="wall", more_is_better=True, answer=answer, **told
        )

    speed = [incidents / each_s for each_s in wall_s["ray 2"]]
    forked = times("fork 1", "fork 2")
    ours = times("ray 1", "ray 2")
    return [
        more("two Ray workers against one", ours, "times", floor=1.7),
        more("two forked against one", forked, "times", ours=median(ours)),
        more("two Ray workers against two forked", times("fork 2", "ray 2"), "times", goal=0.95),
        more("two Ray workers", speed, "incidents/s"),
    ]
