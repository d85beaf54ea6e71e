"""Closed forms of queueing theory that the engine must give. docs/world.md, acceptance table."""

import pytest
from worlds import UNBOUNDED, last, policy, server, simulate, through

PLAIN = policy(retry={"max_attempts": 1})


def residence_s(rate_rps, horizon_s=400, **fields):
    """Mean time in the server, by Little's law over the end of a long run."""
    scenario = through(
        server(**fields), rate_rps=rate_rps, horizon_s=horizon_s, timeout_s=30.0, latency_s=20.0
    )
    outcome = simulate(scenario, PLAIN)
    place = outcome.components.index("server")
    present = outcome.timeline["present"][-20:, place].mean()
    return present / outcome.timeline["ok_rps"][-20:, place].mean()


@pytest.mark.parametrize(
    ("load", "servers", "expected"),
    [(0.8, 1, 5.0), (0.9, 1, 10.0), (1.6, 2, 2.778), (4.0, 5, 1.554), (8.0, 10, 1.205)],
)
def test_m_m_c_residence_time(load, servers, expected):
    service_s = 0.1
    got = residence_s(load / service_s, cores=servers, service_time_s=service_s) / service_s
    assert got == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("load", "cv", "expected"), [(0.8, 0.0, 3.0), (0.9, 0.0, 5.5), (0.8, 2.0, 11.0)]
)
def test_m_g_1_residence_time_by_pollaczek_khinchine(load, cv, expected):
    got = residence_s(load / 0.1, cores=1, service_cv=cv) / 0.1
    assert got == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(
    ("load", "room", "expected"), [(0.9, 10, 0.0508), (1.0, 10, 0.0909), (1.2, 10, 0.1926)]
)
def test_m_m_1_k_loss(load, room, expected):
    scenario = through(
        server(cores=1, workers=1, queue_limit=room - 1), rate_rps=load / 0.1, horizon_s=400,
        timeout_s=30.0, latency_s=20.0,
    )
    outcome = simulate(scenario, PLAIN)
    place = outcome.components.index("server")
    lost = last(outcome, "offered_rps") - outcome.timeline["ok_rps"][-20:, place].mean()
    assert lost / last(outcome, "offered_rps") == pytest.approx(expected, rel=0.03)


def test_unbounded_room_refuses_nobody():
    scenario = through(
        server(cores=1, workers=UNBOUNDED), rate_rps=9.0, horizon_s=100, timeout_s=30.0,
        latency_s=20.0,
    )
    outcome = simulate(scenario, PLAIN)
    assert last(outcome, "bad_rps") == pytest.approx(0.0, abs=1e-3)
