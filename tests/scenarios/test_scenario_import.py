"""Scenarios from the shipped bookshop's manifests and compose file."""

import re

import pytest

from hms.errors import ManifestError, ScenarioError
from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.read import import_scenario
from hms.scenarios.load import load_scenario, save_scenario
from hms.scenarios.model import Origin, Probe, Range
from hms.scenarios.provenance import origin_of
from hms.scenarios.topology import utilisation

CALLS = {
    "load -> storefront",
    "storefront -> books",
    "storefront -> orders",
    "orders -> books",
    "orders -> broker",
    "delivery -> broker",
    "books -> books-db",
}


@pytest.fixture
def kubernetes(bookshop):
    """The bookshop by its manifests."""
    return import_scenario("kubernetes", [bookshop / "kubernetes"], Labels("bookshop"))


@pytest.fixture
def compose(bookshop):
    """The bookshop by its compose file."""
    return import_scenario("compose", [bookshop / "compose"], Labels("bookshop"))


@pytest.fixture
def imported(write):
    """Imports manifests given as text."""

    def import_text(text: str, format_name: str = "kubernetes", overlays=()):
        path = write(text, f"{format_name}.yaml")
        return import_scenario(format_name, [path], Labels("given"), overlays)

    return import_text


def deployment(name: str, container: str = "", labels: str = "") -> str:
    """A Deployment with one container, and a Service on port 80."""
    labels = labels or f"app: {name}"
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\n"
        f"spec:\n  template:\n    metadata: {{labels: {{{labels}}}}}\n    spec:\n"
        f"      containers: [{{name: {name}, image: acme/{name}:1{container}}}]\n---\n"
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
        f"spec: {{selector: {{{labels}}}, ports: [{{port: 80}}]}}\n---\n"
    )


def test_both_formats_find_the_same_components_and_calls(kubernetes, compose):
    assert {edge.name for edge in kubernetes.scenario.edges} == CALLS
    assert {edge.name for edge in compose.scenario.edges} == CALLS
    assert set(kubernetes.scenario.components) == set(compose.scenario.components)


def test_kinds_follow_from_images_and_the_load_generator_becomes_the_client(kubernetes, compose):
    for scenario in (kubernetes.scenario, compose.scenario):
        kinds = {name: component.kind for name, component in scenario.components.items()}
        assert kinds == {
            "storefront": "service",
            "books": "service",
            "books-db": "store",
            "orders": "service",
            "broker": "queue",
            "delivery": "service",
            "load": "client",
        }
        assert (scenario.workload[0].entry, scenario.workload[0].client) == ("storefront", "load")


def test_facts_keep_file_and_line(kubernetes, bookshop):
    scenario = kubernetes.scenario
    lines = (bookshop / "kubernetes" / "bookshop.yaml").read_text().splitlines()
    cores = scenario.components["books-db"].origins["cores"]
    assert scenario.sources[cores.source].file == "bookshop.yaml"
    assert "cpu: 1500m" in lines[cores.line - 1]
    call = scenario.edge("storefront", "books").origins["itself"]
    assert "books:8000" in lines[call.line - 1]
    assert call.sure == "derived"
    from_config_map = scenario.edge("orders", "books").origins["itself"]
    assert "STOCK_URL" in lines[from_config_map.line - 1]


def test_every_origin_points_to_a_source(kubernetes):
    scenario = kubernetes.scenario
    for holder in [*scenario.components.values(), *scenario.edges, *scenario.workload]:
        for origin in holder.origins.values():
            assert origin.source in scenario.sources


def test_limits_replicas_and_addresses(kubernetes, compose):
    for scenario in (kubernetes.scenario, compose.scenario):
        books, database = scenario.components["books"], scenario.components["books-db"]
        assert (books.replicas, books.cores, books.memory_limit_mb) == (2, 1.0, 512.0)
        assert (database.cores, database.memory_limit_mb) == (1.5, 1024.0)
        assert books.address == "books:8000"
        assert scenario.components["broker"].memory_limit_mb == 512.0


def test_probes_take_kubernetes_defaults(kubernetes):
    components = kubernetes.scenario.components
    assert components["books"].liveness == Probe("grpc", 10.0, 1.0, 3, 0.0)
    assert components["storefront"].readiness == Probe("http", 5.0, 1.0, 3, 0.0)
    assert components["storefront"].liveness == Probe("http", 20.0, 2.0, 3, 0.0)
    assert components["books-db"].readiness == Probe("exec", 10.0, 1.0, 6, 0.0)
    assert components["books-db"].liveness == Probe("tcp", 10.0, 1.0, 3, 30.0)
    assert components["broker"].liveness is None


