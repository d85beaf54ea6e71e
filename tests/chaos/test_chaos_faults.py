"""What each kind of chaos becomes."""

import pytest
from chaos_shop import said

from hms.errors import ManifestError

ALL_CART = "mode: all\nselector: {labelSelectors: {app: cart}}\n"
ONE_CART = "mode: one\nselector: {labelSelectors: {app: cart}}\n"


def test_a_killed_pod_is_restarted_by_the_platform(strike):
    struck = strike("PodChaos", "action: pod-kill\n" + ONE_CART)
    assert said(struck.scenario.faults) == [("crash", "cart", 1, 60.0, float("inf"))]
    assert struck.scenario.faults[0].parameters["restarts_by_itself"] == 1.0
    assert struck.lost == ()


def test_a_failed_pod_is_down_until_the_experiment_ends(strike):
    struck = strike("PodChaos", "action: pod-failure\nduration: 30s\n" + ALL_CART)
    assert said(struck.scenario.faults) == [("crash", "cart", 0, 60.0, 30.0)]
    assert struck.scenario.faults[0].parameters["restarts_by_itself"] == 0.0


def test_a_grace_period_and_containers_are_told_as_lost(strike):
    spec = "action: container-kill\ncontainerNames: [app]\ngracePeriod: 30\n" + ONE_CART
    rows = {row.field: row for row in strike("PodChaos", spec).lost}
    assert rows["gracePeriod"].done == "no grace period"
    assert rows["containerNames"].value == "app"
    assert rows["gracePeriod"].line == 7


def test_stress_takes_the_share_of_cpu_that_fair_scheduling_leaves_it(strike):
    # half a core, one worker at 20 %: 1 - 0.2 / 0.5 = 0.6 is left
    (fault,) = strike(
        "StressChaos", "stressors: {cpu: {workers: 1, load: 20}}\nduration: 30s\n" + ALL_CART
    ).scenario.faults
    assert (fault.kind, fault.parameters["share"]) == ("cpu_starvation", pytest.approx(0.4))
    # three greedy workers: one thread of four
    (fault,) = strike(
        "StressChaos", "stressors: {cpu: {workers: 3, load: 100}}\nduration: 30s\n" + ALL_CART
    ).scenario.faults
    assert fault.parameters["share"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("size", "kind"), [("80MB", "crash"), ("100%", "crash"), ("51.2MB", "slow")]
)
def test_memory_beside_the_components_own_slows_it_or_has_it_killed(strike, size, kind):
    spec = f"stressors: {{memory: {{workers: 1, size: {size}}}}}\nduration: 30s\n" + ALL_CART
    (fault,) = strike("StressChaos", spec).scenario.faults
    assert fault.kind == kind
    if kind == "slow":  # (64 + 51.2) / 128 = 0.9: half way from 0.8 to 1, squared, times 4
        assert fault.parameters["factor"] == pytest.approx(2.0)


def test_memory_that_is_no_pressure_has_no_effect_and_says_so(strike):
    spec = "stressors: {memory: {workers: 1, size: 10MB}}\nduration: 30s\n" + ALL_CART
    with pytest.raises(ManifestError, match="nothing in it has an effect"):
        strike("StressChaos", spec)


def test_a_delay_strikes_answers_to_callers_and_requests_to_callees(strike):
    spec = "action: delay\ndelay: {latency: 90ms}\nduration: 10s\n" + ALL_CART
    faults = strike("NetworkChaos", spec).scenario.faults
    assert said(faults) == [
        ("latency", "web -> cart", 0, 60.0, 10.0),
        ("latency", "cart -> cart-db", 0, 60.0, 10.0),
    ]
    assert {f.parameters["added_s"] for f in faults} == {0.09}


def test_a_delay_of_some_replicas_keeps_mean_and_spread_over_all_calls(strike):
    spec = "action: delay\ndelay: {latency: 80ms}\nduration: 10s\n" + ONE_CART
    struck = strike("NetworkChaos", spec)
    fault = struck.scenario.faults[0]
    assert fault.parameters["added_s"] == pytest.approx(0.02)  # a quarter of the replicas
    assert fault.parameters["jitter_s"] == pytest.approx(0.08 * (0.25 * 0.75) ** 0.5)
    assert any(row.field == "mode" for row in struck.lost)


def test_a_target_narrows_the_delay_to_one_edge_and_both_doubles_it(strike):
    spec = (
        "action: delay\ndelay: {latency: 90ms, jitter: 30ms}\nduration: 10s\ndirection: both\n"
        + ALL_CART
        + "target: {mode: all, selector: {labelSelectors: {app: cart-db}}}\n"
    )
    (fault,) = strike("NetworkChaos", spec).scenario.faults
    assert fault.edge == ("cart", "cart-db")
    assert fault.parameters["added_s"] == pytest.approx(0.18)
    assert fault.parameters["jitter_s"] == pytest.approx(0.03 * (2 / 3) ** 0.5)


def test_a_lost_packet_is_sent_again_and_only_late_unless_the_time_out_is_shorter(strike):
    spec = (
        'action: loss\nloss: {loss: "50"}\nduration: 10s\n' + ALL_CART
        + "target: {mode: all, selector: {labelSelectors: {app: cart-db}}}\n"
    )  # fmt: skip
    loss, latency = strike("NetworkChaos", spec).scenario.faults
    # within 1 s: sent at 0, 0.2 and 0.6 s; the next would be at 1.4 s
    assert loss.parameters["share"] == pytest.approx(0.5**3)
    assert latency.parameters["added_s"] == pytest.approx(0.25 * 0.2 + 0.125 * 0.6)


