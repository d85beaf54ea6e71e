"""Section 2 of the specification: core principles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from component_under_test import ERRORS, WELL, Component, Does

from hms.agents.healing import Critical, RecoveryLevel, create_basic_self_healing
from hms.errors import BreakerOpen

Build = Callable[..., Component]


def test_1_fail_fast_an_issue_is_seen_at_the_third_bad_report(component: Build) -> None:
    cart = component().start()
    cart.live(2, ERRORS)
    assert cart.status.is_healthy
    cart.live(1, ERRORS)
    assert isinstance(cart.status, Critical)


def test_1_fail_fast_a_dependency_that_is_down_is_not_asked_again(component: Build) -> None:
    cart = component()
    asked: list[int] = []

    @cart.healing.guard("db")
    def read() -> None:
        asked.append(1)
        raise OSError("down")

    for _ in range(100):
        with pytest.raises((OSError, BreakerOpen)):
            read()
    assert len(asked) == 10


def test_1_recover_fast_the_first_act_follows_within_a_report(component: Build) -> None:
    cart = component()
    cart.healing.register_strategy(Does("reconnect"))
    cart.start().live(4, ERRORS)
    assert cart.done == ["reconnect"]


def test_2_progressive_recovery_goes_from_the_lightest_act_up(component: Build) -> None:
    cart = component()
    for name, level in (
        ("restart", RecoveryLevel.HIGH), ("reconnect", RecoveryLevel.LOW),
        ("scale", RecoveryLevel.MEDIUM),
    ):  # fmt: skip
        cart.healing.register_strategy(Does(name, level=level))
    cart.start().live(30, ERRORS)
    assert cart.done[:3] == ["reconnect", "scale", "restart"]


def test_3_adaptive_learning_what_helped_before_comes_first(component: Build) -> None:
    ill = [True]
    cart = component("Full")
    cart.healing.register_strategy(Does("useless", priority=10))
    cart.healing.register_strategy(Does("useful", acts=ill.clear))
    cart.start().live(25, lambda: ERRORS if ill else WELL)
    assert cart.done == ["useless", "useful"]
    cart.live(90, WELL)
    ill.append(True)
    cart.live(25, lambda: ERRORS if ill else WELL)
    assert cart.done[2:] == ["useful"]


def test_4_context_aware_an_issue_names_the_state_of_its_dependencies(component: Build) -> None:
    cart = component()
    strategy = Does("look")
    cart.healing.register_strategy(strategy)
    cart.healing.guard("db").breaker.force_open()
    cart.start().live(5, ERRORS)
    assert strategy.asked[0].dependency_states == {"db": "forced_open"}


def test_5_autonomy_nobody_else_is_needed(
    component: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither supervisor, nor store, nor network: sockets are taken away."""
    monkeypatch.setattr("socket.socket.connect", lambda *given: pytest.fail("it asks the network"))
    cart = component()
    cart.healing.register_strategy(Does("reconnect"))
    cart.start().live(5, ERRORS)
    assert cart.healing.supervisor is None
    assert cart.done == ["reconnect"]


def test_5_autonomy_a_store_that_cannot_be_had_stops_nothing() -> None:
    healing = create_basic_self_healing("cart", store="sqlite:////dev/null/nowhere.db")

    async def main() -> bool:
        await healing.initialize()
        try:
            return (await healing.check_health()).is_healthy
        finally:
            await healing.close()

    assert asyncio.run(main())
