"""Our breaker as Envoy outlier detection (docs/export.md, section 2 "Breaker", section 3)."""

from __future__ import annotations

import pytest
from export_rows import cluster, exported, row

CART, ADS = "frontend -> cart", "frontend -> ads"


def outlier(policy, shop, callee="cart"):
    files, rows = exported(policy, shop)
    return cluster(files, "frontend", callee).get("outlier_detection"), rows


def test_failure_rate_becomes_whole_percent_of_each_replica(policy, shop):
    block, rows = outlier(policy({"breaker.failure_rate": 0.183}), shop)
    assert block["failure_percentage_threshold"] == 18
    assert block["enforcing_failure_percentage"] == 100
    assert block["failure_percentage_minimum_hosts"] == 1
    assert block["enforcing_success_rate"] == 0
    told = row(rows, "breaker.failure_rate", CART, "failure_percentage_threshold")
    assert (told.verdict, told.ours, told.written) == ("approximated", "0.183", "18")
    assert "off by 0.3 points" in told.note


def test_failure_rate_below_half_a_percent_is_never_written_as_zero(policy, shop):
    block, _ = outlier(policy({"breaker.failure_rate": 0.001}), shop)
    assert block["failure_percentage_threshold"] == 1  # 0 would eject healthy hosts


def test_minimum_calls_are_shared_out_over_replicas(policy, shop):
    values = {"breaker.minimum_calls": 16}
    assert outlier(policy(values), shop)[0]["failure_percentage_request_volume"] == 6
    assert outlier(policy(values), shop, "ads")[0]["failure_percentage_request_volume"] == 16


def test_consecutive_failures_are_shared_out_over_replicas(policy, shop):
    values = {"breaker.consecutive_failures": 7}
    block, rows = outlier(policy(values), shop)
    assert block["consecutive_5xx"] == 3  # ceil(7 / 3)
    assert row(rows, "breaker.consecutive_failures", CART).verdict == "approximated"
    block, rows = outlier(policy(values), shop, "ads")
    assert block["consecutive_5xx"] == 7
    assert row(rows, "breaker.consecutive_failures", ADS).verdict == "exact"


@pytest.mark.parametrize(
    ("minimum", "replica_row"),
    [(20, 7), (3, 3)],  # ceil(20 / 3); max(2, 1) is raised to 3: 0.01^2 is not below 1e-4
)
def test_rate_has_a_fast_path_that_normal_errors_do_not_take(policy, shop, minimum, replica_row):
    block, rows = outlier(policy({"breaker.minimum_calls": minimum}), shop)
    assert block["consecutive_5xx"] == replica_row
    assert row(rows, "breaker.failure_rate", CART, "consecutive_5xx").verdict == "approximated"


def test_time_window_is_the_interval(policy, shop):
    block, _ = outlier(policy({"breaker.window_kind": "time", "breaker.window_s": 12.5}), shop)
    assert block["interval"] == "12.5s"


def test_count_window_becomes_the_time_those_calls_take(policy, shop):
    block, rows = outlier(policy({"breaker.window_calls": 100}), shop)
    assert block["interval"] == "1.25s"  # 100 calls at 80 a second, the middle of 40 to 120
    told = row(rows, "breaker.window_calls", CART)
    assert told.verdict == "approximated" and "80 a second" in told.note


def test_open_time_less_jitter_is_the_ejection_time(policy, shop):
    values = {"breaker.open_s": 4.0, "breaker.open_max_s": 40.0, "breaker.jitter_share": 0.1}
    block, rows = outlier(policy(values), shop)
    assert block["base_ejection_time"] == "3.6s"
    assert block["max_ejection_time_jitter"] == "0.4s"  # ours lies in (3.6, 4], so does Envoy's
    assert block["max_ejection_time"] == "39.6s"
    assert "next sweep" in row(rows, "breaker.open_s", CART).note


def test_constant_open_time_is_capped_at_its_first(policy, shop):
    values = {"breaker.open_multiplier": 1.0, "breaker.open_s": 5.0, "breaker.jitter_share": 0.0}
    block, rows = outlier(policy(values), shop)
    assert block["base_ejection_time"] == block["max_ejection_time"] == "5s"
    assert row(rows, "breaker.open_multiplier", CART).verdict == "exact"


def test_geometric_growth_tells_its_error(policy, shop):
    values = {"breaker.open_multiplier": 2.0, "breaker.open_s": 1.0, "breaker.open_max_s": 32.0}
    _, rows = outlier(policy(values), shop)
    told = row(rows, "breaker.open_multiplier", CART)
    assert told.verdict == "approximated"
    assert "81.2 %" in told.note  # the 6th: 32 s of ours, 6 s of Envoy's


