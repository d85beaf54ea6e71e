"""Section 3.1: every implementation has the five methods, and they do what their names say.

What holds for all three beyond this is one contract: tests/healing/test_healing_contract.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from component_under_test import ERRORS, LEVELS, Component, Does

from hms.agents.healing import AdaptiveConfig, HealthMetrics, Healthy, NoAction, SelfHealing
from hms.errors import NotInitialized

Build = Callable[..., Component]
METHODS = ("initialize", "check_health", "heal", "health_metrics", "apply_config")
each_level = pytest.mark.parametrize("level", LEVELS)


@each_level
def test_it_has_the_five_methods_all_asynchronous(component: Build, level: str) -> None:
    healing = component(level).healing
    assert isinstance(healing, SelfHealing)
    assert all(inspect.iscoroutinefunction(getattr(healing, name)) for name in METHODS)


@each_level
def test_initialize_makes_it_ready_and_may_be_called_again(component: Build, level: str) -> None:
    cart = component(level)
    config = AdaptiveConfig({}, "test", 0.0)
    asked: list[Callable[[], Any]] = [
        cart.healing.check_health, cart.healing.heal, cart.healing.health_metrics,
        lambda: cart.healing.apply_config(config),
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(NotInitialized):
            cart.run(ask())
    cart.start().start()
    assert cart.status == Healthy()


@each_level
def test_check_health_says_one_of_the_states_and_changes_nothing(
    component: Build, level: str
) -> None:
    cart = component(level).start()
    cart.live(4, ERRORS)
    before = cart.healing.history
    assert cart.status == cart.status
    assert cart.healing.history == before


@each_level
def test_heal_says_which_action_was_taken(component: Build, level: str) -> None:
    cart = component(level)
    cart.healing.register_strategy(Does("reconnect"))
    cart.start()
    assert cart.run(cart.healing.heal()) == NoAction()
    cart.live(5, ERRORS)
    assert cart.healing.action_counts["Custom"] >= 1


@each_level
def test_health_metrics_are_the_latest_report(component: Build, level: str) -> None:
    cart = component(level).start()
    assert cart.run(cart.healing.health_metrics()) == HealthMetrics()
    cart.live(1, ERRORS)
    assert cart.run(cart.healing.health_metrics()) == ERRORS


@each_level
def test_apply_config_changes_behaviour_at_run_time(component: Build, level: str) -> None:
    cart = component(level).start()
    change = AdaptiveConfig({"circuit_breaker": {"failure_threshold": 2}}, "test", 1.7e9)
    cart.run(cart.healing.apply_config(change))
    guard = cart.healing.guard("db")
    for _ in range(2):
        with pytest.raises(OSError), guard:
            raise OSError("down")
    assert guard.breaker.phase == "open"
