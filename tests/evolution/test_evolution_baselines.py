"""Each baseline is what docs/export.md says its maker ships; today's are what the scenario says."""

import pytest

from hms.errors import MissingError
from hms.evolution import baselines
from hms.evolution.genome import Space
from hms.scenarios.model import Component, Edge, Scenario

OURS = ("ladder",)


@pytest.mark.parametrize("name", baselines.names())
def test_every_baseline_parses_and_bears_its_name(name: str) -> None:
    found = baselines.load(name)
    assert found.name == found.policy.about["name"] == name
    assert found.policy.problems() == []
    assert found.policy.value("guard.bound") is (name in OURS)


def test_all_stacks_of_the_main_job_are_there_and_differ() -> None:
    assert baselines.names() == (
        "platform",
        "resilience4j",
        "envoy",
        "envoy-small",
        "istio",
        "istio-rule",
        "polly",
        "restart-at-once",
        "restart-backoff",
        "otp",
        "ladder",
    )
    hashes = {baselines.load(name).policy.sha256 for name in baselines.names()}
    assert len(hashes) == len(baselines.names())


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("platform", "breaker.enabled", False),
        ("platform", "retry.max_attempts", 1),
        ("resilience4j", "breaker.failure_rate", 0.5),
        ("resilience4j", "breaker.window_calls", 100),
        ("resilience4j", "breaker.minimum_calls", 100),
        ("resilience4j", "breaker.open_s", 60.0),
        ("resilience4j", "breaker.half_open_calls", 10),
        ("resilience4j", "retry.max_attempts", 3),
        ("resilience4j", "timeout.call_s", 1.0),
        ("resilience4j", "concurrency.limit", 25),
        ("resilience4j", "concurrency.queue_limit", 0),
        ("polly", "breaker.failure_rate", 0.1),
        ("polly", "breaker.window_s", 30.0),
        ("polly", "breaker.open_s", 5.0),
        ("polly", "retry.max_attempts", 4),
        ("polly", "retry.base_s", 2.0),
        ("polly", "timeout.call_s", 30.0),
        ("envoy", "breaker.consecutive_failures", 5),
        ("envoy", "breaker.failure_rate", 2.0),
        ("envoy", "breaker.ejected_share_max", 0.1),
        ("envoy", "breaker.always_eject_one", False),
        ("envoy", "retry.max_attempts", 2),
        ("envoy", "timeout.total_s", 15.0),
        ("envoy-small", "breaker.always_eject_one", True),
        ("envoy-small", "breaker.panic_share", 0.0),
        ("istio", "breaker.enabled", False),
        ("istio", "retry.max_attempts", 3),
        ("istio", "retry.retry_on_timeout", False),
        ("istio", "timeout.call_s", 0.0),
        ("istio-rule", "breaker.always_eject_one", True),
        ("istio-rule", "breaker.consecutive_failures", 5),
        ("otp", "guard.intensity_acts", 3),
        ("otp", "guard.intensity_s", 60.0),
    ],
)
def test_values_are_those_of_the_makers(name: str, path: str, value: object) -> None:
    assert baselines.load(name).policy.value(path) == value


def test_open_times_of_foreign_breakers_do_not_grow_or_jitter() -> None:
    for name in ("resilience4j", "polly"):
        policy = baselines.load(name).policy
        assert policy.value("breaker.open_multiplier") == 1.0
        assert policy.value("breaker.jitter_share") == 0.0
        assert policy.value("breaker.open_max_s") == policy.value("breaker.open_s")


def test_footnotes_say_which_stacks_cannot_eject() -> None:
    noted = {name for name in baselines.names() if baselines.load(name).footnote}
    assert noted == {"envoy", "istio"}


def test_only_restarting_stacks_and_the_ladder_act() -> None:
    acting = {name for name in baselines.names() if baselines.load(name).policy.recovery}
    assert acting == {"restart-at-once", "restart-backoff", "otp", "ladder"}
    for name in ("restart-at-once", "restart-backoff", "otp"):
        steps = [s for ladder in baselines.load(name).policy.recovery.values() for s in ladder]
        assert {step.act for step in steps} == {"restart"}


