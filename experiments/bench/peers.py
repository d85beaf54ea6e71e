"""What others pay for a component-tick: a fluid queue stepped in Python, with and without SimPy.

The least that a simulation in Python can do each tick for a component: one queue, no calls, no
faults, no decisions. Both forms do the same arithmetic; the sums they end with show it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

TICK_S = 0.1
SERVED_PER_S = 0.5  # of those present: a queue that settles at arrivals / 0.5


def arrivals_rps(component: int) -> float:
    """A load that differs by component."""
    return 10.0 + component


def in_plain_python(components: int, ticks: int) -> float:
    """All queues tick by tick; the requests present at the end."""
    present = [0.0] * components
    arriving = [arrivals_rps(i) for i in range(components)]
    for _ in range(ticks):
        for i in range(components):
            present[i] += (arriving[i] - SERVED_PER_S * present[i]) * TICK_S
    return sum(present)


def in_simpy(components: int, ticks: int) -> float:
    """The same, each component a process of SimPy that sleeps for a tick."""
    import simpy

    world = simpy.Environment()
    present = [0.0] * components

    def component(i: int) -> Generator[Any, Any, None]:
        arriving_rps = arrivals_rps(i)
        for _ in range(ticks):
            present[i] += (arriving_rps - SERVED_PER_S * present[i]) * TICK_S
            yield world.timeout(TICK_S)

    for i in range(components):
        world.process(component(i))
    world.run()
    return sum(present)
