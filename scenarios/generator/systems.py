"""Systems to break: real ones from the library, random ones grown from call graphs.

Both come out ready to run: three replicas of each service, no range left, only what the load
reaches, and a load at which the busiest component uses a drawn share of its capacity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from hms.scenarios.generator.call_graphs import SHARED, TREE, CallGraph, draw_call_graph
from hms.scenarios.load import load_scenario
from hms.scenarios.model import Component, Edge, Probe, Range, Scenario, Slo, Workload
from hms.scenarios.topology import middle, reachable, utilisation

Uniform = Callable[[str], float]

LIBRARY = Path(__file__).resolve().parents[1] / "library"
REAL = {
    "online-boutique": ("three-replicas.overlay.yaml",),
    "bookinfo": (),
    "sock-shop": (),
    "opentelemetry-demo": (),
}
"""Scenario files of the library, with the overlays that belong to them."""
RANDOM = {"random-tree": TREE, "random-shared": SHARED}
"""Random topologies, anew for each incident."""
TOPOLOGIES = (*REAL, *RANDOM)

REPLICAS = 3
BUSY = Range(0.2, 0.6)
"""Share of its capacity that the busiest component uses, as in the demo's overlay."""
MEMORY_MB, MEMORY_LIMIT_MB = 64.0, 128.0
"""Of a component whose source states no limit: else no leak could strike it."""

SERVICE_TIME_S = Range(0.002, 0.007)
STORE_TIME_S = Range(0.0005, 0.002)
STARTUP_S = Range(5.0, 25.0)
CALLS = Range(0.5, 1.5)
STORES, SOFT, SIDE_BY_SIDE = 0.4, 0.2, 0.25
"""Shares: of leaves that are stores, of edges that are soft, of components that call at once."""
PROBE = Probe("http", period_s=10.0, timeout_s=1.0, failures=3)
ENTRY = "edge"
LATENCY_S = 0.8


def draw_system(topology: str, u: Uniform) -> Scenario:
    """A system without faults.

    Args:
        topology: one of `TOPOLOGIES`.
        u: a number in [0, 1) for each purpose.

    Raises:
        KeyError: there is no such topology.
    """
    if topology in RANDOM:
        graph = draw_call_graph(lambda name: u(f"graph {name}"), RANDOM[topology])
        system = grow(graph, topology, u)
    else:
        system = real_system(topology).drawn(lambda path: u(f"quantity {path}"))
    return loaded(system, BUSY.at(u("busy")))


@cache
def real_system(name: str) -> Scenario:
    """A real system of the library, three replicas of each service, what the load reaches."""
    overlays = tuple(LIBRARY / overlay for overlay in REAL[name])
    system = load_scenario(LIBRARY / f"{name}.yaml", overlays)
    kept = reachable(system) | {load.client for load in system.workload}
    return replace(
        system,
        components={n: _ready(c) for n, c in system.components.items() if n in kept},
        edges=tuple(e for e in system.edges if e.caller in kept and e.callee in kept),
    )


def _ready(component: Component) -> Component:
    """As a team would run it: services in three, memory with a limit."""
    if component.kind == "client":
        return component
    changed = component
    if component.kind == "service" and component.replicas == 1:
        changed = replace(changed, replicas=REPLICAS)
    if component.memory_limit_mb <= component.memory_mb:
        changed = replace(changed, memory_mb=MEMORY_MB, memory_limit_mb=MEMORY_LIMIT_MB)
    return changed


def grow(graph: CallGraph, name: str, u: Uniform) -> Scenario:
    """A system of this shape, every quantity drawn."""
    callers = {caller for caller, _ in graph.calls}
    names = [_name(place, place in callers, u) for place in range(len(graph.levels))]
    client = Component("outside", kind="client")
    parts = [_component(names[place], u) for place in range(len(names))]
    edges = [Edge("outside", names[0], timeout_s=10.0)]
    for caller, callee in graph.calls:
        edges.append(_edge(names[caller], names[callee], u))
    return Scenario(
        name, 300.0, 30.0, {names[0]: Slo(0.99, LATENCY_S, 15.0)},
        (Workload(names[0], "outside"),), {c.name: c for c in (client, *parts)}, tuple(edges),
    )  # fmt: skip


def _name(place: int, calls: bool, u: Uniform) -> str:
    if place == 0:
        return ENTRY
    is_store = not calls and u(f"store {place}") < STORES
    return f"store-{place}" if is_store else f"service-{place}"


def _component(name: str, u: Uniform) -> Component:
    store = name.startswith("store-")
    time_s = STORE_TIME_S if store else SERVICE_TIME_S
    return Component(
        name,
        kind="store" if store else "service",
        replicas=1 if store else REPLICAS,
        workers=128 if store else 64,
        queue_limit=512 if store else 256,
        service_time_s=time_s.at(u(f"service time {name}")),
        startup_s=STARTUP_S.at(u(f"startup {name}")),
        memory_mb=MEMORY_MB,
        memory_limit_mb=MEMORY_LIMIT_MB,
        readiness=PROBE,
        liveness=PROBE,
    )


def _edge(caller: str, callee: str, u: Uniform) -> Edge:
    name = f"{caller} -> {callee}"
    at_once = u(f"at once {caller}") < SIDE_BY_SIDE
    return Edge(
        caller,
        callee,
        calls=CALLS.at(u(f"calls {name}")),
        mode="parallel" if at_once else "sequential",
        need="soft" if u(f"soft {name}") < SOFT else "hard",
    )


def loaded(system: Scenario, busy: float) -> Scenario:
    """The system at the load at which its busiest component uses `busy` of its capacity."""
    factor = busy / max(utilisation(system).values())
    return replace(
        system,
        workload=tuple(
            replace(load, rate_rps=float(f"{middle(load.rate_rps) * factor:.9g}"))
            for load in system.workload
        ),
    )


def busiest(system: Scenario) -> str:
    """The component that uses most of its capacity."""
    used = utilisation(system)
    return min(used, key=lambda name: (-used[name], name))
