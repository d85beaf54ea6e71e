"""Groups, endpoints, caches, messages, closed loops, late metrics, cold starts, detection."""

import dataclasses

import pytest
from small_shop import policy_of

from hms.errors import ScenarioError
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import run
from hms.scenarios.model import Cache, Endpoint, Fault, Group, Selector, Workload
from hms.scenarios.policy_tables import tables

PLATFORM = policy_of(breaker={"enabled": False})
STRUCK = {"start_s": 30.0, "duration_s": 20.0}


def with_part(shop, name, *faults, **fields):
    """The shop with a component changed, under faults."""
    part = dataclasses.replace(shop.components[name], **fields)
    return dataclasses.replace(shop, components={**shop.components, name: part}, faults=faults)


def with_edge(shop, callee, **fields):
    """The shop with the edges to a callee changed."""
    edges = tuple(
        dataclasses.replace(e, **fields) if e.callee == callee else e for e in shop.edges
    )
    return dataclasses.replace(shop, edges=edges)


def outcome(scenario, policy=PLATFORM, **options):
    return run(compile_scenario(scenario, 1), tables(policy, scenario), record=True, **options)


def seen(result, name, what):
    return result.timeline[what][:, result.components.index(name)]


def agrees(scenario):
    """The recorded run with jumps, after a look that the one in full gives the same."""
    fast, full = outcome(scenario), outcome(scenario, fast_forward=False)
    assert fast.downtime_s == pytest.approx(full.downtime_s, abs=0.05, rel=0.002)
    return fast


def test_a_zone_takes_its_groups_of_replicas(shop):
    groups = {"a": Group(2, "east"), "b": Group(1, "west")}
    east = Fault("crash", selector=Selector(zone="east"), **STRUCK)
    result = agrees(with_part(shop, "basket", east, groups=groups))
    assert seen(result, "basket", "serving")[[20, 40, 60]].tolist() == [3, 1, 3]
    assert seen(result, "stock", "serving")[40] == 3


def test_a_slower_group_works_slower(shop):
    def answered(speed):
        slow = with_part(shop, "store", groups={"a": Group(1, speed=speed)}, cores=1.0)
        return outcome(slow).downtime_s

    assert answered(1.0) == 0.0 < answered(0.05)


def test_each_endpoint_makes_its_own_calls_and_fails_alone(shop):
    """3 of 5 look at the stock, 1 fills a basket, 1 calls nobody; only the basket is down."""
    routes = {
        "look": Endpoint(3.0, {"stock": 1.0}),
        "pay": Endpoint(1.0, {"basket": 1.0}),
        "help": Endpoint(1.0, {}),
    }
    down = Fault("crash", component="basket", **STRUCK)
    result = agrees(with_part(shop, "front", down, endpoints=routes))
    assert seen(result, "stock", "ok_rps")[20] == pytest.approx(36.0, rel=1e-3)
    assert seen(result, "basket", "ok_rps")[20] == pytest.approx(12.0, rel=1e-3)
    assert result.timeline["good_rps"][40] == pytest.approx(0.8 * 60.0, rel=1e-3)


def test_one_endpoint_over_all_edges_is_none_at_all(shop):
    routes = {"all": Endpoint(2.0, {"stock": 1.0, "basket": 1.0})}
    slow = Fault("slow", component="store", parameters={"factor": 30.0}, **STRUCK)
    hard = with_edge(shop, "stock", need="hard")
    one, none = with_part(hard, "front", slow, endpoints=routes), with_part(hard, "front", slow)
    # its edges are called in the order of names, as those of the file
    assert outcome(one).downtime_s == pytest.approx(outcome(none).downtime_s, rel=1e-6)


def test_a_flushed_cache_sends_its_hits_to_the_store_until_misses_warm_it(shop):
    twice = with_edge(shop, "store", calls=2.0)
    flush = Fault("cache_flush", component="basket", start_s=30.0, duration_s=0.0,
                  parameters={"share": 1.0})  # fmt: skip
    cached = with_part(twice, "basket", flush, cache=Cache("store", 0.9, 600.0))
    asked = seen(agrees(cached), "store", "ok_rps")
    assert asked[20] == pytest.approx(0.1 * 120.0, rel=1e-3)
    assert asked[31] > 0.8 * 120.0
    assert asked[40] < asked[35] < asked[31]
    half = dataclasses.replace(cached, faults=(
        dataclasses.replace(flush, parameters={"share": 0.5}),
    ))  # fmt: skip
    assert 0.45 * 120.0 < seen(outcome(half), "store", "ok_rps")[30] < 0.55 * 120.0


def test_a_replica_that_restarts_comes_back_with_a_cold_cache(shop):
    crash = Fault("crash", component="basket", replicas=1, start_s=30.0, until="restart",
                  parameters={"restarts_by_itself": 1.0})  # fmt: skip
    cached = with_part(shop, "basket", crash, cache=Cache("store", 0.9, 600.0))
    asked = seen(outcome(cached), "store", "ok_rps")
    assert asked[35] > 2.0 * asked[20]


