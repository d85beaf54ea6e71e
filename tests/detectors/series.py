"""Telemetry written by hand: a small system, second by second, in which one thing is off."""

import numpy as np

from hms.scenarios.telemetry import (
    COMPONENT_COLUMNS,
    EDGE_COLUMNS,
    ComponentSeries,
    EdgeSeries,
    Telemetry,
)

SECONDS = 60
RATE_RPS = 50.0
SERVICE_S = 0.02
NAMES = ("outside", "front", "cart", "store")
PAIRS = (("outside", "front"), ("front", "cart"), ("cart", "store"))


def well():
    """outside -> front -> cart -> store, 50 requests a second, nothing wrong for a minute."""
    shape, calls = (SECONDS, len(NAMES)), (SECONDS, len(PAIRS))
    parts = {name: np.zeros(shape) for name in COMPONENT_COLUMNS}
    for name in ("arrivals", "ok", "worked"):
        parts[name][:] = RATE_RPS
    parts["busy_s"][:] = RATE_RPS * SERVICE_S
    parts["residence_time_s"][:] = RATE_RPS * SERVICE_S * np.array([3.0, 3.0, 2.0, 1.0])
    parts["present"][:] = parts["residence_time_s"]
    parts["ready"][:] = np.array([0.0, 3.0, 3.0, 3.0])
    edges = {name: np.zeros(calls) for name in EDGE_COLUMNS}
    for name in ("calls", "ok"):
        edges[name][:] = RATE_RPS
    edges["call_time_s"][:] = RATE_RPS * SERVICE_S * np.array([3.0, 2.0, 1.0])
    edges["in_flight"][:] = edges["call_time_s"]
    edges["good"][:, 0] = RATE_RPS
    return Telemetry(
        NAMES, PAIRS, np.array([True, False, False, False]), np.zeros(3, dtype=bool),
        ComponentSeries(**parts), EdgeSeries(**edges),
    )


def fails_from(seen, name, second, share):
    """`name` answers a share with errors of its own; every caller up to the outside fails."""
    lost = RATE_RPS * share
    place = seen.place(name)
    seen.components.own_errors[second:, place] = lost
    for i in range(1, place + 1):
        seen.components.ok[second:, i] = RATE_RPS - lost
        seen.components.failed[second:, i] = lost
        edge = i - 1
        seen.edges.ok[second:, edge] = RATE_RPS - lost
        seen.edges.failed[second:, edge] = lost
        seen.edges.given_up[second:, edge] = lost
    seen.edges.good[second:, 0] = RATE_RPS - lost
    return seen
