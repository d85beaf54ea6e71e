"""Our time-outs, retries and their budget as Envoy routes and retry budgets."""

from __future__ import annotations

import dataclasses

import pytest
from export_rows import exported, route, row, threshold

from hms.experiments.export.envoy_limits import UNLIMITED
from hms.experiments.export.envoy_route import back_off_error, back_off_s

CART, ADS, REDIS = "frontend -> cart", "frontend -> ads", "cart -> redis"
EAGER = {
    "retry.max_attempts": 3,
    "retry.retry_on_error": True,
    "retry.retry_on_cancelled": True,
    "timeout.call_s": 0.9,
}


def test_attempts_count_the_first_call_envoy_does_not(policy, shop):
    files, rows = exported(policy({"retry.max_attempts": 3}), shop)
    assert route(files, "frontend", "cart")["retry_policy"]["num_retries"] == 2
    told = row(rows, "retry.max_attempts", CART)
    assert (told.verdict, told.ours, told.written) == ("exact", "3", "2")


def test_one_attempt_writes_no_retry_policy(policy, shop):
    files, rows = exported(policy({"retry.max_attempts": 1}), shop)
    assert "retry_policy" not in route(files, "frontend", "cart")
    assert row(rows, "retry.base_s", CART).note.startswith("not in use")


def test_grpc_edges_get_grpc_words(policy, shop):
    files, rows = exported(policy(EAGER), shop)
    written = route(files, "frontend", "cart")["retry_policy"]
    assert written["retry_on"].split(",") == [
        "connect-failure",
        "refused-stream",
        "resource-exhausted",
        "unavailable",
        "internal",
        "cancelled",
        "deadline-exceeded",
        "reset",
    ]
    assert "retriable_status_codes" not in written
    assert row(rows, "retry.retry_on_cancelled", CART).verdict == "exact"


def test_http_edges_get_words_and_status_codes(policy, shop):
    files, rows = exported(policy(EAGER), shop)
    written = route(files, "frontend", "ads")["retry_policy"]
    assert written["retry_on"] == "connect-failure,refused-stream,reset,retriable-status-codes"
    assert written["retriable_status_codes"] == [429, 500, 502, 503, 504]
    told = row(rows, "retry.retry_on_cancelled", ADS)
    assert told.verdict == "dropped" and "HTTP" in told.note


def test_late_calls_are_retried_only_with_reset(policy, shop):
    late = {"retry.max_attempts": 2, "retry.retry_on_timeout": True}
    prompt = {"retry.max_attempts": 2, "retry.retry_on_timeout": False}
    for values, there in ((late, True), (prompt, False)):
        files, _ = exported(policy(values), shop)
        words = route(files, "frontend", "ads")["retry_policy"]["retry_on"].split(",")
        assert ("reset" in words) is there


def test_each_attempt_and_the_whole_call_are_cut(policy, shop):
    values = {"retry.max_attempts": 3, "timeout.call_s": 0.9, "timeout.total_s": 2.5}
    written = route(exported(policy(values), shop)[0], "frontend", "cart")
    assert written["retry_policy"]["per_try_timeout"] == "0.9s"
    assert written["timeout"] == "2.5s"


def test_without_a_total_all_attempts_and_waits_have_time(policy, shop):
    values = {"retry.max_attempts": 3, "timeout.call_s": 6.0, "retry.base_s": 0.1,
              "breaker.slow_call_rate": "off"}
    written = route(exported(policy(values), shop)[0], "frontend", "cart")
    assert written["timeout"] == "18.3s"  # 3 x 6 + .1 + .2, more than Envoy's own 15 s


def test_an_attempt_never_outlasts_the_whole_call(policy, shop):
    values = {"retry.max_attempts": 2, "timeout.call_s": 5.0, "timeout.total_s": 1.5}
    files, _ = exported(policy(values), shop)
    assert route(files, "frontend", "cart")["retry_policy"]["per_try_timeout"] == "1.5s"


def test_call_time_of_zero_is_the_scenarios(policy, shop):
    values = {"breaker.slow_call_rate": "off"}
    assert route(exported(policy(values), shop)[0], "frontend", "cart")["timeout"] == "2s"


