"""The right verdict on the rows of the acceptance table that a small world shows."""

from itertools import pairwise

import pytest
from plain_worlds import (
    ALWAYS,
    UNBOUNDED,
    failing,
    half_capacity,
    hotos,
    retries,
    server,
    simulate,
    through,
)

from hms.scenarios.detectors.examination import Promise, examine
from hms.scenarios.model import Edge, Fault

PROMISED = Promise(availability=0.95)


def read(outcome):
    return examine(outcome.telemetry, PROMISED)


@pytest.mark.parametrize(("rate_rps", "metastable"), [(140, False), (150, True)])
def test_hotos_ends_metastable_from_half_its_capacity_on(rate_rps, metastable):
    found = read(hotos(rate_rps))
    assert (found.metastable is not None) == metastable
    assert (found.cause.name, found.cause.since_s) == ("server", 20)
    assert (found.times.recover_s is None) == metastable
    if metastable:
        assert "retries" in found.metastable.sustained_by
        assert found.metastable.amplification == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize("more", [1, 2, 3, 4])
def test_the_law_of_retries_is_metastable_above_its_threshold_only(more):
    threshold = 100 / (1 + more)
    below = read(hotos(0.95 * threshold, more, slots=10, horizon_s=600))
    above = read(hotos(1.05 * threshold, more, slots=10, horizon_s=600))
    assert below.metastable is None
    assert above.metastable.amplification == pytest.approx(1 + more, rel=0.02)


@pytest.mark.parametrize(("more", "budget", "metastable"), [
    (0, None, False), (1, None, True), (2, None, True), (3, None, True), (3, 0.1, False),
    (3, 0.2, False),
])  # fmt: skip
def test_lost_capacity_that_came_back_is_metastable_with_retries_and_no_budget(
    more, budget, metastable
):
    found = read(half_capacity(retries(more, budget_ratio=budget)))
    assert (found.metastable is not None) == metastable
    assert found.cause.name == "server"


@pytest.mark.parametrize("factor", [5, 10, 25, 100])
def test_held_workers_are_the_callees_doing(factor):
    slow = Fault(
        "slow", component="behind", start_s=20.0, duration_s=20.0, parameters={"factor": factor}
    )
    scenario = through(
        server("front", cores=16, workers=16, service_time_s=0.001),
        server("behind", cores=1000, service_time_s=0.04), rate_rps=100, horizon_s=90,
        edges=(Edge("front", "behind", timeout_s=30.0, network_s=0.0),), faults=(slow,),
        timeout_s=30.0, latency_s=10.0,
    )  # fmt: skip
    found = read(simulate(scenario, retries(0)))
    assert (found.cause.name, found.metastable) == ("behind", None)
    assert "slow" in found.cause.signs
    assert (found.cascade.depth, found.cascade.hits[0].component) == (2, "behind")


@pytest.mark.parametrize(("retried", "layers"), [(3, 3), (2, 5)])
def test_nested_retries_are_blamed_on_who_errs_not_on_who_retries(retried, layers):
    names = [f"layer{k}" for k in range(layers - 1)] + ["server"]
    chain = [server(n, cores=10**5, service_time_s=1e-4) for n in names]
    edges = tuple(Edge(a, b, timeout_s=5.0, network_s=0.0) for a, b in pairwise(names))
    scenario = through(
        *chain, rate_rps=10, horizon_s=60, edges=edges, faults=failing(1.0), timeout_s=20.0,
        latency_s=20.0,
    )
    found = read(simulate(scenario, retries(retried, **ALWAYS)))
    assert (found.cause.name, found.cause.signs) == ("server", ("errors",))
    assert found.cascade.depth == layers
    assert found.metastable is None  # it was never well, and its cause is still there


@pytest.mark.parametrize(("cores", "load", "room"), [(1, 0.8, None), (5, 0.8, None), (1, 0.9, 10)])
def test_a_busy_queue_alone_is_no_incident(cores, load, room):
    limits = {"workers": 1, "queue_limit": room - 1} if room else {"workers": UNBOUNDED}
    scenario = through(
        server(cores=cores, **limits), rate_rps=load * cores / 0.1, horizon_s=200, timeout_s=30.0,
        latency_s=20.0,
    )
    found = read(simulate(scenario, retries(0)))
    assert (found.cause, found.cascade, found.metastable) == (None, None, None)
