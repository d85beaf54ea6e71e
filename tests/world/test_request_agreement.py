"""Two engines, one meaning: fluid and request on every kind of fault."""

import dataclasses
import statistics

import pytest
from every_fault import KINDS, fault_of
from request_worlds import seeds
from small_shop import policy_of

from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import run
from hms.scenarios.model import Cache, Endpoint, Fault, Group, Selector, Workload
from hms.scenarios.policy_tables import tables

PLATFORM = policy_of(breaker={"enabled": False})
STRUCK = {"start_s": 30.0, "duration_s": 20.0}
QUICK = ("crash", "slow", "latency")
OFF = {"loss": "a lost call takes its time-out of 2 s; means make all answers of a second late"}


def both(scenario, policy=PLATFORM, count=4):
    """(fluid, several runs of request)."""
    told = tables(policy, scenario)
    return run(compile_scenario(scenario, 1), told), seeds(scenario, count, policy)


def assert_alike(scenario, policy=PLATFORM, within=0.15):
    """One verdict, and the same downtime within 2 s or a share of it."""
    fluid, requests = both(scenario, policy)
    verdicts = [o.verdict for o in requests]
    assert fluid.verdict == statistics.mode(verdicts)
    downtime_s = statistics.fmean(o.downtime_s for o in requests)
    assert downtime_s == pytest.approx(fluid.downtime_s, abs=2.0, rel=within)


def changed(shop, name, *faults, **fields):
    part = dataclasses.replace(shop.components[name], **fields)
    return dataclasses.replace(shop, components={**shop.components, name: part}, faults=faults)


@pytest.mark.parametrize(
    "kind",
    [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow)
     for kind in KINDS if kind not in OFF],
)  # fmt: skip
def test_a_fault_means_the_same_in_both_engines(shop, kind):
    assert_alike(dataclasses.replace(shop, faults=(fault_of(kind),)))


def test_a_share_of_lost_calls_fails_that_share_of_requests(shop):
    """Where the engines part, request is right: 30 % of the calls of 20 s, and nothing after."""
    lossy = dataclasses.replace(shop, faults=(fault_of("loss"),))
    _, requests = both(lossy)
    assert statistics.fmean(o.downtime_s for o in requests) == pytest.approx(6.0, abs=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["crash", "hang", "slow", "latency", "partition", "gray"])
def test_healing_helps_alike_in_both_engines(shop, ladder, kind):
    assert_alike(dataclasses.replace(shop, faults=(fault_of(kind),)), ladder)


PARTS = {
    "groups": lambda shop: changed(
        shop, "basket", Fault("crash", selector=Selector(zone="east"), **STRUCK),
        groups={"a": Group(2, "east"), "b": Group(1, "west")},
    ),
    "endpoints": lambda shop: changed(
        shop, "front", Fault("error", component="basket", parameters={"share": 0.5}, **STRUCK),
        endpoints={"look": Endpoint(3.0, {"stock": 1.0}), "buy": Endpoint(1.0, {"basket": 2.0})},
    ),
    "closed loop": lambda shop: dataclasses.replace(
        shop, workload=(Workload("front", "client", users=60.0, think_s=1.0),),
        faults=(fault_of("slow"),),
    ),
    "side by side": lambda shop: dataclasses.replace(
        shop, faults=(fault_of("latency"),),
        edges=tuple(
            dataclasses.replace(e, mode="parallel") if e.caller == "front" else e
            for e in shop.edges
        ),
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_a_scenario_means_the_same_in_both_engines(shop, name):
    assert_alike(PARTS[name](shop))


def test_a_flushed_cache_sends_everything_to_its_store_until_it_is_warm(shop):
    flush = Fault("cache_flush", component="basket", start_s=60.0, parameters={"share": 1.0})
    cached = changed(shop, "basket", flush, cache=Cache("store", 0.9, 500.0))
    fluid, requests = both(cached)
    for o in requests:
        visits = o.visits["store"]["arrived"] / o.visits["basket"]["arrived"]
        # 10 % before; after the flush the misses of 500 keys' worth of answers more
        assert 0.10 < visits < 0.25
    assert fluid.verdict == requests[0].verdict == "recovered"


def test_messages_are_kept_through_a_cut_and_arrive_after_it(shop):
    def sent(on_cut):
        edges = tuple(
            dataclasses.replace(e, mode="publish", on_cut=on_cut) if e.callee == "basket" else e
            for e in shop.edges
        )
        cut = Fault("partition", edge=("front", "basket"), parameters={"stale_s": 0.0}, **STRUCK)
        o = seeds(dataclasses.replace(shop, edges=edges, faults=(cut,)), 1, PLATFORM)[0]
        assert o.failed == 0
        return o.visits["basket"]["arrived"] / o.calls["front", "basket"]["first"]

    assert sent("queue") == pytest.approx(1.0, abs=0.01)
    assert sent("lose") == pytest.approx(100.0 / 120.0, abs=0.02)