@pytest.mark.parametrize(("on_cut", "handled"), [("queue", 1.0), ("lose", 5.0 / 6.0)])
def test_published_messages_wait_or_are_lost_and_fail_nobody(shop, on_cut, handled):
    published = with_edge(shop, "stock", mode="publish", need="hard", on_cut=on_cut)
    down = Fault("crash", component="stock", **STRUCK)
    result = agrees(dataclasses.replace(published, faults=(down,)))
    assert result.downtime_s == 0.0
    assert seen(result, "stock", "ok_rps").sum() == pytest.approx(7200.0 * handled, rel=2e-3)


def test_users_of_a_closed_loop_wait_for_their_answers(shop):
    load = Workload("front", "client", rate_rps=60.0, users=120.0, think_s=2.0)
    hang = Fault("hang", component="basket", **STRUCK)
    closed = dataclasses.replace(shop, workload=(load,), faults=(hang,))
    result = agrees(closed)
    offered = result.timeline["offered_rps"]
    assert offered[25] == pytest.approx(120.0 / 2.05, rel=0.03)
    assert offered[35] < 0.6 * offered[25]
    assert (offered[30:] <= 60.0 + 1e-6).all()


def when_acted(result):
    return min(int(line.split()[0]) for line in result.events if " act " in line)


def test_late_metrics_delay_an_agent_by_their_lag(shop):
    restart = policy_of(
        breaker={"enabled": False}, recovery={"errors": [{"act": "restart", "patience_s": 20.0}]}
    )
    ill = Fault("error", component="basket", start_s=30.0, until="restart",
                parameters={"share": 0.6})  # fmt: skip
    prompt, late, noisy = (
        outcome(with_part(shop, "basket", ill, **fields), restart)
        for fields in ({}, {"metric_lag_s": 6.0}, {"metric_noise": 0.4})
    )
    assert when_acted(late) - when_acted(prompt) == 60
    assert noisy.events[-1] != prompt.events[-1]
    assert noisy.events[-1] == outcome(
        with_part(shop, "basket", ill, metric_noise=0.4), restart
    ).events[-1]


def test_a_restarted_replica_is_slow_until_it_is_warm(shop):
    crash = Fault("crash", component="basket", start_s=30.0, until="restart",
                  parameters={"restarts_by_itself": 1.0})  # fmt: skip
    warm = agrees(with_part(shop, "basket", crash))
    cold = agrees(with_part(shop, "basket", crash, cold_s=20.0, cold_factor=6.0))
    assert cold.downtime_s > warm.downtime_s + 1.0
    assert cold.timeline["good_rps"][-1] == pytest.approx(60.0, rel=1e-3)


@pytest.mark.parametrize(("detect_s", "down_s"), [(None, 40.0), (5.0, 5.0), (30.0, 30.0)])
def test_a_dead_replica_draws_all_calls_until_the_balancer_notices(shop, detect_s, down_s):
    down = Fault("crash", component="basket", replicas=1, start_s=30.0, duration_s=40.0)
    sink = with_part(shop, "basket", down, balancer="least", self_restart="none",
                     lb_detect_s=detect_s)  # fmt: skip
    assert agrees(sink).downtime_s == pytest.approx(down_s, abs=0.2)


def test_bursts_and_recorded_rates(shop):
    burst = Workload("front", "client", "burst", 60.0,
                     {"every_s": 20.0, "burst_s": 5.0, "factor": 3.0})  # fmt: skip
    offered = outcome(dataclasses.replace(shop, workload=(burst,))).timeline["offered_rps"]
    assert offered[:20].tolist() == pytest.approx([180.0] * 5 + [60.0] * 15)
    points = ((0.0, 30.0), (40.5, 90.0), (80.0, 0.0))
    held = Workload("front", "client", "points", 60.0, points=points)
    offered = outcome(dataclasses.replace(shop, workload=(held,))).timeline["offered_rps"]
    assert offered[10:80].mean() == pytest.approx(offered[30] * 30.5 / 70 + offered[60] * 39.5 / 70)
    assert offered[60] == pytest.approx(3.0 * offered[20]) and offered[90] == 0.0


@pytest.mark.parametrize(
    ("of_part", "of_edge", "told"),
    [({"discipline": "lifo"}, {}, "lifo"), ({}, {"hedge_after_s": 0.1}, "second copy"),
     ({"groups": {f"g{n}": Group(1) for n in range(5)}}, {}, "at most 4 groups")],
)  # fmt: skip
def test_what_means_cannot_say_is_refused_and_never_ignored(shop, of_part, of_edge, told):
    odd = with_part(with_edge(shop, "basket", **of_edge), "basket", **of_part)
    with pytest.raises(ScenarioError, match=told) as refused:
        outcome(odd)
    assert "the engine `request`" in str(refused.value)
