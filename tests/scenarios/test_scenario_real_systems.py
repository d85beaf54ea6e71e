"""Real systems, read from their unmodified manifests beside the checkout (else skipped)."""

import json

import pytest
from scenario_places import LIBRARY, TOPOLOGIES

from hms.errors import ManifestError
from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.read import import_scenario
from hms.scenarios.load import load_scenario
from hms.scenarios.provenance import origin_of
from hms.scenarios.topology import blast_radius, utilisation

BOUTIQUE = Labels(
    "online-boutique",
    "GoogleCloudPlatform/microservices-demo",
    "34ffea9175946982c3088ed84994fe6019ad6e92",
)
SHIPPED = LIBRARY / "online-boutique.yaml"
THREE_REPLICAS = LIBRARY / "three-replicas.overlay.yaml"


def derived(folder):
    """The edges that were derived by hand, as {(source, target): kind}."""
    text = (folder / "edges.derived.json").read_text()
    return {(e["source"], e["target"]): e["kind"] for e in json.loads(text)["edges"]}


@pytest.fixture
def boutique(online_boutique):
    """Online Boutique as `hms import kubernetes release/` reads it."""
    return import_scenario("kubernetes", [online_boutique / "release"], BOUTIQUE)


@pytest.fixture
def socks(sock_shop):
    """Sock Shop by its deployments and its policies."""
    deploy = sock_shop / "deploy" / "kubernetes"
    paths = [deploy / "complete-demo.yaml", deploy / "manifests-policy"]
    return import_scenario("kubernetes", paths, Labels("sock-shop"))


def test_online_boutique_has_12_components_and_its_16_derived_edges(boutique, online_boutique):
    scenario = boutique.scenario
    assert len(scenario.components) == 12
    found = {(edge.caller, edge.callee): edge.protocol for edge in scenario.edges}
    assert found == derived(online_boutique)
    assert len(found) == 16


def test_online_boutiques_assistant_is_not_deployed_and_said_to_be_dropped(boutique):
    (note,) = boutique.said
    assert "SHOPPING_ASSISTANT_SERVICE_ADDR" in note
    assert "dropped" in note


def test_online_boutiques_load_generator_is_its_client(boutique):
    scenario = boutique.scenario
    clients = [name for name, c in scenario.components.items() if c.kind == "client"]
    assert clients == ["loadgenerator"]
    assert scenario.workload[0].entry == "frontend"
    assert scenario.components["redis-cart"].kind == "store"


def test_online_boutiques_facts_name_their_line(boutique, online_boutique):
    lines = (online_boutique / "release" / "kubernetes-manifests.yaml").read_text().splitlines()
    frontend = boutique.scenario.components["frontend"]
    assert (frontend.cores, frontend.memory_limit_mb) == (0.2, 128.0)
    assert "cpu: 200m" in lines[frontend.origins["cores"].line - 1]
    redis = boutique.scenario.components["redis-cart"]
    assert (redis.liveness.kind, redis.liveness.period_s) == ("tcp", 5.0)
    edge = boutique.scenario.edge("cartservice", "redis-cart")
    assert "redis-cart:6379" in lines[edge.origins["itself"].line - 1]


def test_the_shipped_scenario_is_what_an_import_gives(online_boutique, monkeypatch):
    monkeypatch.chdir(online_boutique)
    again = import_scenario("kubernetes", ["release/kubernetes-manifests.yaml"], BOUTIQUE)
    assert load_scenario(SHIPPED) == again.scenario


def test_network_policies_add_no_call_that_addresses_do_not_name(online_boutique):
    paths = [online_boutique / "release", online_boutique / "kustomize"]
    found = import_scenario("kubernetes", paths, BOUTIQUE)
    assert {e.name for e in found.scenario.edges} == {
        f"{caller} -> {callee}" for caller, callee in derived(online_boutique)
    }


def test_sock_shop_has_14_components_and_its_derived_edges_but_the_session_hint(socks, sock_shop):
    scenario = socks.scenario
    deployed = [name for name in scenario.components if name != "outside"]
    assert len(deployed) == 14
    found = {(e.caller, e.callee) for e in scenario.edges if e.caller != "outside"}
    assert found == set(derived(sock_shop)) - {("front-end", "session-db")}
    assert len(found) == 14


def test_sock_shops_cart_label_is_guessed_and_said(socks):
    scenario = socks.scenario
    assert origin_of(scenario.edge("front-end", "carts"), "itself").sure == "guessed"
    assert origin_of(scenario.edge("front-end", "catalogue"), "itself").sure == "derived"
    said = "\n".join(socks.said)
    assert "`cart`, which nothing here deploys: taken for the nearest, `carts`" in said
    assert "SESSION_REDIS" in said
    assert "a hint that it may call `session-db`" in said


def test_sock_shop_without_a_load_generator_is_used_from_outside(socks):
    assert (socks.scenario.workload[0].client, socks.scenario.workload[0].entry) == (
        "outside",
        "front-end",
    )


def test_sock_shops_compose_file_names_one_call_and_the_rest_is_said_to_be_alone(sock_shop):
    path = sock_shop / "deploy" / "docker-compose" / "docker-compose.yml"
    found = import_scenario("compose", [path], Labels("sock-shop"))
    assert [e.name for e in found.scenario.edges if e.caller != "outside"] == ["user -> user-db"]
    assert "nothing here says who calls `front-end`, `edge-router`" in "\n".join(found.said)


def test_bookinfos_manifests_state_no_calls_and_the_message_says_what_to_supply():
    manifests = TOPOLOGIES / "bookinfo" / "samples" / "bookinfo" / "platform" / "kube"
    if not manifests.is_dir():
        pytest.skip("the manifests of bookinfo are not beside this checkout (shared/topologies)")
    with pytest.raises(ManifestError, match="no calls between them"):
        import_scenario("kubernetes", [manifests / "bookinfo.yaml"], Labels("bookinfo"))


def test_the_shipped_boutique_runs_at_a_third_of_its_capacity_on_three_replicas():
    scenario = load_scenario(SHIPPED, [THREE_REPLICAS])
    used = utilisation(scenario)
    assert max(used, key=used.get) == "productcatalogservice"
    assert 0.30 <= used["productcatalogservice"] <= 0.60
    assert used["redis-cart"] < 0.5
    replicas = {name: c.replicas for name, c in scenario.components.items()}
    assert replicas.pop("redis-cart") == replicas.pop("loadgenerator") == 1
    assert set(replicas.values()) == {3}


def test_the_shipped_boutique_survives_without_advertisements():
    scenario = load_scenario(SHIPPED, [THREE_REPLICAS])
    soft = {edge.name for edge in scenario.edges if edge.need == "soft"}
    assert soft == {
        "frontend -> adservice",
        "frontend -> recommendationservice",
        "checkoutservice -> emailservice",
    }
    assert blast_radius(scenario, "adservice") == set()
    assert blast_radius(scenario, "redis-cart") == {"cartservice", "checkoutservice", "frontend"}


def test_the_shipped_scenario_names_repository_and_commit_and_holds_facts_only():
    scenario = load_scenario(SHIPPED)
    assert scenario.sources["k8s"].commit == BOUTIQUE.commit
    assert scenario.sources["k8s"].repository == BOUTIQUE.repository
    assert scenario.sources["k8s"].file == "release/kubernetes-manifests.yaml"
    assert "#" not in SHIPPED.read_text()  # the manifests' comments would be somebody's text
