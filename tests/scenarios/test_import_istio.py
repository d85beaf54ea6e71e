"""Istio's objects as today's settings."""

import json

import pytest
from import_manifests import calling, deployment
from scenario_places import TOPOLOGIES

from hms.errors import ManifestError
from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.read import Given, import_scenario
from hms.scenarios.load import load_scenario, save_scenario

SHOP = calling("web", "stock", replicas=2) + deployment("stock", replicas=3, port_name="http")
ROUTE = """\
kind: VirtualService
metadata: {name: stock}
spec:
  hosts: [stock]
  http:
  - timeout: 2s
    retries:
      attempts: 3
      perTryTimeout: 500ms
      retryOn: gateway-error,connect-failure
    route: [{destination: {host: stock}}]
---
"""


@pytest.fixture
def imported(write):
    """The shop with objects of Istio's given as text."""

    def import_text(text: str, shop: str = SHOP):
        return import_scenario("kubernetes", [write(shop + text, "k.yaml")], Labels("shop"))

    return import_text


def rule(policy: str) -> str:
    return (
        "kind: DestinationRule\nmetadata: {name: stock}\n"
        f"spec: {{host: stock.default.svc.cluster.local, trafficPolicy: {{{policy}}}}}\n---\n"
    )


def test_a_route_gives_time_outs_and_retries_of_the_edges_to_its_host(imported):
    edge = imported(ROUTE).scenario.edge("web", "stock")
    assert edge.today["timeout"] == {"call_s": 0.5, "total_s": 2.0}
    retry = edge.today["retry"]
    assert retry["max_attempts"] == 4  # attempts counts the retries
    assert retry["retry_on"] == ["refused", "unavailable", "error", "timeout"]
    assert (retry["base_s"], retry["max_s"], retry["budget_kind"]) == (0.025, 0.25, "none")


def test_settings_name_their_line_and_are_stated(imported, write):
    scenario = imported(ROUTE).scenario
    origin = scenario.edge("web", "stock").origins["retry"]
    lines = (SHOP + ROUTE).splitlines()
    assert lines[origin.line - 1].strip() == "retries:"
    assert origin.sure == "stated"
    assert scenario.sources[origin.source].file == "k.yaml"


def test_a_host_in_the_mesh_without_retries_has_istios_own_two(imported):
    edge = imported(rule("loadBalancer: {simple: RANDOM}")).scenario.edge("web", "stock")
    assert edge.today["retry"]["max_attempts"] == 3
    assert edge.today["retry"]["retry_on"] == ["refused", "unavailable", "cancelled"]
    assert edge.origins["retry"].sure == "derived"
    assert "timeout" not in edge.today  # Istio has none


def test_attempts_0_switches_retries_off(imported):
    text = ROUTE.replace("attempts: 3", "attempts: 0")
    assert imported(text).scenario.edge("web", "stock").today["retry"]["max_attempts"] == 1


def test_outlier_detection_is_a_breaker_of_replicas_with_istios_defaults(imported):
    scenario = imported(rule("outlierDetection: {consecutive5xxErrors: 7, interval: 5s}")).scenario
    assert scenario.edge("web", "stock").today["breaker"] == {
        "scope": "replica",
        "failure_rate": "off",
        "slow_call_rate": "off",
        "consecutive_failures": 7,
        "open_s": 30.0,
        "open_growth": "linear",
        "open_max_s": 300.0,
        "jitter_share": 0.0,
        "ejected_share_max": 0.1,
        "always_eject_one": False,
        "panic_share": 0.0,
        "sweep_s": 5.0,
    }


def test_a_connection_pool_is_shared_out_from_the_callers_proxies_to_replicas(imported):
    pool = "connectionPool: {tcp: {maxConnections: 30}, http: {http1MaxPendingRequests: 9}}"
    found = imported(rule(pool))
    # two proxies of `web` let 30 each through, three replicas of `stock` share them
    assert found.scenario.components["stock"].today["concurrency"] == {
        "limit": 20,
        "queue_limit": 6,
    }
    assert "connectionPool counts in each of 2 callers' proxies" in "\n".join(found.said)


