"""How much load a system bears in nearly all of its draws.

Guessed ranges multiply along a path: the deeper a graph, the more its draws differ, and a rate
that is comfortable at the middle of all ranges may overload one draw in twenty before anything
fails. A draw here is keyed by the path of its quantity, as everywhere, so that no order matters.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from hms.scenarios.model import Edge, Range, Scenario, Value
from hms.scenarios.topology import closing_edges, order

FULL = 0.9
"""Share of its capacity above which a component counts as overloaded."""
DRAWS = 1000

Floats = NDArray[np.float64]


def full_rps(scenario: Scenario) -> Floats:
    """For each draw, the rate of all loads together at which the busiest component is full.

    Returns:
        Requests per second, shape (DRAWS,).
    """
    visits = {name: np.zeros(DRAWS) for name in scenario.components}
    for load in scenario.workload:
        first = scenario.edge(load.client, load.entry)
        visits[load.entry] += _calls(first) / len(scenario.workload)
    closing = set(closing_edges(scenario))
    outgoing: dict[str, list[Edge]] = {}
    for edge in scenario.edges:
        outgoing.setdefault(edge.caller, []).append(edge)
    most = np.full(DRAWS, np.inf)
    for name in order(scenario):
        component = scenario.components[name]
        if component.kind == "client":
            continue
        servers = max(1.0, math.ceil(component.cores)) * component.replicas
        busy_s = visits[name] * _drawn(component.service_time_s, f"{name} service time")
        bears = busy_s > 0.0
        most[bears] = np.minimum(most[bears], servers / busy_s[bears])
        for edge in outgoing.get(name, ()):
            if (edge.caller, edge.callee) not in closing:
                visits[edge.callee] += visits[name] * _calls(edge)
    most *= FULL
    return most


def uniforms(purpose: str) -> Floats:
    """Numbers in [0, 1) that depend on nothing but what they are for, shape (DRAWS,)."""
    raw = hashlib.shake_256(purpose.encode("utf-8")).digest(8 * DRAWS)
    words = np.frombuffer(raw, dtype="<u8") >> np.uint64(11)
    return words.astype(np.float64) * 2.0**-53


def _calls(edge: Edge) -> Floats:
    return _drawn(edge.calls, f"{edge.name} calls")


def _drawn(value: Value, purpose: str) -> Floats:
    if isinstance(value, Range):
        return value.low + (value.high - value.low) * uniforms(purpose)
    return np.full(DRAWS, value)
