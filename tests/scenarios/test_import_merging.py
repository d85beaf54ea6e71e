"""Several sources become one scenario: names are matched, the surer fact wins."""

import pytest
from import_manifests import calling, deployment

from hms.errors import ManifestError
from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.findings import Fact, Findings, FoundComponent, FoundEdge, Place
from hms.scenarios.importers.kubernetes import read_kubernetes
from hms.scenarios.importers.merging import merged
from hms.scenarios.importers.names import match_names
from hms.scenarios.importers.read import Given, import_scenario

STATED = Place("k8s", "k.yaml", 3)
DERIVED = Place("env", "k.yaml", 4)
MEASURED = Place("traces", "spans.json", 0)
GUESSED = Place("policy", "p.yaml", 5, "guessed")


def found(*edges: tuple[str, str], place: Place = STATED, **facts: Fact) -> Findings:
    """Findings with these calls; the facts are of each component."""
    findings = Findings()
    for name in dict.fromkeys(name for pair in edges for name in pair):
        findings.components[name] = FoundComponent(name, place, facts=dict(facts))
    for caller, callee in edges:
        findings.add_edge(FoundEdge(caller, callee, place))
    return findings


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        (STATED, MEASURED, 1),
        (MEASURED, STATED, 2),
        (DERIVED, MEASURED, 2),
        (GUESSED, DERIVED, 2),
        (GUESSED, GUESSED, 1),
        (STATED, STATED, 1),
    ],
)
def test_the_surer_fact_wins_and_of_equal_ones_the_first(one, other, kept):
    base = found(("a", "b"), cores=Fact(1, one))
    both = merged([("kubernetes", base), ("traces", found(("a", "b"), cores=Fact(2, other)))])
    assert both.components["a"].facts["cores"].value == kept
    assert str(both.conflicts[0]).startswith(f"cores of component a: {kept} (")


def test_what_both_say_alike_is_no_conflict():
    base = found(("a", "b"), cores=Fact(0.5, STATED))
    both = merged([("kubernetes", base), ("traces", found(("a", "b"), cores=Fact(0.5, MEASURED)))])
    assert both.conflicts == []


def test_an_edge_that_was_seen_is_surer_than_one_that_a_rule_derived():
    base = found(("a", "b"), place=DERIVED)
    both = merged([("kubernetes", base), ("traces", found(("a", "b"), place=MEASURED))])
    assert both.edges["a", "b"].place == MEASURED


def test_calls_that_only_one_source_knows_are_kept_and_those_not_seen_are_said():
    base = found(("a", "b"), ("a", "c"), ("b", "d"))
    both = merged([("kubernetes", base), ("traces", found(("a", "b"), ("b", "c")))])
    assert set(both.edges) == {("a", "b"), ("a", "c"), ("b", "d"), ("b", "c")}
    assert "not seen in the traces, though both ends were: `a -> c`" in both.said


def test_manifests_give_the_names_whatever_the_order():
    traces = found(("web.shop", "cart.shop"), place=MEASURED)
    both = merged([("traces", traces), ("kubernetes", found(("web", "carts")))])
    assert set(both.components) == {"web", "carts"}
    assert both.joined == [
        "`web.shop` of traces is `web` of kubernetes (without the namespace)",
        "`cart.shop` of traces is `carts` of kubernetes (the nearest name; sure: guessed)",
    ]


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("productcatalogservice", "product-catalog"),
        ("product_catalog", "product-catalog"),
        ("shop/product-catalog", "product-catalog"),
        ("product-catalog.shop.svc.cluster.local", "product-catalog"),
        ("Product-Catalog", "product-catalog"),
        ("product-catalog-v2", "product-catalog"),
        ("catalog", ""),
        ("mailer", ""),
    ],
)
def test_names_are_matched_without_namespace_case_and_usual_words(name, component):
    known = {n: FoundComponent(n, STATED) for n in ("product-catalog", "web")}
    matches, left = match_names([name], known)
    assert (matches[name].components if component else left) == (
        (component,) if component else [name]
    )


def test_an_exact_name_is_never_given_to_a_near_one():
    known = {n: FoundComponent(n, STATED) for n in ("cart", "carts")}
    matches, left = match_names(["carts", "cartz"], known)
    assert matches["carts"].components == ("carts",)
    assert left == ["cartz"] or matches["cartz"].components == ("cart",)


def test_a_service_with_several_deployments_shares_its_calls_by_replicas(write):
    shop = (
        deployment("web")
        + deployment("reviews-v1", labels="app: reviews, v: one", replicas=3)
        + deployment("reviews-v2", labels="app: reviews, v: two")
        + "kind: Service\nmetadata: {name: reviews}\n"
        "spec: {selector: {app: reviews}, ports: [{port: 80}]}\n"
    )
    seen = found(("web", "reviews"), place=MEASURED)
    seen.edges["web", "reviews"].facts["calls"] = Fact(2.0, MEASURED)
    both = merged([("kubernetes", read_kubernetes([write(shop, "k.yaml")])), ("traces", seen)])
    calls = {key[1]: edge.facts["calls"] for key, edge in both.edges.items()}
    assert {name: fact.value for name, fact in calls.items()} == {
        "reviews-v1": 1.5,
        "reviews-v2": 0.5,
    }
    assert {fact.place.sureness for fact in calls.values()} == {"derived"}
    assert "`reviews` of traces is `reviews-v1`, `reviews-v2` of kubernetes" in both.joined


def test_compose_adds_what_kubernetes_does_not_say_and_conflicts_are_listed(write):
    kubernetes = write(calling("web", "stock", replicas=2) + deployment("stock"), "k.yaml")
    text = (
        "services:\n  web: {environment: [S=stock:80], scale: 3, mem_limit: 64m}\n"
        "  stock: {environment: [D=db:5432]}\n  db: {image: postgres}\n"
    )
    compose = Given("compose", [write(text, "c.yaml")])
    both = import_scenario("kubernetes", [kubernetes], Labels("shop"), merge=[compose])
    web = both.scenario.components["web"]
    assert (web.replicas, web.memory_limit_mb) == (2, 64.0)
    assert web.origins["memory_limit_mb"].source == "compose"
    assert [str(each) for each in both.conflicts] == [
        "replicas of component web: 2 (stated, k.yaml:5) is taken, not 3 (stated, c.yaml:2)"
    ]
    assert "stock -> db" in {edge.name for edge in both.scenario.edges}
    assert "only compose knows `db`" in both.said


def test_a_call_that_was_only_seen_speaks_what_its_callees_port_does(write):
    text = deployment("web") + deployment("stock", port_name="grpc")
    base = read_kubernetes([write(text, "k.yaml")])
    both = merged([("kubernetes", base), ("traces", found(("web", "stock"), place=MEASURED))])
    assert both.edges["web", "stock"].protocol == "grpc"


def test_an_unknown_format_to_merge_is_told(write):
    path = write(calling("a", "b") + deployment("b"), "k.yaml")
    with pytest.raises(ManifestError, match="unknown format `trace`"):
        import_scenario("kubernetes", [path], Labels("s"), merge=[Given("trace", [path])])
