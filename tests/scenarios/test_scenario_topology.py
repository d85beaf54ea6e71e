"""Order, cycles, visits, utilisation, critical paths, blast radius."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.scenarios.model import Component, Edge, Scenario, Slo, Workload
from hms.scenarios.topology import (
    blast_radius,
    closing_edges,
    critical_paths,
    cycles,
    graph,
    order,
    reachable,
    utilisation,
    visits_per_request,
)


def system(*calls: str, rate_rps: float = 10.0, **components: Component) -> Scenario:
    """A scenario from `a -> b` texts; `people` calls the first caller."""
    pairs = [tuple(call.split(" -> ")) for call in calls]
    names = dict.fromkeys(name for pair in pairs for name in pair)
    entry = pairs[0][0]
    found = {"people": Component("people", kind="client")}
    found |= {name: components.get(name, Component(name)) for name in names}
    edges = (Edge("people", entry), *(Edge(*pair) for pair in pairs))
    load = Workload(entry, "people", rate_rps=rate_rps)
    return Scenario("drawn", 300.0, 30.0, {entry: Slo()}, (load,), found, edges)


def test_callers_come_before_callees():
    assert order(system("a -> c", "a -> b", "b -> c")) == ["people", "a", "b", "c"]


def test_nodes_and_edges_carry_what_they_stand_for(shop):
    nodes = graph(shop)
    assert nodes.nodes["web"]["component"] is shop.components["web"]
    assert nodes.edges["web", "stock"]["edge"].timeout_s == 1.5


def test_a_cycle_is_reported_and_closed_by_the_edge_that_leads_back_up():
    circle = system("a -> b", "b -> c", "c -> b", "c -> d")
    assert cycles(circle) == [("b", "c")]
    assert closing_edges(circle) == [("c", "b")]
    assert order(circle) == ["people", "a", "b", "c", "d"]


def test_a_cycle_that_nobody_enters_is_ordered_too():
    lonely = system("a -> b", "x -> y", "y -> x")
    assert closing_edges(lonely) == [("y", "x")]
    assert sorted(order(lonely)) == ["a", "b", "people", "x", "y"]


@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda p: p[0] != p[1])),
       st.randoms(use_true_random=False))  # fmt: skip
def test_order_and_closing_edges_do_not_hang_on_the_order_of_the_file(pairs, chance):
    calls = ["n0 -> n1", *(f"n{a} -> n{b}" for a, b in sorted(pairs) if (a, b) != (0, 1))]
    ordered = system(*calls)
    edges = list(ordered.edges)
    chance.shuffle(edges)
    names = list(ordered.components)
    chance.shuffle(names)
    moved = replace(
        ordered, edges=tuple(edges), components={n: ordered.components[n] for n in names}
    )
    assert order(moved) == order(ordered)
    assert closing_edges(moved) == closing_edges(ordered)
    place = {name: number for number, name in enumerate(order(ordered))}
    closing = closing_edges(ordered)
    for edge in ordered.edges:
        forward = place[edge.caller] < place[edge.callee]
        assert forward or (edge.caller, edge.callee) in closing


def test_visits_multiply_along_calls_and_add_up():
    fan = system("a -> b", "a -> c", "b -> c")
    edges = tuple(replace(e, calls=2.0) if e.name == "a -> b" else e for e in fan.edges)
    assert visits_per_request(replace(fan, edges=edges)) == {
        "people": 0.0,
        "a": 1.0,
        "b": 2.0,
        "c": 3.0,
    }


def test_visits_count_entries_by_their_share_of_the_rate():
    two = system("a -> c", "b -> c")
    loads = (Workload("a", "people", rate_rps=30.0), Workload("b", "people", rate_rps=10.0))
    both = replace(two, workload=loads, edges=(*two.edges, Edge("people", "b")))
    visits = visits_per_request(both)
    assert (visits["a"], visits["b"], visits["c"]) == (0.75, 0.25, 1.0)


def test_a_fraction_of_a_core_serves_like_one_core():
    slow = Component("b", cores=0.2, service_time_s=0.02, replicas=2)
    fast = Component("c", cores=2.5, service_time_s=0.03)
    used = utilisation(system("a -> b", "a -> c", rate_rps=10.0, b=slow, c=fast))
    assert used["b"] == pytest.approx(0.1)  # 10/s × 0.02 s / 2 replicas
    assert used["c"] == pytest.approx(0.1)  # 10/s × 0.03 s / 3 cores


def test_reachable_is_what_the_load_can_touch(shop):
    assert reachable(shop) == {"web", "stock", "db"}
    lonely = replace(shop, components=shop.components | {"idle": Component("idle")})
    assert "idle" not in reachable(lonely)


def test_the_critical_path_is_the_slowest_chain_of_hard_edges():
    slow = Component("c", service_time_s=0.5)
    shape = system("a -> b", "a -> c", "b -> d", c=slow)
    assert critical_paths(shape)[0].names == ("a", "c")
    assert critical_paths(shape)[0].time_s == pytest.approx(0.005 + 0.5 + 2 * 0.001)
    soft = tuple(replace(e, need="soft") if e.callee == "c" else e for e in shape.edges)
    assert critical_paths(replace(shape, edges=soft))[0].names == ("a", "b", "d")


def test_blast_radius_goes_up_hard_edges_and_stops_at_soft_ones():
    shape = system("a -> b", "b -> c", "a -> d", "d -> c")
    assert blast_radius(shape, "c") == {"a", "b", "d"}
    soft = tuple(replace(e, need="soft") if e.name == "b -> c" else e for e in shape.edges)
    assert blast_radius(replace(shape, edges=soft), "c") == {"a", "d"}
    with pytest.raises(KeyError):
        blast_radius(shape, "nobody")
