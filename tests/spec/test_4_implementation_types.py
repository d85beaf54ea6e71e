"""Section 4: what each implementation consists of."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest
from component_under_test import ERRORS, WELL, Component, Does, policy_of

from hms.agents.healing import AdaptiveConfig, Critical, ReconnectionAttempted
from hms.agents.healing.bus import InProcessBus

Build = Callable[..., Component]


def test_4_1_standalone_has_a_traditional_breaker_for_each_dependency(component: Build) -> None:
    cart = component("Basic")
    for name in ("db", "pay"):
        for _ in range(10):
            with pytest.raises(OSError), cart.healing.guard(name):
                raise OSError("down")
    assert cart.healing.dependencies.phases() == {"db": "open", "pay": "open"}


def test_4_1_standalone_acts_by_explicit_strategies_only(component: Build) -> None:
    cart = component("Basic").start()
    cart.live(20, ERRORS)
    assert cart.done == []
    cart.healing.register_strategy(Does("mine"))
    cart.live(5, ERRORS)
    assert cart.done == ["mine"]


def test_4_1_standalone_detects_by_thresholds_that_can_be_set(component: Build) -> None:
    cart = component("Basic", policy=policy_of({"health": {"critical_error_rate": 0.6}})).start()
    cart.live(3, ERRORS)
    assert not isinstance(cart.status, Critical)


def test_4_1_standalone_needs_fewer_resources(component: Build) -> None:
    def kib(level: str) -> float:
        component(level).start()  # loads what all share
        tracemalloc.start()
        made = [component(level).start() for _ in range(10)]
        taken = tracemalloc.get_traced_memory()[0] / len(made) / 1024.0
        tracemalloc.stop()
        return taken

    assert kib("Basic") < min(kib("Advanced"), kib("Full"))
    assert kib("Basic") <= 16.0


def test_4_2_a2a_coordinates_with_other_agents(component: Build) -> None:
    """Before it disrupts, an agent says so; its neighbours stay away meanwhile."""
    bus = InProcessBus()
    ladder = policy_of({"recovery": {"errors": [{"act": "restart", "patience_s": 20.0}]}})
    db = component("Full", bus=bus, policy=ladder, fields={"component_id": "db"}).start()
    cart = component("Full", bus=bus).start()
    db.healing.register_target("restart", lambda issue, amount: None)
    guard = cart.healing.guard("db")
    db.live(5, ERRORS)
    cart.live(1, WELL)
    assert db.done == ["restart"]
    assert guard.breaker.phase == "open"


def test_4_2_a2a_learns_from_historical_incidents(component: Build) -> None:
    cart = component("Full").start()
    for _ in range(2):
        cart.live(6, ERRORS)
        cart.live(90, WELL)
    assert len(cart.healing.incidents.finished()) == 2  # type: ignore[union-attr]


def test_4_2_a2a_evolves_its_configuration(component: Build) -> None:
    cart = component("Full").start()
    ladder = {"recovery": {"errors": [{"act": "reconnect"}]}}
    cart.run(cart.healing.apply_config(AdaptiveConfig(ladder, "optimizer", 1.7e9)))
    cart.healing.register_target("reconnect", lambda issue, amount: None)
    cart.live(5, ERRORS)
    assert cart.healing.history[0].action == ReconnectionAttempted(True)


def test_4_3_hybrid_starts_standalone_and_falls_back_to_a2a_when_an_issue_is_complex(
    component: Build,
) -> None:
    cart = component("Advanced").start()
    assert cart.healing.agent is None  # type: ignore[attr-defined]
    cart.live(5, ERRORS)  # nothing is registered: nothing is left to try
    assert cart.healing.agent is not None  # type: ignore[attr-defined]
    assert cart.healing.why_complex  # type: ignore[attr-defined]


def test_4_3_hybrid_hands_back_when_it_is_calm(component: Build) -> None:
    cart = component("Advanced").start()
    cart.live(5, ERRORS)
    cart.live(120, WELL)
    assert cart.healing.agent is None  # type: ignore[attr-defined]
