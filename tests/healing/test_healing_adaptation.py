"""Configuration at run time (6.2): all of it or nothing, newer only, for all breakers or one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hms.agents.healing import AdaptiveConfig
from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.configuration.adaptation import read_adaptation
from hms.agents.healing.configuration.adapted_values import Adaptation
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.kinds import ISSUE_NAMES, LADDER_STEPS, RESTART
from hms.agents.policy.parameters import RetryParameters
from hms.agents.policy.policy_values import Problem
from hms.errors import ConfigRefused

Build = Callable[..., StandaloneSelfHealing]
WALL_S = 1_700_000_000.0
SPECIFICATION = {"circuit_breaker": {"failure_threshold": 10, "reset_timeout": 60}}


def apply(
    healing: StandaloneSelfHealing,
    parameters: Mapping[str, Any],
    timestamp: float = WALL_S,
    source: str = "optimization",
) -> None:
    async def run() -> None:
        await healing.initialize()
        await healing.apply_config(AdaptiveConfig(parameters, source, timestamp))

    asyncio.run(run())


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(breaker.admit())


def test_it_holds_for_breakers_made_later_and_each_open_time_is_the_same(
    healing: Build, clock: FakeClock
) -> None:
    each = healing()
    apply(each, SPECIFICATION)
    breaker = each.guard("db").breaker
    fail(breaker, 10)
    for _ in range(3):
        clock.advance(60.0)
        fail(breaker, 1)  # the probe fails: open again, no multiplier, no jitter
        assert breaker.phase == "open"


def test_what_the_same_update_says_itself_goes_before(healing: Build) -> None:
    each = healing()
    told = {"failure_threshold": 10, "failure_rate": 0.3, "reset_timeout": 60, "open_max_s": 90.0}
    apply(each, {"circuit_breaker": told})
    parameters = each.guard("db").breaker.parameters
    assert parameters.consecutive_failures == 10
    assert (parameters.failure_rate, parameters.slow_call_rate) == (0.3, 2.0)
    assert (parameters.open_s, parameters.open_max_s, parameters.open_multiplier) == (60, 90, 1.0)


def test_one_dependency_can_be_reached_alone(healing: Build) -> None:
    each = healing()
    db, cache = each.guard("db").breaker, each.guard("cache").breaker
    apply(each, {"circuit_breaker": {"dependencies": {"db": {"failure_threshold": 2}}}})
    assert (db.parameters.consecutive_failures, cache.parameters.consecutive_failures) == (2, 0)
    apply(each, {"circuit_breaker": {"failure_threshold": 5}}, WALL_S + 1)
    assert (db.parameters.consecutive_failures, cache.parameters.consecutive_failures) == (5, 5)


def test_one_dependency_can_be_reached_in_any_section_about_calls(healing: Build) -> None:
    each = healing()
    db = each.guard("db").breaker
    apply(each, {"breaker": {"open_s": 6.0, "dependencies": {"db": {"open_s": 7.0}}}})
    assert db.parameters.open_s == 7.0
    with pytest.raises(ConfigRefused, match="unknown parameter `dependencies`"):
        apply(each, {"detection": {"dependencies": {"db": {}}}}, WALL_S + 1)
    many = {str(number): {"open_s": 1.0} for number in range(1001)}
    with pytest.raises(ConfigRefused, match="1001 dependencies"):
        apply(each, {"breaker": {"dependencies": many}}, WALL_S + 1)


def test_outcomes_to_retry_are_a_list_as_in_a_policy_file() -> None:
    config = AdaptiveConfig({"retry": {"retry_on": ["error"]}}, "x", WALL_S)
    found = read_adaptation(config, HealingPolicy(), Adaptation())
    retry = found.of_group("retry", RetryParameters())
    assert (retry.retry_on_error, retry.retry_on_timeout) == (True, False)
    bad = AdaptiveConfig({"retry": {"retry_on": ["eror"]}}, "x", WALL_S)
    with pytest.raises(ConfigRefused, match="nearest: `error`"):
        read_adaptation(bad, HealingPolicy(), Adaptation())


def test_a_ladder_can_be_replaced() -> None:
    ladder = [{"act": "restart", "patience_s": 7.0}]
    config = AdaptiveConfig({"recovery": {"errors": ladder}}, "x", WALL_S)
    found = read_adaptation(config, HealingPolicy(), Adaptation())
    held = found.of_component(HealingPolicy(), {"kind": "service"})
    entry = ISSUE_NAMES.index("errors") * LADDER_STEPS
    assert (held.recovery.act[entry], held.recovery.patience_s[entry]) == (float(RESTART), 7.0)
    problems: list[Problem] = []
    assert Adaptation.from_json(found.to_json(), problems) == found
    assert problems == []


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"recovery": {"erors": []}}, "nearest: `errors`"),
        ({"recovery": {"errors": 3}}, "recovery.errors: it is no ladder"),
        ({"recovery": {"errors": [{"act": "reboot"}]}}, "unknown act `reboot`"),
        ({"healing": {"shadow": 1}}, "healing.shadow: 1 is not legal"),
        ({"healing": {"shade": True}}, "unknown parameter `shade`"),
        (7, "7 are no parameters"),
    ],
)
def test_other_sections_have_their_mistakes_too(parameters: Any, message: str) -> None:
    with pytest.raises(ConfigRefused, match=message):
        read_adaptation(AdaptiveConfig(parameters, "x", WALL_S), HealingPolicy(), Adaptation())


def test_the_policys_own_groups_are_sections_too(healing: Build) -> None:
    each = healing()
    apply(each, {"breaker": {"open_s": 7.0}, "detection": {"error_rate": 0.1}})
    assert each.guard("db").breaker.parameters.open_s == 7.0
    assert each.configuration_version == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"circuit_breakr": {}}, "nearest: `circuit_breaker`"),
        ({"circuit_breaker": {"failure_treshold": 3}}, "unknown parameter `failure_treshold`"),
        ({"circuit_breaker": {"failure_threshold": True}}, "failure_threshold: True is not legal"),
        ({"circuit_breaker": {"failure_threshold": 0}}, "at least 1"),
        ({"circuit_breaker": {"failure_threshold": 2.5}}, "not a whole number"),
        ({"circuit_breaker": {"reset_timeout": -1}}, "out of range"),
        ({"circuit_breaker": {"reset_timeout": float("nan")}}, "not a finite number"),
        ({"circuit_breaker": {"open_s": 80.0}}, "open_max_s 60 is below open_s 80"),
        ({"circuit_breaker": {"minimum_calls": 30}}, "never fit in 20"),
        ({"circuit_breaker": {"dependencies": 3}}, "a mapping of parameters for each name"),
        ({"circuit_breaker": {"dependencies": {"db": {"open_s": 0}}}}, "dependencies.db.open_s"),
        ({"circuit_breaker": 10}, "10 is no mapping"),
        ({"retry": {"max_attempts": 99}}, "retry.max_attempts"),
    ],
)
def test_one_mistake_and_nothing_is_applied(
    healing: Build, parameters: dict[str, Any], message: str
) -> None:
    each = healing()
    breaker = each.guard("db").breaker
    before = breaker.parameters
    both = {"retry": {"base_s": 0.5}, **parameters}
    with pytest.raises(ConfigRefused, match=message):
        apply(each, both)
    assert breaker.parameters == before
    assert (each.configuration_version, each.refused_configurations) == (0, 1)


def test_all_mistakes_are_named_at_once(healing: Build) -> None:
    bad = {"circuit_breaker": {"failure_threshold": 0, "open_s": "soon"}, "retries": {}}
    with pytest.raises(ConfigRefused) as refused:
        apply(healing(), bad)
    for name in ("failure_threshold", "open_s", "retries"):
        assert name in str(refused.value)


def test_a_refused_configuration_burns_no_timestamp(healing: Build) -> None:
    each = healing()
    with pytest.raises(ConfigRefused):
        apply(each, {"nonsense": {}}, WALL_S)
    apply(each, SPECIFICATION, WALL_S)
    assert each.configuration_version == 1


@pytest.mark.parametrize("timestamp", [WALL_S + 301.0, float("nan"), True])
def test_a_time_that_cannot_be_is_refused(healing: Build, timestamp: float) -> None:
    with pytest.raises(ConfigRefused, match="timestamp"):
        apply(healing(), SPECIFICATION, timestamp)


def test_the_static_switch_lets_every_call_in(healing: Build) -> None:
    from hms.agents.healing import UnifiedHealingConfig, create_self_healing

    each = create_self_healing(UnifiedHealingConfig("cart", circuit_breaker_enabled=False))
    breaker = each.guard("db").breaker
    fail(breaker, 100)
    assert breaker.metrics().refused == 0
