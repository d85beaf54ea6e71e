"""A concrete scenario to arrays: built once, run many times under many policies.

The engine's order is callers before callees, ties by name, edges by caller and callee: the order of
a file changes nothing. Clients come first; each workload is one client with one edge.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hms.documents import Problem
from hms.scenarios import topology
from hms.scenarios.engines.fluid.able import unable
from hms.scenarios.engines.fluid.closure import closure_table, power_table, waiting_exponent
from hms.scenarios.engines.fluid.records import (
    ATTEMPTS,
    COMPONENT,
    EDGE,
    FAULT,
    LONGEST_TIMEOUT_S,
    POOLS,
    SLOT_FIELDS,
    SLOTS,
    UNIT,
    UNLIMITED,
    WORLD,
)
from hms.scenarios.faults.expand import plain_faults
from hms.scenarios.faults.kinds import CODES, UNTIL_CODES, VALUES
from hms.scenarios.model import Component, Edge, Fault, Probe, Scenario
from hms.scenarios.workload import arrivals_rps, strikes_one_entry

Records = npt.NDArray[np.void]
Array = npt.NDArray[np.float64]

CONTROL_PERIOD_S = 1.0
END_S = 15
NEVER = 1 << 60
MOST_WORKERS = 2000


@dataclass(frozen=True)
class CompiledScenario:
    """Record arrays as they stand before the first tick, under no policy yet.

    Attributes:
        names: components in the engine's order, clients first.
        edges: (caller, callee) in the engine's order.
        rings_size: length of the flat array of rings, all zero at the start.
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
    rings_size: int
    closures: tuple[tuple[int, float, int, float], ...]
    exponents: tuple[float, ...]
    faults: Records
    rates: Array
    scenario: Scenario
    fluid_cannot: tuple[Problem, ...] = ()


def client_name(index: int, scenario: Scenario) -> str:
    """The engine's name of a workload's client."""
    load = scenario.workload[index]
    same = sum(1 for other in scenario.workload if other.client == load.client)
    name = load.client or "outside"
    return name if same == 1 and name != load.entry else f"{name}#{index}"


def engine_order(scenario: Scenario) -> tuple[list[str], list[Edge]]:
    """Names of components and edges in the engine's order; a workload's edge comes first."""
    clients = [client_name(i, scenario) for i in range(len(scenario.workload))]
    kinds = {name: c.kind for name, c in scenario.components.items()}
    names = [n for n in topology.order(scenario) if kinds[n] != "client"]
    edges = [_client_edge(scenario, i, client) for i, client in enumerate(clients)]
    place = {name: i for i, name in enumerate(names)}
    inner = [e for e in scenario.edges if e.caller in place and e.callee in place]
    inner.sort(key=lambda e: (place[e.caller], e.callee))
    return clients + names, edges + inner


def _client_edge(scenario: Scenario, index: int, client: str) -> Edge:
    from dataclasses import replace

    load = scenario.workload[index]
    for edge in scenario.edges:
        if edge.caller == load.client and edge.callee == load.entry:
            return replace(edge, caller=client, calls=1.0)
    return Edge(caller=client, callee=load.entry, timeout_s=10.0)


def power_of_two(n: int) -> int:
    """The smallest power of two that is at least n."""
    return 1 << max(0, (n - 1).bit_length())


class _Layout:
    """Hands out places in the flat array of rings, and collects closure tables."""

    def __init__(self, regular: set[str]) -> None:
        self.regular = regular
        self.size = 0
        self.closures: dict[tuple[int, float, int, float], int] = {}
        self.exponents: dict[float, int] = {}

    def take(self, count: int) -> int:
        self.size += count
        return self.size - count


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
    names, edges = engine_order(scenario)
    place = {name: i for i, name in enumerate(names)}
    layout = _Layout(topology.evenly_spaced(scenario))
    components = np.zeros(len(names), COMPONENT)
    units = np.zeros(len(names) * SLOTS, UNIT)
    edge_rows = np.zeros(len(edges), EDGE)
    for i, name in enumerate(names):
        _component(components[i], i, scenario.components.get(name), edges, name, layout, tick_s)
    incoming = _incoming(components, edges, place)
    for i, name in enumerate(names):
        spec = scenario.components.get(name)
        _units(components[i], i, units, spec if components[i]["client"] == 0 else None, layout)
    for k, edge in enumerate(edges):
        _edge(edge_rows[k], edge, place, components, scenario, layout, tick_s)
    faults = _faults(scenario, place, edges, tick_s)
    seconds = max(1, math.ceil(scenario.horizon_s / CONTROL_PERIOD_S))
    rates = arrivals_rps(scenario, seconds)
    return CompiledScenario(
        scenario.name,
        tuple(names),
        tuple((e.caller, e.callee) for e in edges),
        _world(scenario, seed, tick_s, faults),
        components,
        units,
        edge_rows,
        incoming,
        layout.size,
        tuple(layout.closures),
        tuple(layout.exponents),
        faults,
        rates,
        scenario,
        tuple(unable(scenario)),
    )


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


