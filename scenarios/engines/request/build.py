"""A compiled scenario and a policy to the arrays of one run."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hms.agents.policy.detection import SlotObservation
from hms.agents.policy.kinds import SCOPE_REPLICA, WINDOW_COUNT
from hms.scenarios import event_log
from hms.scenarios.compile import CompiledScenario
from hms.scenarios.engines.request.balancers import LEAST, RANDOM, ROUND_ROBIN
from hms.scenarios.engines.request.loop import State
from hms.scenarios.engines.request.records import (
    AGENT,
    CALL,
    CALLER,
    COMPONENT,
    COMPONENT_WINDOW,
    EDGE,
    EDGE_WINDOW,
    EVENT,
    HEAP,
    LIST,
    NONE,
    QUEUE,
    REPLICA,
    SLOTS,
    SPAN,
    TIME_SLOTS,
    VISIT,
    WINDOW,
    WINDOW_SLOTS,
    WORLD,
)
from hms.scenarios.engines.request.sketch import BUCKETS
from hms.scenarios.engines.request.stations import FIFO, LIFO, PS
from hms.scenarios.policy_jit import dtype_of
from hms.scenarios.policy_tables import PolicyTables

Records = npt.NDArray[np.void]

BALANCERS = {"round_robin": ROUND_ROBIN, "random": RANDOM, "least": LEAST}
DISCIPLINES = {"fifo": FIFO, "lifo": LIFO, "ps": PS}
MOST_REPLICAS = 3
"""Times the file's: what acts may add on top."""
AT_ONCE = 1 << 12


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may take at most; beyond it the run stops and says so.

    Attributes:
        events: heap and immediate events.
        requests: visits under way at once, and as many calls.
    """

    events: int = 2_000_000_000
    requests: int = 1 << 20


def state_of(
    compiled: CompiledScenario, tables: PolicyTables, budget: Budget, *, record: bool,
    spans: int = 0,
) -> State:
    """One run as it stands before its first event."""
    components, replicas = _components(compiled, tables)
    edges = _edges(compiled, tables, components)
    lists, edges["list"] = _lists(edges)
    callers, agents = np.zeros(len(edges), CALLER), np.zeros(len(components), AGENT)
    callers["breaker_p"], callers["retry_p"] = tables.breaker, tables.retry
    callers["outlier_grant"]["share"] = 1.0
    agents["detection_p"], agents["guard_p"] = tables.detection, tables.guard
    agents["recovery_p"] = tables.recovery
    seconds = compiled.rates.shape[1]
    entries = int(components["client"].sum())
    visits, calls = np.zeros(budget.requests, VISIT), np.zeros(budget.requests, CALL)
    queues = np.zeros(3 * len(replicas) + len(edges), QUEUE)
    queues["head"] = queues["tail"] = NONE
    return State(
        world=_world(compiled, budget, record), comps=components, replicas=replicas,
        queues=queues, edges=edges, incoming=compiled.incoming, callers=callers, agents=agents,
        slot_observations=np.zeros(len(components) * SLOTS, dtype_of(SlotObservation)),
        visits=visits, calls=calls, heap=np.zeros(2 * budget.requests + 4096, HEAP),
        todo=np.zeros(AT_ONCE, np.int64), lists=lists, faults=compiled.faults.copy(),
        rates=compiled.rates, late=np.zeros(compiled.late_rows, dtype_of(SlotObservation)),
        events=np.zeros(event_log.EVENTS_MAX if record else 0, EVENT),
        windows=np.zeros(seconds, WINDOW),
        component_windows=np.zeros((seconds if record else 0, len(components)), COMPONENT_WINDOW),
        edge_windows=np.zeros((seconds if record else 0, len(edges)), EDGE_WINDOW),
        sketches=np.zeros((entries, BUCKETS), np.int64), taken=np.zeros(entries),
        spans=np.zeros(spans, SPAN),
    )  # fmt: skip


def _copy(target: Any, source: Any) -> None:
    """What both records name alike."""
    for name in set(target.dtype.names) & set(source.dtype.names):
        target[name] = source[name]


def _world(compiled: CompiledScenario, budget: Budget, record: bool) -> Records:
    world = np.zeros(1, WORLD)
    _copy(world, compiled.world)
    w = world[0]
    w["record"], w["budget"] = int(record), budget.events
    w["visits_free"] = w["calls_free"] = NONE
    w["end_s"] = w["ticks"] * w["dt"]
    w["load_factor"] = 1.0
    w["warm_up_s"] = compiled.scenario.warm_up_s
    return world


def _components(compiled: CompiledScenario, tables: PolicyTables) -> tuple[Records, Records]:
    components = np.zeros(len(compiled.components), COMPONENT)
    _copy(components, compiled.components)
    first = 0
    rows = []
    for i, row in enumerate(components):
        spec = compiled.scenario.components.get(compiled.names[i])
        served = row["client"] == 0
        room = int(row["replicas"]) * MOST_REPLICAS if served else 0
        row["r0"], row["r1"] = first, first + (row["replicas"] if served else 0)
        row["r2"], row["turn"], row["entry_no"] = first + room, first, i
        row["slots_max"], row["slots_used"] = compiled.components["slots"][i], 1
        row["limit"], row["queue_limit"] = tables.admission[i]
        if not served:
            load = compiled.scenario.workload[row["rate_row"]]
            row["regular"], row["closed"] = load.arrivals == "regular", load.closed
            row["think_s"] = load.think_s
        elif spec is not None:
            row["balancer"] = BALANCERS[spec.balancer]
            row["discipline"] = DISCIPLINES[spec.discipline]
        rows.append(_replicas(compiled, row, i, room))
        first += room
    return components, np.concatenate(rows)


def _replicas(compiled: CompiledScenario, component: Any, index: int, room: int) -> Records:
    """Replicas as the compiled units say: those of one group in one slot; the rest is room."""
    rows = np.zeros(room, REPLICA)
    rows["component"], rows["starts_tick"] = index, NONE
    rows["memory_mb"], rows["up_since_s"] = component["memory_idle_mb"], -1e6
    for factor in ("own_speed", "slow_factor", "bad_slow_factor", "disk_factor", "gray_factor"):
        rows[factor] = 1.0
    rows["cpu_share"] = rows["cores_scale"] = 1.0
    first = 0
    if room:
        spec = compiled.components[index]
        component["slots_used"] = spec["u1"] - spec["u0"]
        for slot, unit in enumerate(compiled.units[spec["u0"] : spec["u1"]]):
            there = slice(first, first + round(float(unit["n"])))
            rows["there"][there] = rows["up"][there] = rows["in_rotation"][there] = 1
            rows["slot"][there], rows["group"][there] = slot, unit["group"]
            rows["own_speed"][there] = unit["own_speed"]
            first = there.stop
    return rows


def _edges(
    compiled: CompiledScenario, tables: PolicyTables, components: Records
) -> Records:
    edges = np.zeros(len(compiled.edges), EDGE)
    _copy(edges, compiled.edges)
    known = {(edge.caller, edge.callee): edge for edge in compiled.scenario.edges}
    for k, row in enumerate(edges):
        row["attempts"] = 1
        if row["agent"] == 1:
            _caller(row, k, tables, int(components["replicas"][row["callee"]]))
        spec = known.get(compiled.edge_names[k])
        if spec is not None:
            row["passes"] = int(spec.passes_deadline)
        if spec is not None and spec.hedge_after_s > 0.0:
            row["hedge_after_s"], row["hedges"] = spec.hedge_after_s, spec.hedges
    return edges


def _caller(row: Any, k: int, tables: PolicyTables, replicas: int) -> None:
    """A caller's settings on one edge."""
    call_s, total_s = tables.timeouts[k]
    if call_s > 0.0:
        row["timeout_s"] = call_s
    row["total_s"] = total_s
    row["attempts"] = tables.retry[k]["max_attempts"]
    p = tables.breaker[k]
    by_replica = p["scope"] == SCOPE_REPLICA
    row["breaker"] = int(p["enabled"] and not by_replica)
    row["scope_replica"] = int(p["enabled"] and by_replica and replicas > 1)
    counted = p["window_kind"] == WINDOW_COUNT
    row["slots"] = min(int(p["window_calls"]) + 1, WINDOW_SLOTS) if counted else TIME_SLOTS


def _lists(edges: Records) -> tuple[Records, Any]:
    """A list of waiting calls for each length of time-out, and each edge's list."""
    lengths, which = np.unique(edges["timeout_s"], return_inverse=True)
    lists = np.zeros(len(lengths), LIST)
    lists["head"] = lists["tail"] = NONE
    lists["duration_s"] = lengths
    return lists, which
