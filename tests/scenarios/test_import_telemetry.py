"""Calls to collectors and flag services are left out, and compose files read as compose does."""

import json

import pytest
from scenario_places import TOPOLOGIES

from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.findings import FoundComponent, Place
from hms.scenarios.importers.read import import_scenario
from hms.scenarios.importers.telemetry import purpose_of, sends_telemetry

SHOP = """\
services:
  web:
    image: acme/web
    ports: ["80"]
    environment:
      STOCK_ADDR: stock:80
      OTEL_EXPORTER_OTLP_ENDPOINT: http://otel-collector:4317
      FLAGD_HOST: flagd
  stock: {image: acme/stock, ports: ["80"]}
  otel-collector: {image: otel/opentelemetry-collector-contrib, ports: ["4317"]}
  flagd: {image: ghcr.io/open-feature/flagd, ports: ["8013"]}
"""


def names(scenario) -> set[str]:
    return {edge.name for edge in scenario.edges if edge.caller != "outside"}


def test_calls_to_collectors_and_flag_services_are_dropped_and_said(write):
    found = import_scenario("compose", [write(SHOP, "c.yaml")], Labels("s"))
    assert names(found.scenario) == {"web -> stock"}
    assert set(found.scenario.components) == {"web", "stock", "outside"}
    said = "\n".join(found.said)
    assert "1 calls to `otel-collector` are for telemetry, not part of an answer: dropped" in said
    assert "`flagd` is for feature flags and left out" in said


def test_keep_telemetry_keeps_them(write):
    path = write(SHOP, "c.yaml")
    found = import_scenario("compose", [path], Labels("s"), keep_telemetry=True)
    assert names(found.scenario) == {"web -> stock", "web -> otel-collector", "web -> flagd"}


@pytest.mark.parametrize(
    ("name", "purpose"),
    [
        ("otel-collector", "telemetry"),
        ("opentelemetry-collector", "telemetry"),
        ("otelcol", "telemetry"),
        ("jaeger", "telemetry"),
        ("jaeger-query", "telemetry"),
        ("prometheus-server", "telemetry"),
        ("zipkin", "telemetry"),
        ("fluent-bit", "telemetry"),
        ("flagd-ui", "feature flags"),
        ("telemetry-docs", ""),
        ("temporal", ""),
        ("storefront", ""),
        ("collector", ""),  # of rubbish, maybe
        ("hotel-collector-items", ""),
    ],
)
def test_what_a_component_is_for_follows_from_its_name(name, purpose):
    assert purpose_of(FoundComponent(name, Place("compose", "c.yaml", 1))) == purpose


@pytest.mark.parametrize(
    ("variable", "sends"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", True),
        ("JAEGER_AGENT_HOST", True),
        ("K6_OTEL_HTTP_EXPORTER_ENDPOINT", True),
        ("HOTEL_ADDR", False),
        ("STOCK_ADDR", False),
    ],
)
def test_variables_of_telemetry_are_known_by_name(variable, sends):
    assert sends_telemetry(variable) == sends


def test_a_variable_named_without_a_value_comes_from_the_env_file(write):
    write("STOCK_PORT=80   # of the warehouse\nSTOCK_ADDR=stock:${STOCK_PORT}\n", ".env")
    text = (
        "services:\n  web: {environment: [STOCK_ADDR], ports: ['80']}\n"
        "  other: {environment: {STOCK_ADDR: null}}\n  stock: {ports: ['80']}\n"
    )
    found = import_scenario("compose", [write(text, "c.yaml")], Labels("s"))
    assert names(found.scenario) == {"web -> stock", "other -> stock"}


def test_a_host_inside_a_connection_string_is_an_address(write):
    text = (
        "services:\n  web: {environment: ['DB=Host=orders-db;Username=u;Database=web']}\n"
        "  orders-db: {image: postgres}\n"
    )
    found = import_scenario("compose", [write(text, "c.yaml")], Labels("s"))
    assert names(found.scenario) == {"web -> orders-db"}


def test_an_env_file_cannot_blow_up(write):
    lines = ["A0=xxxxxxxxxx", *(f"A{i}=${{A{i - 1}}}${{A{i - 1}}}" for i in range(1, 60))]
    write("\n".join(lines), ".env")
    text = "services:\n  web: {environment: [A59, 'S=stock:80']}\n  stock: {}\n"
    found = import_scenario("compose", [write(text, "c.yaml")], Labels("s"))
    assert names(found.scenario) == {"web -> stock"}


def test_the_opentelemetry_demo_has_its_21_components_and_29_derived_calls():
    folder = TOPOLOGIES / "opentelemetry-demo"
    if not folder.is_dir():
        pytest.skip("the OpenTelemetry demo is not beside this checkout (shared/topologies)")
    derived = json.loads((folder / "edges.rpc.derived.json").read_text())
    paths = [folder / "compose.yaml", folder / "compose.full.yaml"]
    scenario = import_scenario("compose", paths, Labels("opentelemetry-demo")).scenario
    assert set(scenario.components) == set(derived["nodes"])
    assert names(scenario) == {f"{e['source']} -> {e['target']}" for e in derived["edges"]}
    assert len(scenario.edges) == 29
    assert scenario.workload[0].client == "load-generator"


def test_the_opentelemetry_demo_keeps_flags_and_telemetry_if_asked():
    folder = TOPOLOGIES / "opentelemetry-demo"
    if not folder.is_dir():
        pytest.skip("the OpenTelemetry demo is not beside this checkout (shared/topologies)")
    derived = json.loads((folder / "edges.derived.json").read_text())["edges"]
    wanted = {f"{e['source']} -> {e['target']}" for e in derived if e["kind"] != "depends_on"}
    paths = [folder / "compose.yaml", folder / "compose.full.yaml"]
    labels = Labels("opentelemetry-demo")
    scenario = import_scenario("compose", paths, labels, keep_telemetry=True).scenario
    assert names(scenario) == wanted
