"""Plain faults as records, in the order of their starts."""

import math

import numpy as np
import numpy.typing as npt

from hms.scenarios.engine_order import Route
from hms.scenarios.engines.fluid.records import FAULT
from hms.scenarios.faults.expand import plain_faults
from hms.scenarios.faults.kinds import CODES, UNTIL_CODES, VALUES
from hms.scenarios.model import Fault, Scenario
from hms.scenarios.workload import strikes_one_entry

Records = npt.NDArray[np.void]

NEVER = 1 << 60


def fault_rows(
    scenario: Scenario, place: dict[str, int], routes: list[Route], tick_s: float
) -> Records:
    """A row for each plain fault, of a fault on an edge one for each of the edge's routes."""
    ways: dict[tuple[str, str], list[int]] = {}
    for k, route in enumerate(routes):
        ways.setdefault(route.origin, []).append(k)
    found: list[tuple[Fault, int]] = []
    for fault in plain_faults(scenario):
        edges = [0] if fault.edge is None else ways.get(fault.edge, [])
        found += [(fault, edge) for edge in edges]
    rows = np.zeros(len(found), FAULT)
    for row, (fault, edge) in zip(rows, found, strict=True):
        row["kind"] = CODES[fault.kind]
        row["start_tick"] = round(fault.start_s / tick_s)
        row["end_tick"] = _end_tick(fault, tick_s)
        row["until"] = UNTIL_CODES[fault.until]
        row["replicas"] = fault.replicas
        row["ramp_ticks"] = round(fault.ramp_s / tick_s)
        row["component"] = place[fault.component] if fault.component else 0
        row["group"] = _group(fault, scenario)
        row["edge"] = edge
        row["value"], row["value2"] = _values(fault)
        row["stale_s"] = fault.parameters.get("stale_s", 0.0)
        if strikes_one_entry(fault, scenario):
            row["value"] = 1.0  # it is in that entry's rates; the engine's factor is for all load
    return rows[np.argsort(rows["start_tick"], kind="stable")]


def _group(fault: Fault, scenario: Scenario) -> int:
    """The number of a group of replicas, from 1; 0 for all of them."""
    if not fault.group or not fault.component:
        return 0
    return sorted(scenario.components[fault.component].groups).index(fault.group) + 1


def _end_tick(fault: Fault, tick_s: float) -> int:
    if math.isinf(fault.duration_s):
        return NEVER
    return round((fault.start_s + fault.duration_s) / tick_s)


def _values(fault: Fault) -> tuple[float, float]:
    given = [fault.parameters.get(key, default) for key, default in VALUES.get(fault.kind, ())]
    first, second = (*map(float, given), 0.0, 0.0)[:2]
    return first, second
