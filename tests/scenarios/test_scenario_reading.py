"""What a scenario file means: forms of values, units, defaults, probes, faults."""

import math

import pytest

from hms.scenarios.load import load_scenario
from hms.scenarios.model import Origin, Probe, Range


@pytest.fixture
def read(shop_text, write):
    """Loads the shop with one part of its text replaced."""

    def read_with(old: str = "", new: str = ""):
        assert old in shop_text
        return load_scenario(write(shop_text.replace(old, new, 1) if old else shop_text))

    return read_with


def test_milliseconds_become_seconds(shop):
    assert shop.components["web"].service_time_s == Range(0.002, 0.008)
    assert shop.components["db"].service_time_s == 0.001
    assert shop.edge("web", "stock").timeout_s == 1.5
    assert shop.slo["web"].latency_s == 0.8


def test_milliseconds_shift_in_decimal_without_a_rounding_error(read):
    scenario = read("service_time_ms: 1}", "service_time_ms: 7.1}")
    assert scenario.components["db"].service_time_s == 0.0071  # 7.1 * 1e-3 is 0.0070999999999999995


def test_a_value_keeps_its_source_line_and_sureness(shop):
    assert shop.components["web"].origins["cores"] == Origin("k8s", 11, "stated")
    assert shop.components["web"].origins["service_time_ms"] == Origin("ranges", 0, "guessed")
    assert shop.edge("web", "stock").origins["itself"] == Origin("k8s", 14, "stated")


def test_sure_beside_from_wins_over_the_source(read):
    scenario = read('{from: "k8s:14",', '{from: "k8s:14", sure: guessed,')
    assert scenario.edge("web", "stock").origins["itself"] == Origin("k8s", 14, "guessed")


def test_an_own_value_drops_the_defaults_origin(shop):
    assert "service_time_ms" not in shop.components["db"].origins
    assert shop.components["stock"].workers == 16
    assert shop.components["web"].workers == 32


def test_component_defaults_do_not_hold_for_clients(shop):
    assert shop.components["people"].workers == 64
    assert shop.components["people"].origins == {}


def test_probe_sets_both_probes(shop):
    web = shop.components["web"]
    assert web.readiness == web.liveness == Probe("http", 10.0, 1.0, 3, 0.0)
    assert shop.components["db"].liveness is None


def test_none_takes_away_one_of_two_default_probes(shop_text, write):
    text = shop_text.replace("workers: 32}", "workers: 32, probe: {kind: tcp}}", 1)
    text = text.replace("db: {kind: store,", "db: {kind: store, liveness: none,", 1)
    scenario = load_scenario(write(text))
    assert scenario.components["db"].readiness == Probe("tcp")
    assert scenario.components["db"].liveness is None


def test_a_fault_until_an_act_lasts_for_ever(shop):
    (fault,) = shop.faults
    assert (fault.component, fault.replicas, fault.until) == ("stock", 1, "restart")
    assert math.isinf(fault.duration_s)


def test_fault_magnitudes_are_in_si_units_with_defaults_filled_in(read):
    scenario = read(
        "\nfaults:\n",
        "\nfaults:\n"
        "  - {kind: latency, target: {edge: web->stock}, start_s: 9, duration_s: 3, added_ms: 50}\n"
        "  - {kind: crash, target: {component: db}, start_s: 9}\n"
        "  - {kind: crash, target: {component: db}, start_s: 9, restarts_by_itself: false}\n"
        "  - {kind: partition, target: {edge: web -> stock}, start_s: 9, duration_s: 30}\n"
        "  - {kind: bad_deploy, target: {component: web}, start_s: 9, error_share: 1}\n"
        "  - {kind: load_spike, start_s: 9, duration_s: 30, factor: 2.5}\n",
    )
    latency, crash, broken, partition, deploy, spike, _ = scenario.faults
    assert latency.edge == ("web", "stock")
    assert latency.parameters == {"added_s": 0.05, "jitter_s": 0.0}
    assert crash.until == "restart"
    assert crash.parameters == {"restarts_by_itself": 1.0}
    assert broken.parameters == {"restarts_by_itself": 0.0}
    assert partition.parameters == {"stale_s": 30.0}
    assert deploy.until == "roll_back"
    assert deploy.parameters == {"error_share": 1.0, "slow_factor": 1.0}
    assert spike.component is None


def test_a_workload_without_client_gets_people_outside(shop_text, write):
    text = shop_text.replace("client: people, ", "")
    text = text.replace("  people: {kind: client}\n", "")
    text = text.replace("  people -> web: {timeout_ms: 10000}\n", "")
    scenario = load_scenario(write(text))
    assert scenario.workload[0].client == "outside"
    assert scenario.components["outside"].kind == "client"
    assert scenario.edge("outside", "web").timeout_s == 10.0
    assert scenario.edge("outside", "web").calls == 1.0


def test_an_entry_without_slo_gets_the_default_one(shop_text, write):
    text = "".join(line for line in shop_text.splitlines(True) if not line.startswith("slo"))
    assert load_scenario(write(text)).slo["web"].availability == 0.99


def test_todays_settings_are_groups_of_a_policy(read):
    scenario = read(
        "stock -> db: {}",
        "stock -> db: "
        '{retry: {max_attempts: 3, base_s: 0.025, from: "k8s:40"}, timeout: {call_s: 2}}',
    )
    edge = scenario.edge("stock", "db")
    assert edge.today == {"retry": {"max_attempts": 3, "base_s": 0.025}, "timeout": {"call_s": 2}}
    assert edge.origins["retry"] == Origin("k8s", 40, "stated")


def test_shapes_of_load_carry_their_parameters(read):
    scenario = read(
        "rate_rps: {between: [10, 30], from: ranges}",
        "kind: spike, rate_rps: 20, start_s: 60, duration_s: 10, factor: 3",
    )
    (load,) = scenario.workload
    assert load.kind == "spike"
    assert load.parameters == {"start_s": 60.0, "duration_s": 10.0, "factor": 3.0}


def test_midpoint_has_no_ranges(shop):
    middle = shop.midpoint()
    assert list(middle.ranges()) == []
    assert middle.components["web"].service_time_s == 0.005
    assert middle.workload[0].rate_rps == 20.0
    assert middle.edge("web", "stock").calls == 1.0


def test_a_draw_depends_on_the_quantitys_path_alone(shop_text, write):
    def u(path: str) -> float:
        return (sum(path.encode()) % 97) / 97.0

    drawn = load_scenario(write(shop_text)).drawn(u)
    lines = shop_text.splitlines(True)
    stock = next(i for i, line in enumerate(lines) if line.startswith("  stock:"))
    lines[stock], lines[stock + 1] = lines[stock + 1], lines[stock]
    assert load_scenario(write("".join(lines), "moved.yaml")).drawn(u) == drawn
    assert list(drawn.ranges()) == []


def test_a_range_of_one_point_and_its_ends():
    assert Range(2.0, 2.0).at(0.7) == 2.0
    assert Range(1.0, 3.0).at(0.0) == 1.0
    assert Range(1.0, 3.0).midpoint == 2.0
    with pytest.raises(ValueError, match="low <= high"):
        Range(3.0, 1.0)
    with pytest.raises(ValueError, match="finite"):
        Range(0.0, math.inf)
