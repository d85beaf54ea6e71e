"""Graphs of networkx, in memory and in each of its files."""

import json

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hms.errors import ManifestError
from hms.scenarios.importers import graph_files
from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.graph import from_networkx, read_graph
from hms.scenarios.importers.read import import_scenario
from hms.scenarios.load import load_scenario, save_scenario
from hms.scenarios.topology import cycles


@pytest.fixture
def shop():
    """Three components with attributes."""
    graph = nx.DiGraph()
    graph.add_node("web", replicas=3, service_time_ms=4.5, team="front")
    graph.add_node("db", kind="store")
    graph.add_edge("web", "cart", calls=2.0, timeout_ms=500, protocol="grpc")
    graph.add_edge("cart", "db")
    return graph


WRITERS = {
    "g.json": lambda g, p: p.write_text(json.dumps(nx.node_link_data(g, edges="links"))),
    "e.json": lambda g, p: p.write_text(json.dumps(nx.node_link_data(g, edges="edges"))),
    "a.json": lambda g, p: p.write_text(json.dumps(nx.adjacency_data(g))),
    "g.graphml": lambda g, p: nx.write_graphml(g, p),
    "g.gexf": lambda g, p: nx.write_gexf(g, p),
    "g.edgelist": lambda g, p: nx.write_edgelist(g, p),
    "g.adjlist": lambda g, p: nx.write_adjlist(g, p),
}


@pytest.mark.parametrize("name", WRITERS)
def test_each_file_that_networkx_writes_gives_the_calls(shop, tmp_path, name):
    WRITERS[name](shop, tmp_path / name)
    found = read_graph([tmp_path / name])
    assert set(found.edges) == {("web", "cart"), ("cart", "db")}
    if name == "g.adjlist":
        return  # it has no attributes
    edge = found.edges["web", "cart"]
    assert {key: fact.value for key, fact in edge.facts.items()} == {"calls": 2, "timeout_ms": 500}
    assert edge.protocol == "grpc"
    if name != "g.edgelist":
        assert found.components["web"].facts["replicas"].value == 3
        assert found.components["db"].facts["kind"].value == "store"
        assert "attributes that a scenario does not know are left out: `team`" in found.said


def test_a_graph_in_memory_is_a_scenario_with_stated_attributes(shop, tmp_path):
    scenario = from_networkx(shop, "shop")
    assert scenario.components["web"].replicas == 3
    assert scenario.components["web"].service_time_s == 0.0045
    assert scenario.edge("web", "cart").timeout_s == 0.5
    assert scenario.edge("web", "cart").origins["calls"].sure == "stated"
    assert scenario.components["cart"].origins["service_time_ms"].sure == "guessed"
    assert scenario.workload[0].entry == "web"
    save_scenario(scenario, tmp_path / "s.yaml")
    assert load_scenario(tmp_path / "s.yaml") == scenario


def test_labels_name_the_nodes_where_they_tell_all_apart():
    graph = nx.DiGraph()
    graph.add_node("n0", label="web")
    graph.add_node("n1", label="my cart!")
    graph.add_edge("n0", "n1")
    assert set(from_networkx(graph).components) == {"web", "my-cart", "outside"}
    graph.nodes["n1"]["label"] = "web"
    assert set(from_networkx(graph).components) == {"n0", "n1", "outside"}


def test_edges_side_by_side_are_one_and_an_edge_to_itself_is_none():
    graph = nx.MultiDiGraph()
    graph.add_edge("a", "b", calls=1.5)
    graph.add_edge("a", "b", calls=2.0)
    graph.add_edge("b", "b")
    scenario = from_networkx(graph)
    assert [edge.name for edge in scenario.edges] == ["a -> b", "outside -> a"]
    assert scenario.edge("a", "b").calls == 3.5


def test_a_client_in_the_graph_sends_the_load():
    graph = nx.DiGraph([("people", "web"), ("web", "db")])
    graph.nodes["people"]["kind"] = "client"
    assert from_networkx(graph).workload[0].client == "people"