@pytest.mark.parametrize(
    ("kind", "factor"), [("full", 1.0), ("none", 2.0), ("equal", 1.5)]
)
def test_back_off_keeps_the_mean_wait_of_every_jitter(policy, shop, kind, factor):
    values = {"retry.max_attempts": 3, "retry.jitter_kind": kind, "retry.base_s": 0.08,
              "retry.max_s": 1.0}
    files, rows = exported(policy(values), shop)
    written = route(files, "frontend", "cart")["retry_policy"]["retry_back_off"]
    assert float(written["base_interval"][:-1]) == pytest.approx(0.08 * factor)
    assert float(written["max_interval"][:-1]) == pytest.approx(1.0 * factor)
    verdict = row(rows, "retry.jitter_kind", CART).verdict
    assert verdict == ("exact" if kind == "full" else "approximated")


def test_back_off_of_another_multiplier_tells_its_error(policy, shop):
    values = {"retry.max_attempts": 4, "retry.multiplier": 3.0, "retry.max_s": 20.0}
    _, rows = exported(policy(values), shop)
    told = row(rows, "retry.multiplier", CART)
    assert told.verdict == "approximated"
    assert "56 %" in told.note  # the third wait: base x 4 for base x 9


def test_decorrelated_waits_start_with_their_mean(policy):
    values = {"retry.jitter_kind": "decorrelated", "retry.max_attempts": 3, "retry.max_s": 20.0}
    retry = policy(values).groups["retry"]
    bound_s, cap_s = back_off_s(retry)
    assert bound_s / 2.0 == pytest.approx(2.0 * retry.base_s)  # the mean of base to 3 base
    assert cap_s >= bound_s
    assert back_off_error(retry, bound_s, cap_s) < 0.05


def test_no_wait_becomes_the_shortest_that_envoy_has(policy, shop):
    values = {"retry.max_attempts": 2, "retry.base_s": 0.0}
    files, rows = exported(policy(values), shop)
    written = route(files, "frontend", "cart")["retry_policy"]["retry_back_off"]
    assert written["base_interval"] == "0.001s"
    assert row(rows, "retry.base_s", CART).verdict == "rounded"


def test_token_budget_allows_the_same_load_in_a_total_outage(policy, shop):
    values = {"retry.max_attempts": 3, "retry.budget_ratio": 0.2, "retry.base_s": 0.02}
    files, rows = exported(policy(values), shop)
    written = threshold(files, "frontend", "cart")["retry_budget"]
    share = written["budget_percent"]["value"] / 100.0
    attempt_s = 0.005 + 2 * 0.001 + (0.001 + 2 * 0.001)  # own work, network, its call to redis
    wait_s = (0.01 + 0.02) / 2.0  # full jitter: half of 20 and of 40 ms
    retries = share * attempt_s / (attempt_s + wait_s - share * attempt_s)
    assert retries == pytest.approx(0.2, rel=1e-3)
    assert "worst load 1.20 x, ours 1.20 x" in row(rows, "retry.budget_ratio", CART).note


def test_budget_never_forbids_every_retry_on_a_quiet_edge(policy, shop):
    values = {"retry.max_attempts": 2, "retry.budget_min_rps": 0.0, "retry.budget_max": 10.0}
    files, rows = exported(policy(values), shop)
    assert threshold(files, "frontend", "cart")["retry_budget"]["min_retry_concurrency"] == 1
    assert "one at a time" in row(rows, "retry.budget_min_rps", CART).note


def test_budget_interval_is_never_written(policy, shop):
    files, _ = exported(policy({"retry.max_attempts": 4}), shop)
    assert "budget_interval" not in str(files)  # 20 % would be a load of x 3.75 (trap 6)


def test_share_in_flight_is_exact(policy, shop):
    values = {"retry.max_attempts": 2, "retry.budget_kind": "in_flight",
              "retry.in_flight_share": 0.25, "retry.in_flight_min": 4}
    files, rows = exported(policy(values), shop)
    written = threshold(files, "frontend", "cart")["retry_budget"]
    assert written == {"budget_percent": {"value": 25.0}, "min_retry_concurrency": 4}
    assert row(rows, "retry.in_flight_share", CART).verdict == "exact"


