"""The six fields of the static configuration, and the clock."""

from __future__ import annotations

from pathlib import Path

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
        ({"level": "Advancd"}, "nearest: `Advanced`"),
        ({"level": "Basic"}, "level Basic does not fit implementation Hybrid"),
        ({"auto_healing_enabled": 1}, "auto_healing_enabled is 1"),
        ({"healing_timeout": 0}, "seconds, above 0"),
        ({"healing_timeout": True}, "seconds, above 0"),
        ({"healing_timeout": float("nan")}, "seconds, above 0"),
        ({"implementation_config": "Hybird"}, "nearest: `Hybrid`"),
        ({"implementation_config": {"Hybrid": 3}}, "no implementation"),
        ({"healing_time_out": 3}, "nearest: `healing_timeout`"),
    ],
)
def test_what_cannot_work_is_refused_by_name(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigRefused, match=message):
        UnifiedHealingConfig.parse({**SPECIFICATION, **changed})


def test_names_do_in_code_too() -> None:
    config = UnifiedHealingConfig("cart", "full", implementation_config="a2a")  # type: ignore[arg-type]
    assert (config.level, config.implementation_config) == (
        HealingLevel.FULL, ImplementationConfig("A2A"),
    )  # fmt: skip
    with pytest.raises(ConfigRefused, match="auto_healing_enabled is 'no'"):
        UnifiedHealingConfig("cart", auto_healing_enabled="no")  # type: ignore[arg-type]


FILE = """\
component_id: my-component
level: advanced
auto_healing_enabled: true
circuit_breaker_enabled: false
healing_timeout: 12.5
implementation_config: {Hybrid: {budget: 3}}
"""
WRONG_FILE = """\
component_id: ""
levl: Full
healing_timeout: soon
level: Bassic
"""


def test_a_file_holds_the_six_fields(tmp_path: Path) -> None:
    path = tmp_path / "healing.yaml"
    path.write_text(FILE)
    for config in (UnifiedHealingConfig.read(path), UnifiedHealingConfig.read(FILE)):
        assert config == UnifiedHealingConfig(
            "my-component", HealingLevel.ADVANCED, True, False, 12.5,
            ImplementationConfig("Hybrid", {"budget": 3}),
        )


def test_all_mistakes_of_a_file_are_told_with_their_lines() -> None:
    with pytest.raises(ConfigRefused) as refused:
        UnifiedHealingConfig.read(WRONG_FILE, file="healing.yaml")
    assert refused.value.exit_code == 2
    assert str(refused.value).splitlines() == [
        "healing.yaml:1: component_id is empty",
        "    expected: a component's name",
        "healing.yaml:2: unknown field `levl`",
        "    expected: component_id, level, auto_healing_enabled, circuit_breaker_enabled, "
        "healing_timeout, implementation_config",
        "    nearest: `level`",
        "healing.yaml:3: healing_timeout is 'soon'",
        "    expected: seconds, above 0",
        "healing.yaml:4: level: `Bassic` is no healing level",
        "    expected: Basic, Advanced, Full",
        "    nearest: `Basic`",
    ]


@pytest.mark.parametrize("text", ["- 1\n- 2\n", "3\n\n", "\n\n"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(ConfigRefused, match="is no configuration"):
        UnifiedHealingConfig.read(text)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match="no such file"):
        UnifiedHealingConfig.read(tmp_path / "healing.yaml")


ENVIRONMENT = {
    "HMS_COMPONENT_ID": "007",
    "HMS_LEVEL": "ADVANCED",
    "HMS_AUTO_HEALING_ENABLED": "no",
    "HMS_CIRCUIT_BREAKER_ENABLED": "1",
    "HMS_HEALING_TIMEOUT": "12.5",
    "HMS_IMPLEMENTATION_CONFIG": '{"Hybrid": {"budget": 3}}',
    "HMS_STATE_DIR": "/srv",
    "HMS_HYPOTHESIS": "suite",
    "PATH": "/bin",
}


def test_the_environment_holds_the_six_fields() -> None:
    config = UnifiedHealingConfig.from_environment(ENVIRONMENT)
    assert config == UnifiedHealingConfig(
        "007", HealingLevel.ADVANCED, False, True, 12.5,
        ImplementationConfig("Hybrid", {"budget": 3}),
    )
    plain = {**ENVIRONMENT, "HMS_IMPLEMENTATION_CONFIG": "hybrid"}
    own = UnifiedHealingConfig.from_environment(plain).implementation_config
    assert own == ImplementationConfig("Hybrid")


def test_code_goes_before_the_environment() -> None:
    config = UnifiedHealingConfig.from_environment(
        {"HMS_COMPONENT_ID": "a", "HMS_LEVEL": "nonsense"}, level="Full"
    )
    assert (config.component_id, config.level) == ("a", HealingLevel.FULL)


def test_mistakes_in_the_environment_name_the_variable() -> None:
    environment = {
        "HMS_LEVL": "Full", "HMS_HEALING_TIMEOUT": "soon", "HMS_AUTO_HEALING_ENABLED": "",
    }  # fmt: skip
    with pytest.raises(ConfigRefused) as refused:
        UnifiedHealingConfig.from_environment(environment)
    assert str(refused.value).splitlines() == [
        "environment: HMS_LEVL is no setting",
        "    nearest: `HMS_LEVEL`",
        "environment: HMS_COMPONENT_ID is missing",
        "    expected: a component's name",
        "environment: HMS_AUTO_HEALING_ENABLED is ''",
        "    expected: true or false",
        "environment: HMS_HEALING_TIMEOUT is 'soon'",
        "    expected: seconds, above 0",
    ]


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