def test_lists_of_edges_may_have_a_number_of_calls_commas_and_remarks(write):
    found = read_graph([write("# who calls whom\nweb cart 2.5\ncart db\n\n", "g.edgelist")])
    assert found.edges["web", "cart"].facts["calls"].value == 2.5
    found = read_graph([write("web,cart,2\ncart, db\n", "g.csv")])
    assert set(found.edges) == {("web", "cart"), ("cart", "db")}


def test_cycles_are_kept_and_told(write):
    path = write("a b\nb c\nc a\n", "g.edgelist")
    found = import_scenario("graph", [path], Labels("ring"))
    assert cycles(found.scenario) == [("a", "b", "c")]


@settings(max_examples=12, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=30))
def test_any_directed_graph_with_a_call_is_a_scenario_that_loads(pairs):
    graph = nx.DiGraph(pairs)
    calls = {pair for pair in pairs if pair[0] != pair[1]}
    if not calls:
        with pytest.raises(ManifestError, match="no calls between them"):
            from_networkx(graph)
        return
    scenario = from_networkx(graph)
    found = {(e.caller, e.callee) for e in scenario.edges if e.caller != "outside"}
    assert found == {(str(a), str(b)) for a, b in calls}


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("g.json", "oops", "no node-link JSON"),
        ("g.json", "[1]", "an object with `nodes`"),
        ("g.json", "{}", "`nodes` and `links`"),
        ("g.json", '{"nodes": 3, "links": []}', "no node-link JSON"),
        ("g.json", '{"nodes": [{"id": {}}], "links": []}', "no node-link JSON"),
        ("g.json", '{"nodes": [{"id": 1}], "links": [{"source": 1}]}', "no node-link JSON"),
        ("g.json", '{"directed": false, "nodes": [], "links": []}', "the graph is undirected"),
        ("g.json", '{"nodes": [{"id": NaN}], "links": []}', "NaN is no number"),
        ("g.json", "[" * 100_000, "nested too deep|no node-link JSON"),
        ("g.graphml", "<graphml>", "no GraphML"),
        ("g.graphml", "", "no GraphML"),
        ("g.graphml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "entities are not allowed"),
        ("g.gexf", "<gexf/>", "no GEXF"),
        ("g.edgelist", "alone", "names one end only"),
        ("g.edgelist", "a b {'x': }", "no edge list"),
        ("g.edgelist", "a b [1]", "no edge list"),
        ("g.edgelist", "a b {1}", "is no dictionary"),
        ("g.edgelist", "a b " + "{" * 5000, "no edge list|nested too deep"),
        ("g.pickle", "x", "a pickle runs code"),
        ("g.dot", "x", "a graph ends in"),
    ],
)
def test_files_of_another_shape_are_refused(write, name, text, what):
    with pytest.raises(ManifestError, match=what) as refused:
        read_graph([write(text, name)])
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        ({"replicas": 0}, "node `a`: `replicas` is 0"),
        ({"replicas": "many"}, "node `a`: `replicas` is `many`"),
        ({"kind": "stroe"}, "nearest: `store`"),
        ({"service_time_ms": float("nan")}, "node `a`: `service_time_ms`"),
    ],
)
def test_a_wrong_attribute_is_told_with_its_node(attributes, what):
    graph = nx.DiGraph([("a", "b")])
    graph.nodes["a"].update(attributes)
    with pytest.raises(ManifestError, match=what):
        from_networkx(graph)


def test_undirected_large_and_several_graphs_are_refused(write, monkeypatch):
    with pytest.raises(ManifestError, match="does not say who calls whom"):
        from_networkx(nx.Graph([("a", "b")]))
    with pytest.raises(ManifestError, match="10,001 nodes"):
        from_networkx(nx.path_graph(10_001, create_using=nx.DiGraph))
    one, two = write("a b\n", "1.edgelist"), write("a b\n", "2.edgelist")
    with pytest.raises(ManifestError, match="2 graphs"):
        read_graph([one, two])
    monkeypatch.setattr(graph_files, "MOST_BYTES", 3)
    with pytest.raises(ManifestError, match="more than 0 MiB"):
        read_graph([one])


def test_a_wide_graph_of_a_thousand_nodes_is_read_in_a_moment():
    graph = nx.gn_graph(1000, seed=1).reverse()
    assert len(from_networkx(graph, "wide").components) == 1001