def _component(
    row: Any, index: int, spec: Component | None, edges: list[Edge], name: str, layout: _Layout,
    tick_s: float,
) -> None:
    own = [k for k, e in enumerate(edges) if e.caller == name]
    row["u0"], row["u1"] = index * SLOTS, index * SLOTS + 1
    row["e0"], row["e1"] = (own[0], own[-1] + 1) if own else (0, 0)
    row["parallel"] = int(bool(own) and all(edges[k].mode == "parallel" for k in own))
    row["slots"], row["replicas"] = 1, 1
    row["workers"] = row["queue_stated"] = UNLIMITED
    row["queue_limit"] = -1.0
    row["cores"] = row["cores_inv"] = 1.0
    row["memory_mark"] = 1.0
    if spec is None or spec.kind == "client":
        row["client"] = 1
        row["rate_row"] = index  # clients come first, one for each workload, in their order
        return
    servers = max(1, math.ceil(spec.cores - 1e-9))
    servers = min(servers, spec.workers)
    row["agent"] = 1
    row["least"] = int(spec.balancer == "least")
    row["slots"], row["replicas"] = min(spec.replicas + 1, SLOTS), spec.replicas
    row["service_s"], row["cv2"] = spec.service_time_s, spec.service_cv**2
    row["cores"], row["cores_inv"] = servers, 1.0 / servers
    row["workers"], row["queue_stated"] = spec.workers, spec.queue_limit
    row["startup_s"] = spec.startup_s
    row["memory_idle_mb"], row["memory_limit_mb"] = spec.memory_mb, spec.memory_limit_mb
    row["restarts_itself"] = int(spec.self_restart == "kubernetes")
    _probe(row, "ready", spec.readiness, tick_s)
    _probe(row, "live", spec.liveness, tick_s)
    room = int(min(spec.workers + spec.queue_limit, 10**9))
    row["k_table"] = room
    even = spec.balancer == "round_robin" and spec.replicas > 1
    arrival_cv2 = 0.0 if spec.name in layout.regular else 1.0 / spec.replicas if even else 1.0
    key = (servers, float(spec.service_cv**2), room, arrival_cv2)
    row["table"] = layout.closures.setdefault(key, len(layout.closures))


def _probe(row: Any, name: str, probe: Probe | None, tick_s: float) -> None:
    if probe is None or row["restarts_itself"] == 0:
        return
    row[f"{name}_every"] = max(1, round(probe.period_s / tick_s))
    row[f"{name}_failures"] = probe.failures
    row[f"{name}_timeout_s"] = probe.timeout_s
    row[f"{name}_blind"] = int(probe.kind == "tcp")


def _incoming(
    components: Records, edges: list[Edge], place: dict[str, int]
) -> npt.NDArray[np.int64]:
    order: list[int] = []
    for i in range(len(components)):
        components[i]["i0"] = len(order)
        order += [k for k, e in enumerate(edges) if place[e.callee] == i]
        components[i]["i1"] = len(order)
    return np.array(order, dtype=np.int64)


def _units(row: Any, index: int, units: Records, spec: Component | None, layout: _Layout) -> None:
    longest = power_of_two(math.ceil(LONGEST_TIMEOUT_S * 10) + 8)
    for slot in range(int(row["slots"])):
        unit = units[index * SLOTS + slot]
        unit["component"] = index
        unit["ring"] = layout.take(longest)
    unit = units[index * SLOTS]
    replicas = spec.replicas if spec else 1
    unit["up"] = unit["in_rotation"] = 1
    unit["n"], unit["n_inv"] = replicas, 1.0 / replicas
    unit["speed"] = unit["r"] = unit["share"] = 1.0
    unit["slow_factor"] = unit["bad_slow_factor"] = unit["cores_scale"] = 1.0
    unit["starts_tick"] = -1
    unit["cores"] = row["cores"]
    unit["memory_mb"] = row["memory_idle_mb"]
    unit["age"] = row["service_s"]
    unit["up_since_s"] = -1e6
    exponent = waiting_exponent(min(int(row["workers"]), MOST_WORKERS)) if spec else 10.0
    unit["exponent"] = exponent
    unit["power_table"] = layout.exponents.setdefault(exponent, len(layout.exponents))


