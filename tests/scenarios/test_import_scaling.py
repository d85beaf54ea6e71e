"""What manifests say of scaling, requests and zones."""

import pytest
from import_manifests import calling, deployment

from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.read import import_scenario
from hms.scenarios.load import load_scenario, save_scenario


@pytest.fixture
def imported(write):
    """A shop with further manifests given as text."""

    def import_text(text: str = "", stock: str = ""):
        shop = calling("web", "stock", replicas=2) + (stock or deployment("stock"))
        return import_scenario("kubernetes", [write(shop + text, "k.yaml")], Labels("shop"))

    return import_text


def autoscaler(target: str, low: object = 2, high: object = 10, kind: str = "") -> str:
    return (
        f"kind: {kind or 'HorizontalPodAutoscaler'}\nmetadata: {{name: a}}\nspec:\n"
        f"  scaleTargetRef: {{kind: Deployment, name: {target}}}\n"
        f"  minReplicas: {low}\n  maxReplicas: {high}\n"
        "  metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilization: 60}}}]\n"
    )


def test_an_autoscaler_gives_bounds_as_a_label_and_the_least_replicas(imported, tmp_path):
    found = imported(autoscaler("stock", 3))
    stock = found.scenario.components["stock"]
    assert stock.labels == {"autoscale": "3-10"}
    assert stock.replicas == 3
    assert stock.origins["replicas"].sure == "derived"
    said = "\n".join(found.said)
    assert "autoscaled: `stock` 3-10 at 60 % CPU; the scenario has the replicas of today" in said
    save_scenario(found.scenario, tmp_path / "s.yaml")
    assert load_scenario(tmp_path / "s.yaml") == found.scenario


def test_replicas_that_are_stated_and_within_the_bounds_stay(imported):
    web = imported(autoscaler("web", 1)).scenario.components["web"]
    assert (web.replicas, web.origins["replicas"].sure) == (2, "stated")


def test_an_autoscalers_target_of_another_name_goes_to_the_nearest_and_is_said(imported):
    found = imported(autoscaler("stocks"))
    assert found.scenario.components["stock"].labels == {"autoscale": "2-10"}
    assert "scales `stocks`, which nothing here deploys: taken for the nearest, `stock`" in (
        "\n".join(found.said)
    )


def test_kedas_scaled_object_is_read_too(imported):
    text = autoscaler("stock", kind="ScaledObject").replace("Replicas:", "ReplicaCount:")
    assert imported(text).scenario.components["stock"].labels == {"autoscale": "2-10"}


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [("x", "y", "has no bounds"), (5, 2, "has no bounds"), (True, 0, "has no bounds")],
)
def test_an_autoscaler_without_usable_bounds_is_dropped_and_said(imported, low, high, said):
    found = imported(autoscaler("stock", low, high))
    assert found.scenario.components["stock"].labels == {}
    assert said in "\n".join(found.said)


def test_an_autoscaler_of_nothing_is_dropped_and_said(imported):
    assert "scales nothing that is deployed here" in "\n".join(imported(autoscaler("cache")).said)


def test_without_a_limit_the_cpu_request_is_derived(imported):
    stock = deployment("stock", ", resources: {requests: {cpu: 250m, memory: 64Mi}}")
    found = imported(stock=stock).scenario.components["stock"]
    assert (found.cores, found.origins["cores"].sure) == (0.25, "derived")
    assert found.memory_limit_mb == 0.0  # a request bounds nothing


def test_a_limit_wins_over_a_request(imported):
    stock = deployment("stock", ", resources: {requests: {cpu: 250m}, limits: {cpu: 2}}")
    found = imported(stock=stock).scenario.components["stock"]
    assert (found.cores, found.origins["cores"].sure) == (2.0, "stated")


def test_a_node_selector_gives_the_zone(imported):
    stock = deployment("stock").replace(
        "      containers:",
        "      nodeSelector: {topology.kubernetes.io/zone: eu-1}\n      containers:",
    )
    assert imported(stock=stock).scenario.components["stock"].zone == "eu-1"
