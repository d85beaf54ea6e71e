"""Calls that manifests name in less usual ways."""

import pytest
from import_manifests import calling, deployment

from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.read import import_scenario


@pytest.fixture
def calls(write):
    """The calls that manifests name."""

    def of(text: str) -> set[str]:
        found = import_scenario("kubernetes", [write(text, "k.yaml")], Labels("s"))
        return {edge.name for edge in found.scenario.edges if edge.caller != "outside"}

    return of


def in_namespace(text: str, namespace: str) -> str:
    return text.replace("metadata: {name:", f"metadata: {{namespace: {namespace}, name:")


def policy(spec: str, namespace: str = "default") -> str:
    return (
        f"kind: NetworkPolicy\nmetadata: {{name: p, namespace: {namespace}}}\n"
        f"spec: {{podSelector: {{matchLabels: {{app: web}}}}, {spec}}}\n---\n"
    )


def test_a_policy_says_whom_its_pods_may_call(calls):
    egress = "egress: [{to: [{podSelector: {matchLabels: {app: stock}}}]}]"
    assert calls(deployment("web") + deployment("stock") + policy(egress)) == {"web -> stock"}


def test_a_policys_peer_may_be_in_a_named_namespace(calls):
    peer = (
        "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: back}}, "
        "podSelector: {matchLabels: {app: stock}}}"
    )
    shop = deployment("web") + in_namespace(deployment("stock"), "back")
    assert calls(shop + policy(f"egress: [{{to: [{peer}]}}]")) == {"web -> stock"}


def test_a_policys_peer_may_be_in_any_namespace(calls):
    peer = "{namespaceSelector: {}, podSelector: {matchLabels: {app: stock}}}"
    shop = deployment("web") + in_namespace(deployment("stock"), "back")
    assert calls(shop + policy(f"ingress: [{{from: [{peer}]}}]")) == {"stock -> web"}


def test_variables_may_use_those_above_them(calls):
    env = (
        ', env: [{name: HOST_OF, value: stock}, {name: STOCK_URL, value: "http://$(HOST_OF):80"}, '
        '{name: LATER, value: "$(UNKNOWN):80"}]'
    )
    assert calls(deployment("web", env) + deployment("stock")) == {"web -> stock"}


@pytest.mark.parametrize(
    ("word", "criticality"), [("critical", "high"), ("medium", "normal"), ("low", "low")]
)
def test_opentelemetrys_criticality_is_stated(write, word, criticality):
    env = (
        f', env: [{{name: OTEL_RESOURCE_ATTRIBUTES, value: "a=b,service.criticality={word}"}}, '
        "{name: STOCK_ADDR, value: 'stock:80'}]"
    )
    path = write(deployment("web", env) + deployment("stock"), "k.yaml")
    web = import_scenario("kubernetes", [path], Labels("s")).scenario.components["web"]
    assert web.criticality == criticality
    assert web.origins["criticality"].sure == "stated"


def test_a_bare_name_in_a_variable_of_an_address_is_a_call(calls):
    assert calls(calling("web", "stock").replace("stock:80", "stock") + deployment("stock")) == {
        "web -> stock"
    }
