"""What the search costs beside its fitness: breeding, hashing policies, selection, records."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from hms.experiments.bench.demo import load_demo
from hms.experiments.bench.figure import Figure
from hms.experiments.bench.size import Size

GROUP = "evolution"


class Watched:
    """A function that adds up how long its calls take."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self.cpu_s = 0.0
        self.wall_s = 0.0
        self._work = work

    def __call__(self, *arguments: Any) -> Any:
        """What the function answers."""
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        answer = self._work(*arguments)
        self.cpu_s += time.process_time() - cpu_s
        self.wall_s += time.perf_counter() - wall_s
        return answer


def measure(size: Size) -> list[Figure]:
    """The demo's search at the small budget, in one process."""
    from hms.evolution.backends import SerialBackend
    from hms.evolution.search import evolve
    from hms.evolution.settings import SearchSettings
    from hms.experiments.simulation import simulate_pairs

    demo = load_demo()
    train = demo.drawn("train", demo.plan.budgets["small"].train)
    fitness = Watched(simulate_pairs(demo.plan.prices))
    backend = SerialBackend({"train": train.cases}, fitness)
    backend.evaluate([demo.policy], [0], "train")  # compiles or loads
    told = demo.plan.search
    settings = SearchSettings(
        incidents=size.budget,
        families=train.families,
        population=told.population,
        incidents_per_genome=told.incidents_per_genome,
        start_from=told.start_from,
        objectives=told.objectives,
    )
    whole = Watched(evolve)
    fitness.cpu_s = fitness.wall_s = 0.0
    found = whole(settings, backend, demo.plan.seed)
    return _figures(found, whole, fitness)


def _figures(found: Any, whole: Watched, fitness: Watched) -> list[Figure]:
    scored = int(found.history[-1]["evaluations"])
    best = found.front[0]
    answer = f"{found.incidents:,} incidents, best {best.sha256[:12]} {best.values[0]:.6f} s"
    beside_us = (whole.cpu_s - fitness.cpu_s) / scored * 1e6
    return [
        Figure(
            GROUP, "search beside fitness", _share(fitness.wall_s, whole.wall_s), "%", "wall",
            floor=15.0, goal=3.0, answer=answer,
        ),
        Figure(
            GROUP, "search beside fitness", _share(fitness.cpu_s, whole.cpu_s), "%", "cpu",
            floor=15.0, goal=3.0, answer=answer,
        ),
        Figure(
            GROUP, "search beside fitness, a policy scored", beside_us, "µs", "cpu",
            goal=20.0, answer=f"{scored:,} scored",
        ),
        Figure(GROUP, "fitness, an incident", fitness.cpu_s / found.incidents * 1e3, "ms", "cpu"),
    ]  # fmt: skip


def _share(part_s: float, whole_s: float) -> float:
    return 100.0 * (1.0 - part_s / whole_s)