def test_retry_budgets_balancers_and_max_retries(imported):
    found = imported(rule("retryBudget: {percent: 25}, loadBalancer: {simple: LEAST_REQUEST}"))
    retry = found.scenario.edge("web", "stock").today["retry"]
    assert (retry["budget_kind"], retry["in_flight_share"], retry["in_flight_min"]) == (
        "in_flight",
        0.25,
        3,
    )
    assert found.scenario.components["stock"].balancer == "least"
    found = imported(rule("connectionPool: {http: {maxRetries: 4}}"))
    assert found.scenario.edge("web", "stock").today["retry"]["in_flight_min"] == 4


def test_a_subsets_policy_holds_for_its_own_pods_only(imported):
    shop = (
        calling("web", "stock")
        + deployment("stock-v1", labels="app: stock, version: v1")
        + deployment("stock-v2", labels="app: stock, version: v2")
        + "kind: Service\nmetadata: {name: stock}\n"
        "spec: {selector: {app: stock}, ports: [{port: 80}]}\n---\n"
        "kind: DestinationRule\nmetadata: {name: stock}\nspec:\n  host: stock\n"
        "  trafficPolicy: {loadBalancer: {simple: RANDOM}}\n  subsets:\n"
        "  - {name: v2, labels: {version: v2}, trafficPolicy: {loadBalancer: "
        "{simple: ROUND_ROBIN}}}\n---\n"
    )
    components = imported("", shop).scenario.components
    assert components["stock-v1"].balancer == "random"
    assert components["stock-v2"].balancer == "round_robin"


def test_a_route_of_a_gateway_holds_at_the_gateway_and_shows_what_faces_outside(imported):
    text = (
        "kind: VirtualService\nmetadata: {name: in}\nspec:\n  hosts: ['*']\n  gateways: [gw]\n"
        "  http: [{timeout: 1s, route: [{destination: {host: web}}]}]\n---\n"
    )
    found = imported(text)
    assert found.scenario.workload[0].entry == "web"
    assert all(not edge.today for edge in found.scenario.edges)


def test_a_tcp_callee_gets_no_retries(imported):
    shop = calling("web", "db") + deployment("db", port_name="postgres")
    text = rule("outlierDetection: {}").replace("stock", "db")
    today = imported(text, shop).scenario.edge("web", "db").today
    assert set(today) == {"breaker"}


def test_weights_are_said(imported):
    weighted = "route: [{destination: {host: stock}, weight: 80}, {destination: {host: web}}]"
    found = imported(ROUTE.replace("route: [{destination: {host: stock}}]", weighted))
    assert "shares its calls out by weights" in "\n".join(found.said)


def test_two_rules_for_one_host_are_said(imported):
    found = imported(ROUTE + ROUTE.replace("2s", "9s"))
    assert found.scenario.edge("web", "stock").today["timeout"]["total_s"] == 2.0
    assert "both say how `stock` is called: the first is taken" in "\n".join(found.said)


def test_a_rule_that_is_there_twice_word_for_word_is_no_disagreement(imported):
    assert "both say" not in "\n".join(imported(ROUTE + ROUTE).said)


def fault(text: str, match: str = "") -> str:
    return (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: stock}\nspec:\n"
        f"  hosts: [stock]\n  http:\n  - fault: {{{text}}}\n{match}"
        "    route: [{destination: {host: stock}}]\n---\n"
    )


def test_injected_faults_become_faults_as_chaos_files_do(imported):
    delay = "delay: {percentage: {value: 100}, fixedDelay: 7s}"
    abort = "abort: {percentage: {value: 25}, httpStatus: 503}"
    found = imported(fault(f"{delay}, {abort}"))
    kinds = {each.kind: each for each in found.scenario.faults}
    assert kinds["latency"].edge == ("web", "stock")
    assert kinds["latency"].parameters["added_s"] == 7.0
    assert (kinds["error"].component, kinds["error"].parameters["share"]) == ("stock", 0.25)
    assert kinds["error"].start_s == 60.0
    assert "2 faults that Istio injects are in the scenario, from 60 s on" in found.said


def test_what_a_fault_loses_is_said_with_its_line(imported):
    match = "    match: [{headers: {user: {exact: jason}}}]\n"
    said = "\n".join(imported(fault("delay: {fixedDelay: 1s}", match)).said)
    assert "http.0.match: a scenario does not know paths, methods, headers" in said
    assert "k.yaml:" in said


def test_a_misspelt_fault_is_refused_with_its_line(imported):
    with pytest.raises(ManifestError, match="fixedDelay"):
        imported(fault("delay: {fixedDealy: 1s}"))


def test_ranges_stay_ranges_beside_faults(imported):
    scenario = imported(fault("delay: {fixedDelay: 1s}")).scenario
    assert dict(scenario.ranges())


