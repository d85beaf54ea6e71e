"""Shipped scenarios of real systems: what an import gives, healthy before anything fails."""

import json

import pytest
from scenario_places import LIBRARY, TOPOLOGIES

from hms.evolution.baselines import load
from hms.experiments.simulation import recorded
from hms.scenarios.compile import compile_scenario
from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.read import import_scenario
from hms.scenarios.load import load_scenario, parse_scenario, scenario_to_mapping
from hms.scenarios.provenance import origin_of
from hms.scenarios.split import IncidentId, keyed_uniform
from hms.scenarios.topology import utilisation

OVERLAY = LIBRARY / "bookinfo.overlay.yaml"
SYSTEMS = {
    "bookinfo": (
        "kubernetes",
        ["samples/bookinfo/platform/kube/bookinfo.yaml"],
        "istio/istio",
        "86c9f01fd735fb01d8192f5bcaf0d424afb7f14c",
    ),
    "sock-shop": (
        "kubernetes",
        ["deploy/kubernetes"],
        "microservices-demo/microservices-demo",
        "9dff06fae4981921caec6a62393a6ebfce4b3e3f",
    ),
    "opentelemetry-demo": (
        "compose",
        ["compose.yaml", "compose.full.yaml"],
        "open-telemetry/opentelemetry-demo",
        "054282e318317f2be09f67dd9b0d7d1278566cfa",
    ),
}
EVERY = [*SYSTEMS, "online-boutique"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_shipped_scenario_is_what_an_import_gives(name, monkeypatch):
    folder = TOPOLOGIES / name
    if not folder.is_dir():
        pytest.skip(f"the manifests of {name} are not beside this checkout (shared/topologies)")
    monkeypatch.chdir(folder)
    format_name, paths, repository, commit = SYSTEMS[name]
    overlays = [OVERLAY] if name == "bookinfo" else []
    labels = Labels(name, repository, commit)
    again = import_scenario(format_name, paths, labels, overlays).scenario
    # The overlay is read with the path of this checkout, and cited without it.
    assert load_scenario(LIBRARY / f"{name}.yaml") == parse_scenario(scenario_to_mapping(again))[0]


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_shipped_scenario_names_its_repository_and_holds_no_text_of_others(name):
    scenario = load_scenario(LIBRARY / f"{name}.yaml")
    _, _, repository, commit = SYSTEMS[name]
    cited = [each for each in scenario.sources.values() if each.repository == repository]
    assert cited
    assert {each.commit for each in cited} == {commit}
    assert "#" not in (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8")


def test_bookinfos_calls_are_those_of_istios_documentation():
    scenario = load_scenario(LIBRARY / "bookinfo.yaml")
    calls = {edge.name for edge in scenario.edges if edge.caller != "outside"}
    assert calls == {
        "productpage-v1 -> details-v1",
        "productpage-v1 -> reviews-v1",
        "productpage-v1 -> reviews-v2",
        "productpage-v1 -> reviews-v3",
        "reviews-v2 -> ratings-v1",
        "reviews-v3 -> ratings-v1",
    }
    reviews = scenario.edge("productpage-v1", "reviews-v2")
    assert (reviews.timeout_s, reviews.today["retry"]["max_attempts"]) == (3.0, 2)
    assert scenario.edge("reviews-v2", "ratings-v1").timeout_s == 10.0
    assert origin_of(reviews, "timeout_ms").source == "istio-docs"
    derived = TOPOLOGIES / "bookinfo" / "edges.derived.json"
    if derived.is_file():
        pairs = json.loads(derived.read_text())["edges"]
        assert {f"{e['source']} -> {e['target']}" for e in pairs if e["target"] != "mongodb"} == {
            _named_by_service(call) for call in calls
        }


def _named_by_service(call: str) -> str:
    """Bookinfo's derived edges name a Service where there is one Deployment behind it."""
    ends = call.split(" -> ")
    return " -> ".join(e if e.startswith("reviews") else e.removesuffix("-v1") for e in ends)


@pytest.mark.parametrize("name", EVERY)
def test_a_shipped_scenario_is_healthy_without_faults(name):
    scenario = load_scenario(LIBRARY / f"{name}.yaml").midpoint()
    compiled = compile_scenario(scenario, IncidentId("simulate", "rest", 0).seed("0"))
    outcome = recorded(load("platform").policy, compiled, scenario)
    assert outcome.downtime_s == 0.0
    assert outcome.availability > 0.9999


@pytest.mark.parametrize("name", EVERY)
def test_a_shipped_scenario_is_seldom_overloaded_at_the_load_that_is_drawn(name):
    scenario = load_scenario(LIBRARY / f"{name}.yaml")
    incidents = [IncidentId("simulate", "draw", index) for index in range(100)]
    drawn = [
        scenario.drawn(lambda path, of=incident: keyed_uniform("0", of, path))
        for incident in incidents
    ]
    assert sum(max(utilisation(each).values()) > 0.9 for each in drawn) <= 6  # 2.5 expected