def _edge(
    row: Any, edge: Edge, place: dict[str, int], components: Records, scenario: Scenario,
    layout: _Layout, tick_s: float,
) -> None:
    caller, callee = place[edge.caller], place[edge.callee]
    client = int(components[caller]["client"])
    row["caller"], row["callee"] = caller, callee
    row["agent"], row["entry"] = 1 - client, client
    row["soft"] = int(edge.need == "soft")
    row["quality"] = edge.fallback_quality if row["soft"] else 1.0
    row["cancel"], row["loses"] = int(edge.cancel_on_timeout), int(edge.on_cut == "lose")
    row["calls"], row["timeout_s"] = edge.calls, edge.timeout_s
    row["network_s"], row["delay_s"] = edge.network_s, 2.0 * edge.network_s
    calls = float(edge.calls)  # type: ignore[arg-type]
    row["n"] = max(1.0, calls)
    row["n_inv"] = 1.0 / row["n"]
    parallel = components[caller]["parallel"] == 1
    row["reissue_share"] = 0.0 if parallel else 1.0 - row["n_inv"]
    row["first_share"] = calls if parallel else min(1.0, calls)
    row["share"], row["permits"], row["tokens"] = 1.0, -1.0, -1.0
    row["first_hot"] = row["late_hot"] = -1
    row["due"] = 1 - client
    slots = int(components[callee]["slots"])
    row["slots"] = slots
    ring = power_of_two(math.ceil(LONGEST_TIMEOUT_S / tick_s) + 2)
    row["mask"] = ring - 1
    row["ring0"] = layout.take(ring * 2 * ATTEMPTS)
    row["pp"] = layout.take(2 * POOLS + SLOT_FIELDS * slots)
    row["share0"] = layout.take(ring * slots)
    row["pi0"] = layout.take(slots)
    row["slot0"] = layout.take(2 * slots)
    row["carry0"] = layout.take(slots)
    if client:
        slo = scenario.slo.get(edge.callee)
        row["latency_s"] = slo.latency_s if slo else edge.timeout_s


def _faults(
    scenario: Scenario, place: dict[str, int], edges: list[Edge], tick_s: float
) -> Records:
    plain = plain_faults(scenario)
    rows = np.zeros(len(plain), FAULT)
    pairs = {(e.caller, e.callee): k for k, e in enumerate(edges)}
    for row, fault in zip(rows, plain, strict=True):
        row["kind"] = CODES[fault.kind]
        row["start_tick"] = round(fault.start_s / tick_s)
        row["end_tick"] = _end_tick(fault, tick_s)
        row["until"] = UNTIL_CODES[fault.until]
        row["replicas"] = fault.replicas
        row["component"] = place[fault.component] if fault.component else 0
        row["edge"] = _struck_edge(fault, edges, pairs)
        row["value"], row["value2"], row["stale_s"] = _magnitudes(fault)
        if strikes_one_entry(fault, scenario):
            row["value"] = 1.0  # it is in that entry's rates; the engine's factor is for all load
    return rows[np.argsort(rows["start_tick"], kind="stable")]


def _struck_edge(
    fault: Fault, edges: list[Edge], pairs: dict[tuple[str, str], int]
) -> int:
    if fault.edge is None:
        return 0
    if fault.edge in pairs:
        return pairs[fault.edge]
    entry = [k for (_, callee), k in pairs.items() if callee == fault.edge[1]]
    return entry[0]


def _end_tick(fault: Fault, tick_s: float) -> int:
    if math.isinf(fault.duration_s):
        return NEVER
    return round((fault.start_s + fault.duration_s) / tick_s)


def _magnitudes(fault: Fault) -> tuple[float, float, float]:
    p = fault.parameters
    values = [float(p.get(key, default)) for key, default in VALUES.get(fault.kind, ())]
    first, second = (*values, 0.0, 0.0)[:2]
    return first, second, float(p.get("stale_s", 0))


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
