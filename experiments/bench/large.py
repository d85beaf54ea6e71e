"""The fluid engine on large systems: 1,000 and 100,000 components, every tick computed."""

from __future__ import annotations

import random
from functools import partial

from hms.experiments.bench.figure import Figure, median_of
from hms.experiments.bench.size import Size
from hms.experiments.bench.timing import take
from hms.scenarios.model import Component, Edge, Fault, Scenario, Slo, Workload

GROUP = "fluid_large"
FAN_OUT = 3
MORE_CALLS = 0.9
"""Calls of each component beside the tree's, to any that comes after it."""
FLOORS = {1_000: 2.0, 100_000: 0.4}
HORIZON_S = {1_000: 60.0, 100_000: 4.0}
STACK = "ladder"


def large_system(components: int, horizon_s: float) -> Scenario:
    """A wide tree with calls across, one component crashing; a request sees about 7 of them."""
    chance = random.Random(1)
    names = [f"s{number:06d}" for number in range(components)]
    parts = {"people": Component("people", kind="client")}
    parts |= {name: Component(name, replicas=2, service_time_s=0.002) for name in names}
    edges = {("people", names[0]): Edge("people", names[0], timeout_s=10.0)}
    for number in range(1, components):
        ends = names[(number - 1) // FAN_OUT], names[number]
        edges[ends] = Edge(*ends, calls=0.3, need="soft")
    for _ in range(round(MORE_CALLS * components)):
        caller = chance.randrange(components - 1)
        ends = names[caller], names[chance.randrange(caller + 1, components)]
        edges.setdefault(ends, Edge(*ends, calls=0.01, need="soft"))
    crash = Fault(
        "crash", component=names[1], start_s=horizon_s / 3.0, until="restart",
        parameters={"restarts_by_itself": 1.0},
    )  # fmt: skip
    load = (Workload(names[0], "people", rate_rps=200.0),)
    slo = {names[0]: Slo(0.99, 1.0)}
    return Scenario(
        "large", horizon_s, 0.0, slo, load, parts, tuple(edges.values()), (crash,)
    )


def measure(size: Size) -> list[Figure]:
    """Component-ticks a second of CPU time, of the ticks alone: all is built before."""
    from hms.evolution.baselines import load
    from hms.scenarios.compile import compile_scenario
    from hms.scenarios.engines.fluid import engine
    from hms.scenarios.engines.fluid.loop import run_to_end
    from hms.scenarios.policy_tables import tables

    figures = []
    for components in size.components:
        system = large_system(components, HORIZON_S[components])
        compiled = compile_scenario(system, 1)
        tabled = tables(load(STACK).policy, system)
        taken = []
        for _ in range(size.rounds if components < 10_000 else 1):
            state = engine.state_of(compiled, tabled, fast_forward=False, record=False)
            taken.append(take(partial(run_to_end, state)))
        steps = len(compiled.components) * int(compiled.world["ticks"][0])
        figures.append(
            median_of(
                GROUP, f"{components:,} components, {len(compiled.edges):,} edges",
                [steps / each.cpu_s / 1e6 for each in taken], "M/s", clock="cpu",
                floor=FLOORS[components], more_is_better=True,
                answer=f"{float(state.world['total_good'][0]):.3f} good answers",
            )
        )  # fmt: skip
    return figures
