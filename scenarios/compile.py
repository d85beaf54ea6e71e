"""A concrete scenario to arrays: built once, run many times under many policies."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hms.documents import Problem
from hms.scenarios import topology
from hms.scenarios.compile_components import component_row, unit_rows
from hms.scenarios.compile_edges import edge_row
from hms.scenarios.compile_faults import fault_rows
from hms.scenarios.engine_order import Route, client_name, engine_order, engine_routes
from hms.scenarios.engines.fluid.able import unable
from hms.scenarios.engines.fluid.closure import closure_table, power_table
from hms.scenarios.engines.fluid.records import COMPONENT, EDGE, UNIT, WORLD
from hms.scenarios.model import Component, Scenario
from hms.scenarios.workload import arrivals_rps

__all__ = [
    "CompiledScenario",
    "client_name",
    "closure_arrays",
    "compile_scenario",
    "engine_order",
]

Records = npt.NDArray[np.void]
Array = npt.NDArray[np.float64]

CONTROL_PERIOD_S = 1.0
END_S = 15


@dataclass(frozen=True)
class CompiledScenario:
    """Record arrays as they stand before the first tick, under no policy yet.

    Attributes:
        names: components in the engine's order, clients first.
        edge_names: (caller, callee) in the engine's order.
        late_rows: rows of metrics that come late, all zero at the start.
        closures: keys of the closure tables, which are built where the scenario runs.
        scenario: what it was compiled from; `request` needs more of it than means.
        fluid_cannot: what of it the engine `fluid` refuses to run.
    """

    name: str
    names: tuple[str, ...]
    edge_names: tuple[tuple[str, str], ...]
    world: Records
    components: Records
    units: Records
    edges: Records
    incoming: npt.NDArray[np.int64]
    late_rows: int
    closures: tuple[tuple[int, float, int, float], ...]
    exponents: tuple[float, ...]
    faults: Records
    rates: Array
    scenario: Scenario
    fluid_cannot: tuple[Problem, ...] = ()


def compile_scenario(scenario: Scenario, seed: int = 0, tick_s: float = 0.1) -> CompiledScenario:
    """The scenario as arrays.

    Args:
        scenario: concrete: without ranges (`midpoint` or `drawn`).
        seed: of the keyed random numbers of sampling and of decisions, 64 bits.
        tick_s: the length of a tick.

    Raises:
        ValueError: a quantity is still a range.
    """
    left = [path for path, _ in scenario.ranges()]
    if left:
        raise ValueError(f"not concrete: {left[0]} is a range (use midpoint() or drawn())")
    names, routes = engine_routes(scenario)
    specs = [scenario.components.get(name) for name in names]
    components = np.zeros(len(names), COMPONENT)
    edges = np.zeros(len(routes), EDGE)
    closures: dict[tuple[int, float, int, float], int] = {}
    exponents: dict[float, int] = {}
    place = {name: i for i, name in enumerate(names)}
    own = _own_edges(routes, place, len(names))
    evenly = topology.evenly_spaced(scenario)
    late_rows = 0
    for i, spec in enumerate(specs):
        regular = names[i] in evenly
        component_row(components[i], i, spec, own[i], tick_s, closures, regular)
        components[i]["late0"] = late_rows
        late_rows += int(components[i]["late_periods"]) * 4
    _loops(components, scenario, tick_s)
    units = _all_units(components, specs, exponents)
    for k, route in enumerate(routes):
        edge_row(edges[k], route, place, components, scenario, tick_s)
    faults = fault_rows(scenario, place, routes, tick_s)
    seconds = max(1, math.ceil(scenario.horizon_s / CONTROL_PERIOD_S))
    return CompiledScenario(
        scenario.name,
        tuple(names),
        tuple((r.edge.caller, r.edge.callee) for r in routes),
        _world(scenario, seed, tick_s, faults),
        components,
        units,
        edges,
        _incoming(components, routes, place),
        late_rows,
        tuple(closures),
        tuple(exponents),
        faults,
        arrivals_rps(scenario, seconds),
        scenario,
        tuple(unable(scenario)),
    )


def _own_edges(
    routes: list[Route], place: dict[str, int], count: int
) -> list[list[tuple[int, Route]]]:
    """Of each component, its edges with their numbers."""
    own: list[list[tuple[int, Route]]] = [[] for _ in range(count)]
    for k, route in enumerate(routes):
        own[place[route.edge.caller]].append((k, route))
    return own


def _loops(components: Records, scenario: Scenario, tick_s: float) -> None:
    """Closed loops: the share of those who think that sends in a tick."""
    for index, load in enumerate(scenario.workload):
        if load.closed:
            components[index]["think_share"] = 1.0 - math.exp(-tick_s / load.think_s)


def _all_units(
    components: Records, specs: list[Component | None], exponents: dict[float, int]
) -> Records:
    """Units of all components, those of one next to each other."""
    first = np.concatenate([[0], np.cumsum(components["slots"])]).astype(np.int64)
    units = np.zeros(int(first[-1]), UNIT)
    for i, spec in enumerate(specs):
        unit_rows(components[i], i, units, int(first[i]), spec, exponents)
    return units


def _world(scenario: Scenario, seed: int, tick_s: float, faults: Records) -> Records:
    world = np.zeros(1, WORLD)
    w = world[0]
    w["ticks"] = round(scenario.horizon_s / tick_s)
    w["control_every"] = round(CONTROL_PERIOD_S / tick_s)
    w["seed"] = np.uint64(seed & (2**64 - 1)).astype(np.int64)
    w["dt"], w["dt_inv"] = tick_s, 1.0 / tick_s
    w["load_factor"] = 1.0
    slos = list(scenario.slo.values())
    w["availability"] = max((s.availability for s in slos), default=0.99)
    w["stable_windows"] = round(max((s.stable_for_s for s in slos), default=15.0))
    w["warm_up_windows"] = round(scenario.warm_up_s)
    first = int(faults["start_tick"].min()) if len(faults) else 0
    w["fault_window"] = max(round(scenario.warm_up_s), first // int(w["control_every"]))
    w["first_down_window"] = w["recovered_window"] = -1
    w["end_window"] = round(scenario.horizon_s) - END_S
    w["disturbed"] = 1
    return world


def _incoming(
    components: Records, routes: list[Route], place: dict[str, int]
) -> npt.NDArray[np.int64]:
    """Edges by the component that they lead to."""
    callers: list[list[int]] = [[] for _ in range(len(components))]
    for k, route in enumerate(routes):
        callers[place[route.edge.callee]].append(k)
    order: list[int] = []
    for i, edges in enumerate(callers):
        components[i]["i0"] = len(order)
        order += edges
        components[i]["i1"] = len(order)
    return np.array(order, dtype=np.int64)


def closure_arrays(compiled: CompiledScenario) -> tuple[Array, list[int], list[int], list[int]]:
    """All tables of a scenario, flat: (tables, closure offsets, their cells, power offsets)."""
    parts, offsets, cells, powers = [], [], [], []
    size = 0
    for key in compiled.closures:
        table, rows = closure_table(*key)
        offsets.append(size)
        cells.append(rows)
        parts.append(table)
        size += table.size
    for exponent in compiled.exponents:
        powers.append(size)
        parts.append(power_table(exponent))
        size += parts[-1].size
    return (np.concatenate(parts) if parts else np.zeros(1)), offsets, cells, powers
