"""What monitoring sees of a tick, summed by seconds; only where a run is recorded.

The series and their meaning: `hms.scenarios.telemetry`.
"""

from typing import Any

import numpy as np

from hms.scenarios.compile import CompiledScenario
from hms.scenarios.engines.fluid.measure import late_for_entry
from hms.scenarios.machine_code import compiled
from hms.scenarios.telemetry import (
    COMPONENT_COLUMNS,
    EDGE_COLUMNS,
    ComponentSeries,
    EdgeSeries,
    Telemetry,
)


@compiled
def note_component(c, units, cell, computed, dt):
    """One component's tick; what leaves now was let in at the pointer's tick or later."""
    cell.arrivals += c.arrivals
    cell.refused += c.rejected
    cell.answered_ok += c.ok_out
    cell.answered_bad += c.bad_out
    cell.own_errors += c.bad_out * (1.0 - c.unavailable_share)
    ready = 0.0
    for g in range(c.u0, c.u1):
        u = units[g]
        out = u.out * dt
        age = min(u.age, (computed + 1 - u.pointer) * dt + c.service_s)
        cell.residence_time_s += out * age
        cell.calls_time_s += out * min(age, c.calls_s)
        if c.client == 0 and u.up == 1:
            cell.worked += u.throughput * u.n * dt
            if u.speed > 0.0:
                cell.busy_s += u.busy * u.cores * u.n * dt
            if u.in_rotation == 1:
                ready += u.n
    cell.ready = ready


@compiled
def answer_age(c, units):
    """Mean age of the answers that leave now, of all units: a unit that answers nobody has none."""
    out = 0.0
    age = 0.0
    for g in range(c.u0, c.u1):
        out += units[g].out
        age += units[g].out * units[g].age
    return age / out if out > 0.0 else units[c.u0].age


@compiled
def note_edge(e, comps, units, rings, cell):
    """One edge's tick."""
    cell.calls += e.offered
    cell.retries += e.repeats
    cell.blocked += e.blocked
    cell.ok += e.ok
    cell.failed += e.bad
    cell.late += e.late
    cell.given_up += e.final
    cell.lost += e.offered if e.cut == 1 else e.offered * e.loss
    cell.in_flight = e.outstanding
    if e.ok > 0.0:
        cell.call_time_s += e.ok * min(answer_age(comps[e.callee], units) + e.delay_s, e.timeout_s)
    if e.entry == 1:
        cell.good += e.ok * (1.0 - late_for_entry(e, comps[e.callee], units, rings))


@compiled
def note_tick(s, second):
    """Add this tick to its second."""
    world = s.world[0]
    for i in range(s.comps.shape[0]):
        cell = s.component_windows[second, i]
        note_component(s.comps[i], s.units, cell, world.computed, world.dt)
    for k in range(s.edges.shape[0]):
        note_edge(s.edges[k], s.comps, s.units, s.rings, s.edge_windows[second, k])


@compiled
def repeat_second(s, second):
    """A second that was passed over is like the one before it."""
    for i in range(s.comps.shape[0]):
        cell = s.component_windows[second, i]
        before = s.component_windows[second - 1, i]
        cell.arrivals = before.arrivals
        cell.refused = before.refused
        cell.answered_ok = before.answered_ok
        cell.answered_bad = before.answered_bad
        cell.own_errors = before.own_errors
        cell.worked = before.worked
        cell.busy_s = before.busy_s
        cell.ready = before.ready
        cell.residence_time_s = before.residence_time_s
        cell.calls_time_s = before.calls_time_s
    for k in range(s.edges.shape[0]):
        cell = s.edge_windows[second, k]
        before = s.edge_windows[second - 1, k]
        cell.calls = before.calls
        cell.retries = before.retries
        cell.blocked = before.blocked
        cell.ok = before.ok
        cell.failed = before.failed
        cell.late = before.late
        cell.given_up = before.given_up
        cell.lost = before.lost
        cell.call_time_s = before.call_time_s
        cell.in_flight = before.in_flight
        cell.good = before.good


FIELDS = {"ok": "answered_ok", "failed": "answered_bad"}
"""Series whose cell has another name: `ok` and `bad` are the timeline's, of ticks not noted."""


def telemetry_of(compiled_scenario: CompiledScenario, state: Any) -> Telemetry:
    """The series of a recorded run."""
    cells, edges = state.component_windows, state.edge_windows
    return Telemetry(
        compiled_scenario.names,
        compiled_scenario.edge_names,
        np.asarray(state.comps["client"] == 1),
        np.asarray(state.edges["soft"] == 1),
        ComponentSeries(*(cells[FIELDS.get(name, name)].copy() for name in COMPONENT_COLUMNS)),
        EdgeSeries(*(edges[name].copy() for name in EDGE_COLUMNS)),
    )
