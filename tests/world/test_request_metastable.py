"""Retries, hedges, balancers and collapses, request by request, against what is published."""

import dataclasses
import itertools

import pytest
from request_worlds import agrees, edge, mean_and_error, ran, seeds, station, world
from small_shop import policy_of

from hms.scenarios.model import Fault

SEEDS = 20


def retrying(attempts, **retry):
    """Retries at once, without a budget, no breaker."""
    plain = {"base_s": 0.0, "jitter_kind": "none", "budget_kind": "none"}
    return policy_of(
        breaker={"enabled": False}, retry={"max_attempts": attempts, **plain, **retry}
    )


def front(name="front"):
    return station(name, cores=10_000, workers=10**6, service_time_s=1e-6, service_cv=0.0)


def failing(share, **kwargs):
    """A front that calls a server of which a share of the answers is wrong."""
    server = station("server", cores=50, workers=10**6)
    errs = Fault("error", component="server", duration_s=1e6, parameters={"share": share})
    call = edge("front", "server", **kwargs)
    return world((front(), server), (call,), 100.0, 30.0, faults=[errs])


@pytest.mark.parametrize(("share", "retries"), [(0.5, 3), (0.2, 2), (0.9, 4)])
def test_attempts_and_failures_of_independent_retries(share, retries):
    runs = seeds(failing(share), SEEDS, retrying(retries + 1, retry_on=["error"]))
    calls = [o.calls["front", "server"] for o in runs]
    expected = (1 - share ** (retries + 1)) / (1 - share)
    assert agrees([c["made"] / c["first"] for c in calls], expected)
    assert agrees([o.failed / (o.failed + o.served) for o in runs], share ** (retries + 1))


@pytest.mark.parametrize(("layers", "attempts", "expected"), [(3, 4, 64.0), (5, 3, 243.0)])
def test_nested_retries_multiply(layers, attempts, expected):
    """SRE book: 4^3; AWS Builders' Library: 3^5."""
    names = [f"layer{i}" for i in range(layers)]
    parts = [front(name) for name in [*names, "server"]]
    edges = [edge(a.name, b.name) for a, b in itertools.pairwise(parts)]
    down = Fault("error", component="server", duration_s=1e6, parameters={"share": 1.0})
    o = ran(
        world(parts, edges, 5.0, 10.0, faults=[down]), 0,
        retrying(attempts, retry_on=["error", "unavailable"]),
    )  # fmt: skip
    assert o.visits["server"]["arrived"] / o.arrived == pytest.approx(expected, rel=0.02)


def hotos(rate_rps, cancel=False, horizon_s=400.0):
    """30 slots of 0.1 s, a time-out of 1 s and one retry, a stall of 10 s (HotOS 2021)."""
    slots = {"cores": 30, "workers": 10**6, "service_time_s": 0.1}
    server = station("server", **slots, service_cv=float(cancel))
    call = edge("front", "server", timeout_s=1.0, cancel_on_timeout=cancel)
    stall = Fault("hang", component="server", start_s=10.0, duration_s=10.0)
    return world((front(), server), (call,), rate_rps, horizon_s, faults=[stall], latency_s=5.0)


def recovered_share(rate_rps, cancel):
    runs = seeds(hotos(rate_rps, cancel), SEEDS, retrying(2))
    return sum(o.verdict == "recovered" for o in runs) / SEEDS


def threshold(low, high, cancel):
    """The load from which most of the seeds stay collapsed, to 5/s, by bisection."""
    while high - low > 5.0:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if recovered_share(middle, cancel) > 0.5 else (low, middle)
    return 0.5 * (low + high)


@pytest.mark.slow
def test_a_retry_storm_outlives_its_cause_from_half_the_capacity_on():
    """300/s with one retry: 150/s; cancelled in the queue, the server bears more."""
    assert recovered_share(140.0, cancel=False) >= 0.9
    assert recovered_share(155.0, cancel=False) <= 0.1
    assert recovered_share(170.0, cancel=True) >= 0.9


@pytest.mark.soak
def test_the_threshold_of_a_retry_storm_by_bisection():
    lasting = threshold(120.0, 180.0, cancel=False)
    assert 143.0 <= lasting <= 155.0
    assert 180.0 <= threshold(150.0, 290.0, cancel=True) <= 210.0


def test_a_collapsed_system_serves_at_full_load_what_nobody_waits_for():
    o = ran(hotos(200.0, horizon_s=100.0), 1, retrying(2))
    assert o.verdict == "collapsed"
    counts = o.calls["front", "server"]
    assert counts["made"] / counts["first"] > 1.85
    assert o.visits["server"]["served"] > 0.9 * 300.0 * (o.reached_s - 25.0)


def test_a_hedge_cuts_the_tail_for_a_few_more_calls():
    """Dean and Barroso: the slowest of a hundred calls, each copied after its 95th percentile."""
    server = station("server", replicas=2, cores=500, workers=10**6, balancer="random")
    fan = edge("front", "server", calls=100.0, mode="parallel")
    copied = dataclasses.replace(fan, hedge_after_s=0.03)
    plain, hedged = (world((front(), server), (each,), 5.0, 60.0) for each in (fan, copied))
    before, after = ran(plain, 1, retrying(1)), ran(hedged, 1, retrying(1))
    assert after.percentile_s(0.5) < 0.9 * before.percentile_s(0.5)
    counts = after.calls["front", "server"]
    assert 0.04 < counts["hedged"] / counts["made"] < 0.06  # e^-3 of them take longer


def test_fewest_connections_draw_everything_to_a_dead_server():
    """The sinkhole: who fails at once has no connections; ties still reach the others."""

    def good(balancer):
        slots = {"cores": 10, "workers": 10**6, "service_time_s": 0.05}
        server = station("server", replicas=3, balancer=balancer, **slots)
        crash = Fault("crash", component="server", replicas=1, start_s=5.0, duration_s=10.0)
        o = ran(world((server,), (), 150.0, 15.0, faults=[crash]), 2, record=True)
        line = o.timeline
        return line["good_rps"][7:14].sum() / line["offered_rps"][7:14].sum()

    assert good("least") < 0.3
    assert good("round_robin") == pytest.approx(2.0 / 3.0, abs=0.03)


def test_the_error_of_a_mean_is_told():
    mean, error = mean_and_error([1.0, 2.0, 3.0])
    assert (mean, round(error, 4)) == (2.0, 0.5774)