def test_compose_restarts_but_does_not_probe(compose):
    components = compose.scenario.components
    assert components["books"].self_restart == "kubernetes"
    assert components["orders"].self_restart == "none"
    assert all(component.liveness is None for component in components.values())


def test_protocols_follow_from_ports_probes_and_urls(kubernetes):
    scenario = kubernetes.scenario
    assert scenario.edge("storefront", "books").protocol == "grpc"
    assert scenario.edge("load", "storefront").protocol == "http"
    assert scenario.edge("books", "books-db").protocol == "postgres"
    assert scenario.edge("delivery", "broker").protocol == "amqp"


def test_what_nobody_states_is_a_guess(kubernetes):
    books = kubernetes.scenario.components["books"]
    assert books.service_time_s == Range(0.002, 0.007)
    assert origin_of(books, "service_time_ms") == Origin("ranges", 0, "guessed")
    assert origin_of(books, "memory_mb").sure == "guessed"
    assert books.memory_mb == 256.0  # half of the limit
    assert origin_of(kubernetes.scenario.components["broker"], "cores").sure == "guessed"
    assert kubernetes.scenario.edge("load", "storefront").calls == 1.0


def test_the_rate_keeps_the_busiest_component_below_its_capacity(kubernetes, compose):
    for scenario in (kubernetes.scenario, compose.scenario):
        assert max(utilisation(scenario).values()) == pytest.approx(0.4, rel=0.05)


def test_what_is_dropped_is_said(kubernetes, compose):
    for said in ("\n".join(kubernetes.said), "\n".join(compose.said)):
        assert re.search(r"RECOMMENDATIONS_ADDR.*recommendations:8000.*dropped", said)
    assert "NetworkPolicy `scraping` is about all pods" in "\n".join(kubernetes.said)
    assert "CronJob `nightly-report` runs once" in "\n".join(kubernetes.said)
    assert "depends_on is only a hint: `storefront -> broker`" in "\n".join(compose.said)


def test_an_import_loads_back_equal(kubernetes, compose, tmp_path):
    for scenario in (kubernetes.scenario, compose.scenario):
        save_scenario(scenario, tmp_path / "saved.yaml")
        assert load_scenario(tmp_path / "saved.yaml") == scenario


def test_no_path_of_this_machine_gets_into_a_scenario(kubernetes, tmp_path, bookshop):
    save_scenario(kubernetes.scenario, tmp_path / "saved.yaml")
    assert str(bookshop.parent) not in (tmp_path / "saved.yaml").read_text()


def test_manifests_without_calls_say_what_to_supply(imported):
    with pytest.raises(ManifestError) as refused:
        imported(deployment("web") + deployment("stock"))
    text = str(refused.value)
    assert "2 components (web, stock), but no calls between them" in text
    assert "CART_ADDR" in text
    assert "--overlay" in text
    assert refused.value.exit_code == 2


def test_an_overlay_supplies_the_calls_that_manifests_do_not_state(imported, write):
    overlay = write("schema: hms.scenario/1\nedges: {web -> stock: {protocol: http}}\n", "o.yaml")
    found = imported(deployment("web") + deployment("stock"), overlays=[overlay])
    assert [edge.name for edge in found.scenario.edges] == ["web -> stock", "outside -> web"]
    assert found.scenario.edge("web", "stock").origins["protocol"] == Origin("o", 2, "stated")
    assert "people outside are taken to use `web`" in "\n".join(found.said)


def test_a_mistake_in_the_overlay_is_told_with_its_line(imported, write):
    overlay = write("schema: hms.scenario/1\nedges: {web -> stok: {}}\n", "o.yaml")
    with pytest.raises(ScenarioError, match=r"o\.yaml:2: edge to nowhere"):
        imported(deployment("web") + deployment("stock"), overlays=[overlay])


@pytest.mark.parametrize(
    ("value", "calls"),
    [
        ("stock:80", True),
        ("http://stock/items?x=1", True),
        ("stock", True),
        ("a=1,stock.default.svc.cluster.local:80", True),
        ("cache:6379,stock:80", True),
        ("user:secret@tcp(stock:80)/db", True),
        ("jdbc:mysql://stock:80/db", True),
        ("in stock today", False),
        ("restock:80", False),
        ("stock.other:80", False),
        ("true", False),
    ],
)
def test_an_address_is_found_in_its_many_forms(imported, write, value, calls):
    overlay = write("schema: hms.scenario/1\nedges: {stock -> web: {}}\n", "o.yaml")
    env = f', env: [{{name: STOCK_ADDR, value: "{value}"}}]'
    found = imported(deployment("web", env) + deployment("stock"), overlays=[overlay])
    assert ("web -> stock" in {edge.name for edge in found.scenario.edges}) == calls


