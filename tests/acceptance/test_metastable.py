"""Collapses that outlive their cause, and what prevents them. docs/world.md, section B."""

import pytest
from worlds import last, retries, server, simulate, through

from hms.scenarios.model import Edge, Fault


def hotos(rate_rps, attempts_more=1, slots=30, horizon_s=400):
    """Bronson et al. (HotOS'21): 300/s, 1 s time-out, one retry, a stall of 10 s."""
    stall = Fault("hang", component="server", start_s=20.0, duration_s=10.0)
    scenario = through(
        server(cores=slots, service_cv=0.0), rate_rps=rate_rps, horizon_s=horizon_s,
        faults=(stall,), latency_s=5.0,
    )
    return simulate(scenario, retries(attempts_more))


def test_hotos_recovers_below_half_its_capacity():
    assert last(hotos(140), "good_rps") == pytest.approx(140, rel=0.01)


def test_hotos_stays_down_at_half_its_capacity_with_twice_the_load():
    outcome = hotos(150)
    assert outcome.verdict == "collapsed"
    place = outcome.components.index("server")
    assert outcome.timeline["ok_rps"][-20:, place].mean() == pytest.approx(300, rel=0.01)


@pytest.mark.parametrize("more", [1, 2, 3, 4])
def test_the_law_of_retries_flips_at_capacity_over_attempts(more):
    threshold = 100 / (1 + more)
    below = hotos(0.95 * threshold, more, slots=10, horizon_s=600)
    above = hotos(1.05 * threshold, more, slots=10, horizon_s=600)
    assert below.verdict == "recovered"
    assert above.verdict == "collapsed"


def half_capacity(chosen):
    lost = Fault(
        "capacity", component="server", start_s=5.0, duration_s=5.0, parameters={"cores": 5.0}
    )
    scenario = through(
        server(cores=10), rate_rps=70, horizon_s=60, faults=(lost,), latency_s=6.0
    )
    return simulate(scenario, chosen)


def test_without_retries_a_lost_half_comes_back():
    assert last(half_capacity(retries(0)), "good_rps") == pytest.approx(70, rel=0.01)


@pytest.mark.parametrize(("more", "load_rps"), [(1, 140), (2, 210), (3, 280)])
def test_retries_without_a_budget_keep_the_system_down(more, load_rps):
    outcome = half_capacity(retries(more))
    assert outcome.verdict == "collapsed"
    gateway = outcome.components.index("server")
    assert outcome.timeline["present"][-1, gateway] > load_rps


@pytest.mark.parametrize("ratio", [0.1, 0.2])
def test_a_retry_budget_rescues(ratio):
    outcome = half_capacity(retries(3, budget_ratio=ratio))
    assert last(outcome, "good_rps") == pytest.approx(70, rel=0.01)


@pytest.mark.parametrize(("factor", "calls_rps"), [(5, 80), (10, 40), (25, 16), (100, 4)])
def test_held_workers_starve_a_caller_and_let_go_again(factor, calls_rps):
    """16 workers in front of a callee that slows down for 20 s, then all is well.

    Calls a second are W/(S + R) while all workers are held: 16 / (0.001 + 0.04 x 5) = 80, ...
    """
    slow = Fault(
        "slow", component="behind", start_s=20.0, duration_s=20.0, parameters={"factor": factor}
    )
    scenario = through(
        server("front", cores=16, workers=16, service_time_s=0.001),
        server("behind", cores=1000, service_time_s=0.04), rate_rps=100, horizon_s=90,
        edges=(Edge("front", "behind", timeout_s=30.0, network_s=0.0),), faults=(slow,),
        timeout_s=30.0, latency_s=10.0,
    )
    outcome = simulate(scenario, retries(0))
    place = outcome.components.index("behind")
    assert outcome.timeline["ok_rps"][32:38, place].mean() == pytest.approx(calls_rps, rel=0.1)
    assert outcome.verdict == "recovered"
    assert last(outcome, "good_rps") == pytest.approx(100, rel=0.01)
