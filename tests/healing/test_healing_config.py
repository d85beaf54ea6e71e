"""The six fields of the static configuration, and the clock."""

from __future__ import annotations

import pytest

from hms.agents.healing import HealingLevel, ImplementationConfig, UnifiedHealingConfig
from hms.agents.healing.clock import FakeClock, MonotonicClock
from hms.errors import ConfigRefused

SPECIFICATION = {
    "component_id": "my-component",
    "level": "Advanced",
    "auto_healing_enabled": True,
    "circuit_breaker_enabled": True,
    "healing_timeout": 30,
    "implementation_config": {"Hybrid": {}},
}


def test_the_specifications_example_is_read_and_written() -> None:
    config = UnifiedHealingConfig.parse(SPECIFICATION)
    assert config.level is HealingLevel.ADVANCED
    assert config.to_mapping() == {**SPECIFICATION, "implementation_config": "Hybrid"}


def test_the_implementation_follows_from_the_level() -> None:
    config = UnifiedHealingConfig("cart", HealingLevel.FULL)
    assert config.implementation_config == ImplementationConfig("A2A")


@pytest.mark.parametrize("name", ["hybrid", "HYBRID", "Hybrid"])
def test_names_are_read_whatever_their_case(name: str) -> None:
    config = UnifiedHealingConfig.parse(
        {"component_id": "cart", "level": "advanced", "implementation_config": name}
    )
    assert config.implementation_config == ImplementationConfig("Hybrid")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"component_id": ""}, "component_id is empty"),
        ({"component_id": 7}, "component_id is 7"),
        ({"level": "Advancd"}, "nearest: Advanced"),
        ({"level": "Basic"}, "level Basic does not fit implementation Hybrid"),
        ({"auto_healing_enabled": 1}, "auto_healing_enabled is 1"),
        ({"healing_timeout": 0}, "seconds, above 0"),
        ({"healing_timeout": True}, "seconds, above 0"),
        ({"healing_timeout": float("nan")}, "seconds, above 0"),
        ({"implementation_config": "Hybird"}, "nearest: Hybrid"),
        ({"implementation_config": {"Hybrid": 3}}, "no implementation"),
        ({"healing_time_out": 3}, "nearest: healing_timeout"),
    ],
)
def test_what_cannot_work_is_refused_by_name(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigRefused, match=message):
        UnifiedHealingConfig.parse({**SPECIFICATION, **changed})


def test_a_component_needs_a_name() -> None:
    with pytest.raises(ConfigRefused, match="component_id is missing"):
        UnifiedHealingConfig.parse({})


def test_a_fake_clock_moves_by_hand_and_never_back() -> None:
    clock = FakeClock(3.0)
    clock.advance(1.5)
    assert clock.now_s() == 4.5
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1.0)


def test_the_real_clock_never_goes_back() -> None:
    clock = MonotonicClock()
    first_s = clock.now_s()
    assert clock.now_s() >= first_s