def test_a_bare_name_in_a_variable_that_holds_no_address_is_a_guess(imported):
    env = ", env: [{name: MODE, value: stock}]"
    found = imported(deployment("web", env) + deployment("stock"))
    assert found.scenario.edge("web", "stock").origins["itself"].sure == "guessed"
    assert "`MODE` of `web` is `stock`" in "\n".join(found.said)


def test_a_policys_label_goes_to_the_nearest_name_and_is_guessed(imported):
    policy = (
        "kind: NetworkPolicy\nmetadata: {name: p}\nspec:\n"
        "  podSelector: {matchLabels: {app: stocks}}\n"
        "  ingress: [{from: [{podSelector: {matchLabels: {app: web}}},"
        " {podSelector: {matchLabels: {app: prometheus}}}]}]\n"
    )
    found = imported(deployment("web") + deployment("stock") + policy)
    assert found.scenario.edge("web", "stock").origins["itself"].sure == "guessed"
    said = "\n".join(found.said)
    assert "`stocks`, which nothing here deploys: taken for the nearest, `stock`" in said
    assert "names pods app=prometheus, which nothing here deploys: dropped" in said


def test_a_surer_rule_wins_over_a_policy(imported):
    env = ', env: [{name: STOCK_ADDR, value: "stock:80"}]'
    policy = (
        "kind: NetworkPolicy\nmetadata: {name: p}\nspec:\n"
        "  podSelector: {matchLabels: {app: stock}}\n"
        "  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]\n"
    )
    found = imported(policy + "---\n" + deployment("web", env) + deployment("stock"))
    assert found.scenario.edge("web", "stock").origins["itself"].source == "env"
    assert "policy" not in found.scenario.sources


def test_a_deployment_that_is_there_twice_counts_once(imported):
    env = ', env: [{name: STOCK_ADDR, value: "stock:80"}]'
    text = deployment("web", env) + deployment("stock") + deployment("stock")
    found = imported(text)
    assert set(found.scenario.components) == {"web", "stock", "outside"}
    assert "Deployment `stock` is in" in "\n".join(found.said)


def test_a_list_of_objects_and_a_cycle_are_read(imported):
    def item(name: str, callee: str) -> str:
        return (
            f"- kind: Deployment\n  metadata: {{name: {name}}}\n  spec: {{template: "
            f"{{metadata: {{labels: {{a: {name}}}}}, spec: {{containers: [{{image: x, "
            f'env: [{{name: ADDR, value: "{callee}:80"}}]}}]}}}}}}\n'
            f"- kind: Service\n  metadata: {{name: {name}}}\n"
            f"  spec: {{selector: {{a: {name}}}, ports: [{{port: 80}}]}}\n"
        )

    found = imported("kind: List\nitems:\n" + item("ping", "pong") + item("pong", "ping"))
    assert {e.name for e in found.scenario.edges} >= {"ping -> pong", "pong -> ping"}
    assert found.scenario.edge("ping", "pong").origins["itself"].line == 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just a text",
        "[1, 2]",
        "kind: Deployment",
        "kind: Deployment\nmetadata: []\nspec: 3",
        "kind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: x}}}",
        "kind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [1, {}]}}}",
        "kind: Service\nmetadata: {name: a}\nspec: {selector: [], ports: 3}",
        "kind: List\nitems: {}",
        "kind: NetworkPolicy\nspec: {podSelector: {matchLabels: {a: b}}, ingress: [null, 3]}",
        "services: [a]",
        "services: {a: null, b: {environment: 3, ports: x, deploy: [], depends_on: {a: {}}}}",
        "a: b: c",
    ],
)
@pytest.mark.parametrize("format_name", ["kubernetes", "compose"])
def test_files_of_another_shape_are_refused_and_never_crash(imported, text, format_name):
    with pytest.raises(ManifestError):
        imported(text, format_name)


def test_a_missing_folder_is_told_with_its_nearest_neighbour(bookshop):
    with pytest.raises(ManifestError, match="nearest: `kubernetes`"):
        import_scenario("kubernetes", [bookshop / "kubernets"], Labels("x"))


def test_a_folder_without_manifests_is_refused(tmp_path):
    with pytest.raises(ManifestError, match=r"has no \.yaml"):
        import_scenario("kubernetes", [tmp_path], Labels("x"))


def test_an_unknown_format_is_told_with_the_nearest(bookshop):
    with pytest.raises(ManifestError, match="nearest: `kubernetes`"):
        import_scenario("kubernets", [bookshop], Labels("x"))
