"""An overlay is a partial scenario, merged by name; its values know that they are from it."""

import pytest

from hms.errors import ScenarioError
from hms.scenarios.load import load_scenario, save_scenario
from hms.scenarios.model import Origin, Probe


@pytest.fixture
def overlaid(shop_text, write):
    """The shop with an overlay of the given sections on top."""

    def load_with(sections: str, base: str = shop_text):
        overlay = write(f"schema: hms.scenario/1\n{sections}", "team.overlay.yaml")
        return load_scenario(write(base), [overlay])

    return load_with


def test_a_value_of_the_overlay_replaces_the_base_and_knows_its_line(overlaid):
    stock = overlaid("components:\n  stock:\n    replicas: 4\n").components["stock"]
    assert stock.replicas == 4
    assert stock.origins["replicas"] == Origin("team.overlay", 4, "stated")
    assert stock.memory_mb == 64.0  # untouched


def test_a_source_of_the_overlay_with_its_own_file_name_is_used(overlaid):
    scenario = overlaid(
        "sources: {us: {file: team.overlay.yaml, sure: guessed}}\ncomponents: {web: {cores: 2}}\n"
    )
    assert scenario.components["web"].origins["cores"] == Origin("us", 3, "guessed")
    assert "team.overlay" not in scenario.sources


def test_a_fact_that_is_replaced_loses_its_old_origin(overlaid):
    web = overlaid("components: {web: {cores: {is: 2, from: k8s}}}\n").components["web"]
    assert (web.cores, web.origins["cores"]) == (2.0, Origin("k8s", 0, "stated"))


def test_new_names_are_added(overlaid):
    scenario = overlaid("components: {mail: {}}\nedges: {web -> mail: {need: soft}}\n")
    assert "mail" in scenario.components
    assert scenario.edge("web", "mail").need == "soft"


def test_null_takes_a_component_away_with_its_edges(overlaid, shop_text):
    base = shop_text.replace("component: stock", "component: web")
    scenario = overlaid("components: {stock: null, db: null}\n", base)
    assert list(scenario.components) == ["people", "web"]
    assert [edge.name for edge in scenario.edges] == ["people -> web"]


def test_null_takes_an_edge_away_however_its_arrow_is_spaced(overlaid):
    scenario = overlaid("edges: {stock->db: null}\n")
    assert [edge.name for edge in scenario.edges] == ["people -> web", "web -> stock"]


def test_the_same_entry_and_client_is_the_same_load(overlaid):
    replaced = overlaid("workload: [{entry: web, client: people, rate_rps: 99}]\n")
    assert [load.rate_rps for load in replaced.workload] == [99.0]
    added = overlaid("workload: [{entry: stock, rate_rps: 5}]\n")
    assert [load.entry for load in added.workload] == ["web", "stock"]


def test_faults_are_added(overlaid):
    scenario = overlaid("faults: [{kind: crash, target: {component: db}, start_s: 50}]\n")
    assert [fault.kind for fault in scenario.faults] == ["hang", "crash"]


def test_defaults_of_the_overlay_hold_for_all_components(overlaid):
    scenario = overlaid("defaults: {component: {workers: 8}}\n")
    assert scenario.components["web"].workers == 8
    assert scenario.components["stock"].workers == 16  # its own


def test_one_probe_of_the_overlay_replaces_one_of_both(overlaid):
    web = overlaid("components: {web: {liveness: {kind: tcp}}}\n").components["web"]
    assert (web.readiness, web.liveness) == (Probe("http"), Probe("tcp"))
    both = overlaid("components: {web: {probe: none}}\n").components["web"]
    assert (both.readiness, both.liveness) == (None, None)


def test_overlays_apply_in_their_order(shop_text, write):
    first = write("schema: hms.scenario/1\ncomponents: {web: {replicas: 4}}\n", "a.yaml")
    second = write("schema: hms.scenario/1\ncomponents: {web: {replicas: 5}}\n", "b.yaml")
    assert load_scenario(write(shop_text), [first, second]).components["web"].replicas == 5
    assert load_scenario(write(shop_text), [second, first]).components["web"].replicas == 4


def test_an_overlaid_scenario_loads_back_equal(overlaid, tmp_path):
    scenario = overlaid("components: {web: {replicas: 4, criticality: high}}\n")
    save_scenario(scenario, tmp_path / "saved.yaml")
    assert load_scenario(tmp_path / "saved.yaml") == scenario


@pytest.mark.parametrize(
    ("sections", "line", "told"),
    [
        ("components:\n  web:\n    replicsa: 4\n", 4, "unknown key `replicsa`"),
        ("components:\n  web:\n    replicas: 0\n", 4, "`replicas` is 0"),
        ("components:\n  web:\n    replicas: many\n", 4, "`replicas` is `many`"),
        ("edges:\n  web -> dv: {}\n", 3, "edge to nowhere"),
        ("edges:\n  web -> db: {timeout_s: 3}\n", 3, "wrong unit: `timeout_s`"),
        ("faults:\n  - {kind: hagn}\n", 3, "unknown fault kind `hagn`"),
        ("colour: red\n", 2, "unknown key `colour`"),
    ],
)
def test_a_mistake_of_the_overlay_is_told_with_the_overlays_line(overlaid, sections, line, told):
    with pytest.raises(ScenarioError) as refused:
        overlaid(sections)
    assert f"team.overlay.yaml:{line}: {told}" in str(refused.value)


def test_an_overlay_of_another_schema_is_refused(shop_text, write):
    overlay = write("schema: hms.policy/1\n", "policy.yaml")
    with pytest.raises(ScenarioError, match=r"policy\.yaml:1: schema 'hms\.policy/1'"):
        load_scenario(write(shop_text), [overlay])
