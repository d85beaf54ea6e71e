"""Configuration at run time (6.2): all of it or nothing, newer only, for all breakers or one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hms.agents.healing import AdaptiveConfig
from hms.agents.healing.breaker import Breaker
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.errors import BreakerOpen, ConfigRefused

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


def test_s8_the_specifications_example_holds_for_a_live_breaker(
    healing: Build, clock: FakeClock
) -> None:
    each = healing()
    breaker = each.guard("db").breaker
    apply(each, SPECIFICATION)
    fail(breaker, 9)
    assert breaker.phase == "closed"
    fail(breaker, 1)
    assert breaker.phase == "open"
    clock.advance(59.999)
    with pytest.raises(BreakerOpen):
        breaker.admit()
    clock.advance(0.001)
    assert breaker.admit().probe


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


def test_the_policys_own_groups_are_sections_too(healing: Build) -> None:
    each = healing()
    apply(each, {"breaker": {"open_s": 7.0}, "detection": {"error_rate": 0.1}})
    assert each.guard("db").breaker.parameters.open_s == 7.0
    assert each.configuration_version == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"circuit_breakr": {}}, "nearest: circuit_breaker"),
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
def test_s9_one_mistake_and_nothing_is_applied(
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


def test_s10_an_older_or_repeated_configuration_of_one_source_is_refused(healing: Build) -> None:
    each = healing()
    apply(each, SPECIFICATION, WALL_S)
    for timestamp in (WALL_S, WALL_S - 1.0):
        with pytest.raises(ConfigRefused, match="older than, or a repetition"):
            apply(each, SPECIFICATION, timestamp)
    apply(each, SPECIFICATION, WALL_S - 1.0, source="operator")
    assert each.configuration_version == 2


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