def test_an_edge_is_open_only_if_all_replicas_may_be_out(policy, shop):
    files, rows = exported(policy(), shop)
    written = cluster(files, "frontend", "cart")
    assert written["outlier_detection"]["max_ejection_percent"] == 100
    assert written["outlier_detection"]["always_eject_one_host"] is True
    assert written["common_lb_config"] == {
        "healthy_panic_threshold": {"value": 0.0},  # else all are used again (trap 2)
        "update_merge_window": "0s",  # else an ejection is up to 1 s late (trap 3)
    }
    assert row(rows, "breaker.scope", CART).verdict == "approximated"
    assert row(rows, "breaker.scope", ADS).verdict == "exact"  # one replica is the edge


def test_slow_calls_are_cut_and_count_as_failures(policy, shop):
    _, rows = outlier(policy({"breaker.slow_call_s": 0.4, "timeout.call_s": 1.0}), shop)
    told = row(rows, "breaker.slow_call_s", CART)
    assert (told.verdict, told.written) == ("approximated", "0.4s")
    assert row(rows, "timeout.call_s", CART).verdict == "approximated"
    _, rows = outlier(policy({"breaker.slow_call_rate": "off", "timeout.call_s": 1.0}), shop)
    assert row(rows, "breaker.slow_call_s", CART).note.startswith("not in use")
    assert row(rows, "timeout.call_s", CART).verdict == "exact"


def test_half_open_is_dropped_with_a_reason(policy, shop):
    _, rows = outlier(policy(), shop)
    told = row(rows, "breaker.half_open_calls", CART)
    assert told.verdict == "dropped" and "all traffic" in told.note


REPLICA = {
    "breaker.scope": "replica",
    "breaker.consecutive_failures": 5,
    "breaker.open_growth": "linear",
    "breaker.jitter_share": 0.0,
    "breaker.open_s": 30.0,
    "breaker.open_max_s": 300.0,
}


def test_replica_scope_is_envoys_own_and_exact(policy, shop):
    values = {**REPLICA, "breaker.failure_rate": 0.85, "breaker.minimum_calls": 10}
    block, rows = outlier(policy(values), shop)
    assert block["consecutive_5xx"] == 5
    assert block["failure_percentage_threshold"] == 85
    assert block["failure_percentage_request_volume"] == 10
    assert block["interval"] == "10s"  # sweep_s
    assert (block["base_ejection_time"], block["max_ejection_time"]) == ("30s", "300s")
    of_breaker = [each for each in rows if each.parameter.startswith("breaker.")]
    assert {each.verdict for each in of_breaker if CART in each.where} == {"exact"}


def test_replica_scope_without_a_rate_has_no_fast_path(policy, shop):
    block, _ = outlier(policy({**REPLICA, "breaker.failure_rate": "off"}), shop)
    assert block["enforcing_failure_percentage"] == 0
    assert "failure_percentage_threshold" not in block


@pytest.mark.parametrize(("share", "percent"), [(0.1, 10), (0.335, 34), (0.667, 67), (1.0, 100)])
def test_ejected_share_keeps_how_many_of_three_may_go(policy, shop, share, percent):
    block, _ = outlier(policy({**REPLICA, "breaker.ejected_share_max": share}), shop)
    assert block["max_ejection_percent"] == percent
    may_go = [n for n in (1, 2, 3) if 100.0 * n / 3 <= percent]
    assert may_go == [n for n in (1, 2, 3) if n <= 3 * share + 1e-9]


def test_replica_scope_keeps_its_panic_share(policy, shop):
    files, _ = exported(policy({**REPLICA, "breaker.panic_share": 0.4}), shop)
    panic = cluster(files, "frontend", "cart")["common_lb_config"]["healthy_panic_threshold"]
    assert panic == {"value": pytest.approx(40.0)}


@pytest.mark.parametrize(
    "values",
    [
        {"breaker.enabled": False},
        {"breaker.failure_rate": "off", "breaker.slow_call_rate": "off"},
    ],
)
def test_no_breaker_is_no_outlier_detection(policy, shop, values):
    block, rows = outlier(policy(values), shop)
    assert block is None
    of_breaker = [e for e in rows if e.parameter.startswith("breaker.") and CART in e.where]
    assert {each.verdict for each in of_breaker} == {"exact"}


def test_on_a_tcp_edge_the_breaker_counts_connections(policy, shop):
    _, rows = exported(policy({"breaker.consecutive_failures": 5}), shop)
    place = "cart -> redis"
    assert "connections" in row(rows, "breaker.consecutive_failures", place).note
    assert row(rows, "breaker.slow_call_s", place).verdict == "dropped"