def test_no_budget_lifts_envoys_three_retries(policy, shop):
    values = {"retry.max_attempts": 2, "retry.budget_kind": "none"}
    written = threshold(exported(policy(values), shop)[0], "frontend", "cart")
    assert written["max_retries"] == UNLIMITED and "retry_budget" not in written


def test_limits_left_to_the_scenario_lift_envoys_1024(policy, shop):
    written = threshold(exported(policy(), shop)[0], "frontend", "ads")
    assert {written[k] for k in ("max_connections", "max_requests", "max_pending_requests")} == {
        UNLIMITED
    }


def test_limit_is_shared_out_over_the_callers_proxies(policy, shop):
    files, rows = exported(policy({"concurrency.limit": 48, "concurrency.queue_limit": 20}), shop)
    http = threshold(files, "frontend", "ads")  # one replica, three proxies in front
    assert (http["max_requests"], http["max_connections"], http["max_pending_requests"]) == (
        16,
        16,
        7,
    )
    grpc = threshold(files, "frontend", "cart")  # three replicas, three proxies
    assert (grpc["max_requests"], grpc["max_connections"]) == (48, UNLIMITED)
    assert row(rows, "concurrency.queue_limit", CART).verdict == "dropped"
    assert row(rows, "concurrency.queue_limit", ADS).verdict == "approximated"


def test_empty_queue_still_lets_calls_pass(policy, shop):
    values = {"concurrency.limit": 10, "concurrency.queue_limit": 0}
    written = threshold(exported(policy(values), shop)[0], "frontend", "ads")
    assert written["max_pending_requests"] == 1  # 0 refuses every call


def test_redis_keeps_connecting_and_drops_the_rest(policy, shop):
    files, rows = exported(policy(EAGER), shop)
    (listener,) = files["cart"]["static_resources"]["listeners"]
    config = listener["filter_chains"][0]["filters"][0]["typed_config"]
    assert config["@type"].endswith("tcp_proxy.v3.TcpProxy")
    assert config["max_connect_attempts"] == 3
    for parameter in ("retry.retry_on_error", "retry.base_s", "retry.budget_ratio"):
        told = row(rows, parameter, REDIS)
        assert told.verdict == "dropped" and told.note
    assert row(rows, "retry.retry_on_refused", REDIS).verdict == "exact"


def test_overrides_by_edge_reach_only_their_edges(champion, shop):
    files, _ = exported(champion, shop)
    assert "retry_policy" in route(files, "frontend", "cart")
    assert "retry_policy" not in route(files, "frontend", "ads")  # edge: soft, one attempt


def test_clients_get_no_proxy_and_the_report_says_so(policy, shop):
    from hms.experiments.export import envoy
    from hms.experiments.export.loss import Ledger

    log = Ledger("envoy")
    files = envoy.export(policy(), shop, log)
    assert list(files) == ["frontend", "cart"]
    assert any("people is a client" in note for note in log.notes)


def test_each_callee_has_its_own_port_on_loopback(policy, shop):
    files, _ = exported(policy(), shop)
    found = [each["address"]["socket_address"] for each in
             files["frontend"]["static_resources"]["listeners"]]
    assert found == [
        {"address": "127.0.0.1", "port_value": 15001},
        {"address": "127.0.0.1", "port_value": 15002},
    ]


def test_component_without_address_is_named(policy, shop):
    from hms.errors import ScenarioError

    components = {
        name: dataclasses.replace(c, address="" if name in ("cart", "redis") else c.address)
        for name, c in shop.components.items()
    }
    with pytest.raises(ScenarioError) as refused:
        exported(policy(), dataclasses.replace(shop, components=components))
    assert [problem.path for problem in refused.value.problems] == [
        ("components", "cart"),
        ("components", "redis"),
    ]
    assert "host:port" in str(refused.value)
