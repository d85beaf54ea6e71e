"""Section 3.2: three levels, of which each does what its line says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from component_under_test import ERRORS, Component, Does

from hms.agents.healing import HealingLevel

Build = Callable[..., Component]


def test_there_are_three_by_name() -> None:
    assert [each.value for each in HealingLevel] == ["Basic", "Advanced", "Full"]


def test_basic_has_breakers_and_the_strategies_that_are_registered(component: Build) -> None:
    cart = component("Basic")
    cart.healing.register_target("reconnect", lambda issue, amount: None)
    cart.start().live(10, ERRORS)
    assert cart.done == []  # no ladder of its own: a target alone is nobody's turn
    guard = cart.healing.guard("db")
    for _ in range(10):
        with pytest.raises(OSError), guard:
            raise OSError("down")
    assert guard.breaker.phase == "open"


def test_advanced_starts_with_strategies_and_goes_on_with_evolved_ladders(
    component: Build,
) -> None:
    cart = component("Advanced")
    cart.healing.register_strategy(Does("own", kind="errors"))
    cart.healing.register_target("reconnect", lambda issue, amount: None)
    cart.start().live(40, ERRORS)
    assert cart.done[0] == "own"
    assert "reconnect" in cart.done


def test_full_heals_by_an_evolved_policy_from_the_first_act(component: Build) -> None:
    cart = component("Full")
    cart.healing.register_target("custom", lambda issue, amount: None)
    cart.healing.register_target("reconnect", lambda issue, amount: None)
    cart.start().live(20, ERRORS)
    assert cart.healing.policy.recovery["errors"]
    assert cart.done != []
