"""What monitoring sees of single requests, second by second: `hms.scenarios.telemetry`'s series.

What is counted anyway is only read: counters that never go back are written down at the end of each
second and told apart later; a replica's sums of a control period, before its agent reads them.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from hms.scenarios.compile import CompiledScenario
from hms.scenarios.machine_code import compiled
from hms.scenarios.telemetry import ComponentSeries, EdgeSeries, Telemetry

Array = npt.NDArray[np.float64]


@compiled
def note_component(s, i, cell):
    """One component at the end of a second."""
    c = s.comps[i]
    cell.arrived = float(c.arrived)
    cell.refused = float(c.refused)
    cell.served = float(c.served)
    cell.failed = float(c.failed)
    for ri in range(c.r0, c.r1):
        r = s.replicas[ri]
        cell.own_errors += r.sum_own_errors
        cell.worked += r.sum_served
        cell.own_time_s += r.sum_own_s
        cell.residence_time_s += r.sum_residence
        cell.busy_s += r.sum_busy_s
        r.sum_busy_s = 0.0
        if r.there == 1 and r.up == 1 and r.in_rotation == 1:
            cell.ready += 1.0


@compiled
def note_edge(e, cell):
    """One edge at the end of a second."""
    cell.first = float(e.first)
    cell.made = float(e.made)
    cell.blocked = float(e.blocked)
    cell.ok = float(e.ok)
    cell.failed = float(e.bad + e.refused)
    cell.late = float(e.late)
    cell.lost = float(e.lost)
    cell.good = float(e.good)
    cell.call_time_s = e.ok_s
    cell.in_flight = float(e.active)


def telemetry_of(compiled_scenario: CompiledScenario, state: Any, seconds: int) -> Telemetry:
    """The series of a recorded run that came so far."""
    cells, edges = state.component_windows[:seconds], state.edge_windows[:seconds]
    client = np.asarray(state.comps["client"] == 1)
    return Telemetry(
        compiled_scenario.names,
        compiled_scenario.edge_names,
        client,
        np.asarray(compiled_scenario.edges["soft"] == 1),
        _components(cells, _own_calls(compiled_scenario, edges, client)),
        _edges(edges),
    )


def _own_calls(compiled_scenario: CompiledScenario, edges: Any, client: Any) -> Array:
    """A client's requests are the calls on its one edge, shape (seconds, components)."""
    made = _in_each(edges["first"])
    found = np.zeros((len(made), len(client)))
    for k, caller in enumerate(compiled_scenario.edges["caller"]):
        if client[caller]:
            found[:, caller] += made[:, k]
    return found


def _components(cells: Any, clients: Array) -> ComponentSeries:
    failed, refused = _in_each(cells["failed"]), _in_each(cells["refused"])
    residence_s = cells["residence_time_s"].copy()
    return ComponentSeries(
        arrivals=_in_each(cells["arrived"]) + clients,
        refused=refused,
        ok=_in_each(cells["served"]),
        failed=failed,
        own_errors=cells["own_errors"].copy(),
        worked=cells["worked"].copy(),
        busy_s=cells["busy_s"].copy(),
        residence_time_s=residence_s,
        calls_time_s=np.maximum(residence_s - cells["own_time_s"], 0.0),
        present=cells["present"].copy(),
        ready=cells["ready"].copy(),
    )


def _edges(cells: Any) -> EdgeSeries:
    """Retries are attempts that are not first ones; what failed and was not tried again is over."""
    first, made, blocked = (_in_each(cells[name]) for name in ("first", "made", "blocked"))
    ok, failed, late = (_in_each(cells[name]) for name in ("ok", "failed", "late"))
    return EdgeSeries(
        calls=made,
        retries=np.clip(made + blocked - first, 0.0, made),
        blocked=blocked,
        ok=ok,
        failed=failed,
        late=late,
        given_up=np.maximum(failed + late + first - made, 0.0),
        lost=_in_each(cells["lost"]),
        call_time_s=_in_each(cells["call_time_s"]),
        in_flight=cells["in_flight"].copy(),
        good=_in_each(cells["good"]),
    )


def _in_each(counter: Array) -> Array:
    """What a counter that never goes back counted in each second."""
    return np.asarray(np.maximum(np.diff(counter, axis=0, prepend=0.0), 0.0))
