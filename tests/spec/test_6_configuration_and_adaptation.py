"""Section 6: static configuration, and adaptation at run time. 6.3: test_3_4_4."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from component_under_test import ERRORS, Component, Does

from hms.agents.healing import (
    AdaptiveConfig,
    HealingLevel,
    ImplementationConfig,
    NoAction,
    UnifiedHealingConfig,
)
from hms.agents.healing.testing import FakeClock
from hms.errors import BreakerOpen, ConfigRefused, HealingFailed

Build = Callable[..., Component]
EXAMPLE: dict[str, Any] = {
    "component_id": "my-component",
    "level": "Advanced",
    "auto_healing_enabled": True,
    "circuit_breaker_enabled": True,
    "healing_timeout": 30,
    "implementation_config": {"Hybrid": {}},
}
TOLD_AT_S = 1_700_000_000.0


def test_6_1_the_six_fields_by_their_names(tmp_path: Path) -> None:
    meant = UnifiedHealingConfig(
        component_id="my-component", level=HealingLevel.ADVANCED, auto_healing_enabled=True,
        circuit_breaker_enabled=True, healing_timeout=30,
        implementation_config=ImplementationConfig("Hybrid"),
    )  # fmt: skip
    file = tmp_path / "healing.yaml"
    file.write_text(json.dumps(EXAMPLE))  # JSON is YAML
    environment = {
        f"HMS_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in EXAMPLE.items()
    }
    assert UnifiedHealingConfig.parse(EXAMPLE) == meant
    assert UnifiedHealingConfig.read(file) == meant
    assert UnifiedHealingConfig.from_environment(environ=environment) == meant


def test_6_1_auto_healing_off_detects_and_never_acts(component: Build) -> None:
    cart = component(fields={"auto_healing_enabled": False})
    cart.healing.register_strategy(Does("reconnect"))
    cart.start().live(10, ERRORS)
    assert cart.status.severity == 2
    assert cart.healing.issue is not None
    assert cart.done == []


def test_6_1_circuit_breaker_off_admits_all(component: Build) -> None:
    guard = component(fields={"circuit_breaker_enabled": False}).healing.guard("db")
    for _ in range(100):
        with pytest.raises(OSError), guard:
            raise OSError("down")


def test_6_1_healing_timeout_cuts_a_heal_off(component: Build) -> None:
    class Hangs(Does):
        async def recover(self, issue: Any) -> Any:
            import asyncio

            await asyncio.Event().wait()

    cart = component(fields={"healing_timeout": 0.05}, policy=None)
    cart.healing.register_strategy(Hangs("hangs"))
    cart.start()
    cart.live(4, ERRORS)
    assert [type(each) for each in cart.failures] in ([], [HealingFailed])
    assert cart.healing.history[0].verdict in ("unknown", "failed")


def test_6_1_a_level_that_does_not_fit_its_implementation_is_refused() -> None:
    with pytest.raises(ConfigRefused, match="Standalone"):
        UnifiedHealingConfig.parse({**EXAMPLE, "level": "Basic"})


def adaptive(seconds: float = 0.0, source: str = "optimization", **told: Any) -> AdaptiveConfig:
    return AdaptiveConfig(told, source, TOLD_AT_S + seconds)


def fail_once(cart: Component) -> None:
    with pytest.raises((OSError, BreakerOpen)), cart.healing.guard("db"):
        raise OSError("down")


def test_6_2_the_specifications_example_opens_at_ten_and_probes_after_sixty_seconds(
    component: Build, clock: FakeClock
) -> None:
    parameters = {"circuit_breaker": {"failure_threshold": 10, "reset_timeout": 60}}
    cart = component().start()
    guard = cart.healing.guard("db")  # it lives already
    cart.run(
        cart.healing.apply_config(
            AdaptiveConfig(parameters=parameters, source="optimization", timestamp=TOLD_AT_S)
        )
    )
    for _ in range(9):
        fail_once(cart)
    assert guard.breaker.phase == "closed"
    fail_once(cart)
    assert guard.breaker.phase == "open"
    clock.advance(59.9)
    with pytest.raises(BreakerOpen):
        guard.call(lambda: "row")
    clock.advance(0.1)
    assert guard.call(lambda: "row") == "row"


def test_6_2_all_or_nothing(component: Build) -> None:
    cart = component().start()
    with pytest.raises(ConfigRefused, match="retry_limit"):
        cart.run(cart.healing.apply_config(adaptive(breaker={"open_s": 9.0}, retry_limit={})))
    assert cart.healing.configuration_version == 0
    assert cart.healing.dependencies.guard("db").breaker.parameters.open_s == 5.0


def test_6_2_versions_rollback_and_an_audit_trail(component: Build) -> None:
    cart = component().start()
    cart.run(cart.healing.apply_config(adaptive(1.0, breaker={"open_s": 9.0})))
    cart.run(cart.healing.door("local").rollback(0))
    assert cart.healing.configuration_version == 2
    assert cart.healing.guard("db").breaker.parameters.open_s == 5.0
    assert [row.outcome for row in cart.healing.configuration.audit] == ["applied", "rolled back"]


def test_6_2_older_or_replayed_is_refused(component: Build) -> None:
    cart = component().start()
    cart.run(cart.healing.apply_config(adaptive(5.0, breaker={"open_s": 9.0})))
    for seconds in (5.0, 4.0):
        with pytest.raises(ConfigRefused):
            cart.run(cart.healing.apply_config(adaptive(seconds, breaker={"open_s": 7.0})))


def test_6_2_an_operators_word_goes_before_a_supervisors_and_that_before_local_ones(
    component: Build,
) -> None:
    cart = component().start()
    for door, open_s in (("operator", 20.0), ("supervisor", 30.0), ("local", 40.0)):
        told = adaptive(breaker={"open_s": open_s})
        cart.run(cart.healing.door(door).apply_config(told))
    assert cart.healing.guard("db").breaker.parameters.open_s == 20.0


def test_6_2_shadow_mode_decides_and_does_not_act(component: Build) -> None:
    cart = component(shadow=True)
    strategy = Does("reconnect")
    cart.healing.register_strategy(strategy)
    cart.start().live(5, ERRORS)
    assert cart.verdicts == [("reconnect", "decided")]
    assert strategy.asked == []
    cart.run(cart.healing.apply_config(adaptive(healing={"shadow": False})))
    cart.live(2, ERRORS)
    assert len(strategy.asked) == 1


def test_6_2_a_kill_switch_is_read_before_each_act(component: Build, tmp_path: Path) -> None:
    switch = tmp_path / "observe"
    switch.touch()
    cart = component(kill_switch=switch)
    strategy = Does("reconnect")
    cart.healing.register_strategy(strategy)
    cart.start().live(5, ERRORS)
    assert cart.run(cart.healing.heal()) == NoAction()
    assert strategy.asked == []
    switch.unlink()
    cart.live(2, ERRORS)
    assert len(strategy.asked) == 1
