"""Closed forms of queueing theory and of retries."""

from __future__ import annotations

from typing import Any

from hms.experiments.fidelity import measures
from hms.experiments.fidelity.row import Row, Value

QUEUES = "Queueing theory"
ALGEBRA = "Retry algebra"
RATE = "workload/0/rate_rps"
SERVER = "components/server/"
SERVICE_S = 0.1
ATTEMPTS = "edges/gateway -> server/retry/max_attempts"


def rows() -> list[Row]:
    """All of them."""
    return [*_m_m_c(), *_m_g_1(), *_m_m_1_k(), *_attempts(), *_nested(), *_budget()]


def _m_m_c() -> list[Row]:
    table = ((0.8, 1, 5.0), (0.9, 1, 10.0), (1.6, 2, 2.778), (4.0, 5, 1.554), (8.0, 10, 1.205))
    return [
        Value(
            QUEUES, f"M/M/{cores}, load {load:g}: time in system", "m-m-c",
            measures.residence_s(), in_services * SERVICE_S, 0.01, " s",
            {RATE: load / SERVICE_S, SERVER + "cores": cores},
        )
        for load, cores, in_services in table
    ]


def _m_g_1() -> list[Row]:
    table = (("M/D/1", 0.8, 0.0, 3.0), ("M/D/1", 0.9, 0.0, 5.5), ("M/G/1, cv 2", 0.8, 2.0, 11.0))
    return [
        Value(
            QUEUES, f"{name}, load {load:g}: time in system", "m-g-1",
            measures.residence_s(), in_services * SERVICE_S, 0.03, " s",
            {RATE: load / SERVICE_S, SERVER + "service_cv": cv},
        )
        for name, load, cv, in_services in table
    ]


def _m_m_1_k() -> list[Row]:
    return [
        Value(
            QUEUES, f"M/M/1/10, load {load:g}: share refused", "m-m-1-k",
            measures.lost_share(), expected, 0.03, "", {RATE: load / SERVICE_S},
        )
        for load, expected in ((0.9, 0.050814), (1.0, 0.090909), (1.2, 0.192586))
    ]


def _attempts() -> list[Row]:
    found: list[Row] = []
    for failing, retries in ((0.5, 3), (0.2, 2), (0.9, 4)):
        changes: dict[str, Any] = {"faults/0/share": failing, ATTEMPTS: retries + 1}
        attempts = (1 - failing ** (retries + 1)) / (1 - failing)
        told = f"{retries} retries of calls that fail with {failing:.0%}"
        found += [
            Value(ALGEBRA, f"{told}: attempts", "retry-algebra", measures.calls_per_request(),
                  attempts, 0.01, "", changes),
            Value(ALGEBRA, f"{told}: final failures", "retry-algebra", measures.bad_share(),
                  failing ** (retries + 1), 0.02, "", changes),
        ]
    return found


def _nested() -> list[Row]:
    return [
        Value(
            ALGEBRA, f"{layers} layers of {tries} tries: calls below", f"nested-retries-{calls}",
            measures.calls_per_request(), calls, 0.01, "",
        )
        for layers, tries, calls in ((3, 4, 64), (5, 3, 243))
    ]


def _budget() -> list[Row]:
    return [
        Value(
            ALGEBRA, f"budget of a tenth, {failing:.0%} fail: retries a request", "token-budget",
            measures.retries_per_request(settled_s=60.0), expected, 0.01, "",
            {"faults/0/share": failing},
        )
        for failing, expected in ((0.1, 0.0989), (0.2, 0.0870), (0.5, 0.0526))
    ]
