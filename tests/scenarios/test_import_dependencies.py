"""Jaeger's dependencies JSON."""

import json

import pytest
from import_manifests import calling, deployment

from hms.errors import ManifestError
from hms.scenarios.importers import dependencies
from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.dependencies import read_dependencies
from hms.scenarios.importers.read import Given, import_scenario


def links(*calls: tuple[object, object, object], **more: object) -> str:
    data = [{"parent": a, "child": b, "callCount": n, "source": "jaeger"} for a, b, n in calls]
    return json.dumps({"data": data, "total": 0, "limit": 0} | more)


@pytest.fixture
def read(write):
    """The findings of dependencies."""
    return lambda *calls: read_dependencies([write(links(*calls), "dependencies.json")])


def test_calls_for_each_request_are_calls_over_calls_of_the_caller(read):
    found = read(("web", "cart", 200), ("cart", "cart-db", 500), ("mail", "cart", 50))
    assert found.edges["cart", "cart-db"].facts["calls"].value == 2.0
    assert found.edges["cart", "cart-db"].place.sureness == "measured"
    assert "calls" not in found.edges["web", "cart"].facts
    assert "nobody calls `web`, `mail`: calls for each request of it are not known" in found.said


def test_what_cannot_be_used_is_counted(read):
    found = read(("a", "b", 1), ("a", "a", 3), ("a", 3, 1), ("a", "c", "x"), ("a", "d", -1))
    assert set(found.edges) == {("a", "b")}
    assert "left out: 1 services that call themselves, 3 that cannot be read" in found.said


def test_names_that_cannot_be_ids_are_made_so(read):
    found = read(("my shop/web", "cart (v2)", 1), ("my shop:web", "cart (v2)", 1))
    assert set(found.edges) == {("my-shop-web", "cart-v2"), ("my-shop-web-2", "cart-v2")}


def test_a_list_alone_and_several_files_are_read_too(write):
    one = write(json.dumps(json.loads(links(("a", "b", 4)))["data"]), "1.json")
    two = write(links(("a", "b", 2), ("b", "c", 3)), "2.json")
    found = read_dependencies([one, two])
    assert found.edges["b", "c"].facts["calls"].value == 0.5


def test_it_becomes_a_scenario_and_merges_with_manifests(write):
    path = write(links(("web", "stock", 10), ("stock", "db", 5)), "d.json")
    alone = import_scenario("jaeger", [path], Labels("shop")).scenario
    assert alone.workload[0].entry == "web"
    assert alone.edge("stock", "db").calls == 0.5
    shop = write(calling("web", "stock", replicas=4) + deployment("stock"), "k.yaml")
    both = import_scenario("kubernetes", [shop], Labels("s"), merge=[Given("jaeger", [path])])
    assert both.scenario.components["web"].replicas == 4
    assert both.scenario.edge("stock", "db").calls == 0.5


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no dependencies"),
        ("{}", "no dependencies"),
        ('{"data": []}', "no dependencies"),
        ('{"data": [{"parent": "a"}, 3]}', "no dependencies"),
        ('{"data": [{"spans": []}]}', "traces, not dependencies"),
        ("oops", "no JSON"),
        ('{"data": [', "no JSON"),
    ],
)
def test_other_files_are_refused(write, text, what):
    with pytest.raises(ManifestError, match=what) as refused:
        read_dependencies([write(text, "d.json")])
    assert refused.value.exit_code == 2


def test_more_than_the_limit_is_refused(read, monkeypatch):
    monkeypatch.setattr(dependencies, "MOST_LINKS", 3)
    with pytest.raises(ManifestError, match="more than 3 dependencies"):
        read(*(("a", f"b{n}", 1) for n in range(4)))
