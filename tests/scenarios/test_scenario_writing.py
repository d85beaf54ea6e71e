"""A saved scenario loads back equal, and a person can read it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from scenario_strategy import scenarios

from hms.documents import load_yaml
from hms.scenarios.load import load_scenario, parse_scenario, save_scenario, scenario_to_mapping
from hms.scenarios.write import scenario_to_text


@given(scenarios())
def test_a_saved_scenario_loads_back_equal(scenario):
    document = load_yaml(scenario_to_text(scenario), file="saved.yaml")
    assert document.data == scenario_to_mapping(scenario)
    loaded, problems = parse_scenario(document.data)
    assert not problems
    assert loaded == scenario


@given(scenarios(), st.floats(0.0, 1.0, exclude_max=True))
def test_a_drawn_scenario_loads_back_equal(scenario, u):
    drawn = scenario.drawn(lambda _: u)
    loaded, problems = parse_scenario(load_yaml(scenario_to_text(drawn), file="saved.yaml").data)
    assert not problems
    assert loaded == drawn


def test_the_order_of_components_and_edges_is_kept(shop, tmp_path):
    save_scenario(shop, tmp_path / "saved.yaml")
    loaded = load_scenario(tmp_path / "saved.yaml")
    assert list(loaded.components) == list(shop.components)
    assert loaded.edges == shop.edges


def test_what_most_share_stands_under_defaults_and_defaults_are_left_out(shop):
    mapping = scenario_to_mapping(shop)
    assert mapping["defaults"]["component"]["workers"] == 32
    assert mapping["components"]["stock"]["workers"] == 16
    assert mapping["components"]["db"] == {"kind": "store", "service_time_ms": 1}
    assert mapping["edges"]["stock -> db"] == {}


def test_what_some_do_without_is_no_default(shop):
    """`lb_detect_s` may be left out, and nothing in a file says "none" of it."""
    told = {**shop.components}
    for name in ("web", "stock"):
        told[name] = replace(told[name], lb_detect_s=2.0)
    some = replace(shop, components=told)
    mapping = scenario_to_mapping(some)
    assert "lb_detect_s" not in mapping["defaults"]["component"]
    assert parse_scenario(mapping) == (some, [])


def test_a_file_has_a_line_for_each_value_and_edge(shop):
    text = scenario_to_text(shop)
    assert "    cores: {is: 0.2, from: 'k8s:11'}\n" in text
    assert "  web -> stock: {from: 'k8s:14', calls: {between: [0.5, 1.5], from: ranges}}\n" in text
    assert "until: restart}\n" in text


def test_the_implied_client_is_not_written(shop_text, write, tmp_path):
    text = shop_text.replace("client: people, ", "").replace("  people: {kind: client}\n", "")
    scenario = load_scenario(write(text.replace("  people -> web: {timeout_ms: 10000}\n", "")))
    save_scenario(scenario, tmp_path / "saved.yaml")
    assert "outside" not in (tmp_path / "saved.yaml").read_text()
    assert load_scenario(tmp_path / "saved.yaml") == scenario