def test_the_ladder_lies_in_the_search_space(space: Space) -> None:
    ladder = baselines.load("ladder").policy
    assert space.decode(space.encode(ladder)).sha256 == ladder.sha256


def test_an_unknown_baseline_is_named_with_the_nearest() -> None:
    with pytest.raises(MissingError, match="nearest: `envoy"):
        baselines.load("envoi")
    with pytest.raises(MissingError, match="no baseline `today`"):
        baselines.load("today")


def shop(*edges: Edge, **components: Component) -> Scenario:
    named = {"client": Component("client", kind="client")}
    named |= components
    for edge in edges:
        for end in (edge.caller, edge.callee):
            named.setdefault(end, Component(end))
    return Scenario("shop", 300.0, 30.0, {}, (), named, edges)


def edge(caller: str, callee: str, today: dict | None = None, **more: str) -> Edge:
    return Edge(caller, callee, today=today or {}, **more)


def where(edge: Edge, scenario: Scenario) -> dict[str, str]:
    callee = scenario.components[edge.callee]
    return {
        "protocol": edge.protocol,
        "edge": edge.need,
        "kind": callee.kind,
        "criticality": callee.criticality,
        "level": callee.level,
    }


RETRY = {"retry": {"max_attempts": 3, "base_s": 0.025}}


def test_without_settings_today_is_the_platform_alone() -> None:
    scenario = shop(edge("client", "web"), edge("web", "cart"))
    found = baselines.today_policy(scenario)
    assert found.policy.sha256 == baselines.load("platform").policy.sha256
    assert (found.name, found.footnote) == ("today", "")


def test_settings_of_all_edges_become_the_policy() -> None:
    scenario = shop(edge("client", "web", RETRY), edge("web", "cart", RETRY))
    found = baselines.today_policy(scenario)
    assert found.policy.value("retry.max_attempts") == 3
    assert found.policy.value("retry.base_s") == 0.025
    assert found.policy.value("breaker.enabled") is False
    assert found.policy.overrides == () and found.footnote == ""


def test_an_edge_of_a_client_has_no_say() -> None:
    scenario = shop(edge("client", "web"), edge("web", "cart", RETRY))
    found = baselines.today_policy(scenario)
    assert found.policy.value("retry.max_attempts") == 3
    assert found.policy.overrides == () and found.footnote == ""


def test_settings_of_one_protocol_become_an_override() -> None:
    edges = (
        edge("client", "web", protocol="http"),
        edge("web", "cart", RETRY, protocol="grpc"),
        edge("web", "ads", RETRY, protocol="grpc"),
        edge("cart", "redis", protocol="redis"),
        edge("web", "mail", protocol="http"),
    )
    scenario = shop(*edges)
    found = baselines.today_policy(scenario)
    assert found.footnote == ""
    attempts = [found.policy.for_edge(where(each, scenario)).retry.max_attempts for each in edges]
    assert attempts == [1, 3, 3, 1, 1]


def test_settings_of_a_component_reach_it() -> None:
    limited = Component("cart", criticality="high", today={"concurrency": {"limit": 8}})
    scenario = shop(edge("client", "web"), edge("web", "cart"), edge("web", "ads"), cart=limited)
    policy = baselines.today_policy(scenario).policy

    def limit(criticality: str) -> int:
        at = {"kind": "service", "criticality": criticality, "level": "full"}
        return policy.for_component(at).concurrency.limit

    assert (limit("high"), limit("normal")) == (8, 0)


def test_what_a_policy_cannot_express_is_named() -> None:
    other = (edge("web", "ads"), edge("web", "mail"))
    scenario = shop(edge("client", "web"), edge("web", "cart", RETRY), *other)
    found = baselines.today_policy(scenario)
    assert "not those of web -> cart" in found.footnote
    assert found.policy.value("retry.max_attempts") == 1