def test_more_retries_than_a_policy_has_and_unknown_words_are_said(imported):
    text = ROUTE.replace("attempts: 3", "attempts: 9").replace("gateway-error", "sometimes")
    found = imported(text)
    said = "\n".join(found.said)
    assert "9 retries: a policy has at most 4" in said
    assert "retryOn `sometimes` is not known" in said


def test_settings_load_back_equal(imported, tmp_path):
    pool = "outlierDetection: {}, connectionPool: {tcp: {maxConnections: 30}}"
    scenario = imported(ROUTE + rule(pool)).scenario
    save_scenario(scenario, tmp_path / "s.yaml")
    assert load_scenario(tmp_path / "s.yaml") == scenario


def test_an_overlays_edges_get_the_settings_of_their_callee_and_keep_their_own(write):
    shop = deployment("web") + deployment("stock") + ROUTE
    overlay = write(
        "schema: hms.scenario/1\nedges: {web -> stock: {timeout: {total_s: 7}}}\n", "o.yaml"
    )
    found = import_scenario("kubernetes", [write(shop, "k.yaml")], Labels("s"), [overlay])
    today = found.scenario.edge("web", "stock").today
    assert today["timeout"]["total_s"] == 7
    assert today["retry"]["max_attempts"] == 4


def test_istio_alone_asks_for_the_manifests(write):
    with pytest.raises(ManifestError, match=r"rules for stock.*(?s:.*)--merge kubernetes:DIR"):
        import_scenario("istio", [write(ROUTE, "mesh.yaml")], Labels("s"))


def test_istio_merges_with_manifests_from_elsewhere(write):
    mesh, shop = write(ROUTE, "mesh.yaml"), write(SHOP, "shop.yaml")
    found = import_scenario("istio", [mesh], Labels("s"), merge=[Given("kubernetes", [shop])])
    assert found.scenario.edge("web", "stock").today["timeout"]["total_s"] == 2.0


def test_files_without_objects_of_istio_are_refused(write):
    with pytest.raises(ManifestError, match="no VirtualService or DestinationRule found"):
        import_scenario("istio", [write(SHOP, "shop.yaml")], Labels("s"))


@pytest.mark.parametrize(
    "text",
    [
        "kind: VirtualService",
        "kind: VirtualService\nspec: {hosts: 3, http: {}}",
        "kind: VirtualService\nspec: {hosts: [stock], http: [3, null, {route: [{}], retries: 3}]}",
        "kind: VirtualService\nspec: {hosts: [stock], http: [{timeout: [], retries: "
        "{attempts: -1, retryOn: 5}, route: [{destination: {host: stock}}]}]}",
        "kind: DestinationRule\nspec: {host: [], subsets: 3}",
        "kind: DestinationRule\nspec: {host: stock, trafficPolicy: {outlierDetection: "
        "{consecutive5xxErrors: x, maxEjectionPercent: [], interval: 1banana}, connectionPool: 3, "
        "retryBudget: {percent: x}, loadBalancer: {simple: []}}}",
        "kind: DestinationRule\nspec: {host: stock, subsets: [{labels: {app: []}, "
        "trafficPolicy: {}}]}",
    ],
)
def test_objects_of_another_shape_never_crash(imported, text):
    assert imported(text + "\n---\n").scenario.components


def test_bookinfos_rules_give_a_random_balancer(write):
    folder = TOPOLOGIES / "bookinfo" / "samples" / "bookinfo"
    if not folder.is_dir():
        pytest.skip("the manifests of bookinfo are not beside this checkout (shared/topologies)")
    derived = json.loads((TOPOLOGIES / "bookinfo" / "edges.derived.json").read_text())
    assert {"source": "productpage", "target": "reviews-v1", "kind": "http"} in derived["edges"]
    overlay = write(
        "schema: hms.scenario/1\nedges: {productpage-v1 -> reviews-v1: {protocol: http}}\n",
        "o.yaml",
    )
    paths = [folder / "platform" / "kube" / "bookinfo.yaml"]
    rules = Given("istio", [folder / "networking" / "destination-rule-reviews.yaml"])
    found = import_scenario("kubernetes", paths, Labels("bookinfo"), [overlay], merge=[rules])
    for version in ("v1", "v2", "v3"):
        assert found.scenario.components[f"reviews-{version}"].balancer == "random"