def test_all_packets_lost_are_all_calls_lost(strike):
    spec = 'action: loss\nloss: {loss: "100"}\nduration: 10s\n' + ALL_CART
    faults = strike("NetworkChaos", spec).scenario.faults
    assert {(f.kind, f.parameters["share"]) for f in faults} == {("loss", 1.0)}


def test_a_partition_cuts_the_edges_between_two_components(strike):
    spec = (
        "action: partition\ndirection: both\nduration: 20s\n" + ALL_CART
        + "target: {mode: all, selector: {labelSelectors: {app: web}}}\n"
    )  # fmt: skip
    struck = strike("NetworkChaos", spec)
    assert said(struck.scenario.faults) == [("partition", "web -> cart", 0, 60.0, 20.0)]
    assert struck.lost == ()


def test_a_partition_of_one_replica_loses_its_share_of_calls(strike):
    struck = strike("NetworkChaos", "action: partition\nduration: 20s\n" + ONE_CART)
    assert {(f.kind, f.parameters["share"]) for f in struck.scenario.faults} == {("loss", 0.25)}


def test_components_that_do_not_call_each_other_cannot_be_parted(strike):
    spec = (
        "action: partition\nduration: 20s\nmode: all\nselector: {labelSelectors: {app: web}}\n"
        "target: {mode: all, selector: {labelSelectors: {app: cart-db}}}\n"
    )
    with pytest.raises(ManifestError, match="no call goes between web and cart-db"):
        strike("NetworkChaos", spec)


def test_two_struck_ends_of_an_edge_add_their_delays(strike):
    spec = (
        "action: delay\ndelay: {latency: 90ms}\nduration: 10s\nmode: all\n"
        "selector: {expressionSelectors: [{key: app, operator: In, values: [cart, cart-db]}]}\n"
    )
    added = {f.edge: f.parameters["added_s"] for f in strike("NetworkChaos", spec).scenario.faults}
    assert added == {("web", "cart"): 0.09, ("cart", "cart-db"): pytest.approx(0.18)}


def test_a_link_that_is_too_slow_for_the_load_loses_what_is_too_much(strike):
    # 40 answers and 40 requests a second of 2048 bytes leave 4 replicas
    spec = "action: bandwidth\nbandwidth: {rate: 10kbps}\nduration: 10s\n" + ALL_CART
    faults = strike("NetworkChaos", spec).scenario.faults
    used = 2 * 40 * 2048 / (4 * 10_000)
    assert {f.kind for f in faults} == {"loss"}
    assert faults[0].parameters["share"] == pytest.approx(1 - 1 / used)
    spec = "action: bandwidth\nbandwidth: {rate: 1mbps}\nduration: 10s\n" + ALL_CART
    assert {f.kind for f in strike("NetworkChaos", spec).scenario.faults} == {"latency"}


def test_http_aborts_and_error_codes_are_errors_and_delays_are_on_the_edges(strike):
    web = "port: 80\npath: '*'\nduration: 10s\n" + ONE_CART
    struck = strike("HTTPChaos", "target: Request\nabort: true\n" + web)
    assert said(struck.scenario.faults) == [("error", "cart", 1, 60.0, 10.0)]
    struck = strike("HTTPChaos", "target: Response\nreplace: {code: 503}\n" + web)
    assert said(struck.scenario.faults) == [("error", "cart", 1, 60.0, 10.0)]
    struck = strike("HTTPChaos", "target: Request\ndelay: 400ms\n" + web)
    assert struck.scenario.faults[0].edge == ("web", "cart")
    assert struck.scenario.faults[0].parameters["added_s"] == pytest.approx(0.1)


def test_a_rewritten_body_is_told_as_without_effect(strike):
    spec = "target: Response\nport: 80\npatch: {body: {type: JSON, value: x}}\n" + ALL_CART
    with pytest.raises(ManifestError, match="the content of messages is not modelled"):
        strike("HTTPChaos", spec)


def test_lookups_fail_on_the_edges_whose_callee_fits_the_pattern(strike):
    spec = "action: error\npatterns: ['cart-*']\nduration: 10s\n" + ALL_CART
    (fault,) = strike("DNSChaos", spec).scenario.faults
    assert (fault.kind, fault.edge) == ("dns", ("cart", "cart-db"))


def test_a_clock_is_set_back(strike):
    (fault,) = strike("TimeChaos", "timeOffset: -10m\nduration: 10s\n" + ALL_CART).scenario.faults
    assert (fault.kind, fault.parameters["offset_s"]) == ("clock_skew", -600.0)


def test_an_experiment_without_an_end_is_deleted_after_a_minute(strike):
    struck = strike("NetworkChaos", "action: delay\ndelay: {latency: 90ms}\n" + ALL_CART)
    assert {f.duration_s for f in struck.scenario.faults} == {60.0}
    assert [row.done for row in struck.lost] == ["taken as deleted after 60 s"]


def test_the_horizon_shows_the_end_of_the_last_fault_and_what_follows(strike):
    spec = "action: delay\ndelay: {latency: 90ms}\nduration: 10m\n" + ALL_CART
    assert strike("NetworkChaos", spec).scenario.horizon_s == 60 + 600 + 120


@pytest.mark.parametrize("kind", ["IOChaos", "KernelChaos", "JVMChaos"])
def test_a_kind_that_no_scenario_has_is_told_and_nothing_else_happens(strike, kind):
    with pytest.raises(ManifestError, match=f"no fault like {kind}"):
        strike(kind, "mode: all\nanything: at all")
