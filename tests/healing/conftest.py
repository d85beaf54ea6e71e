"""A clock that tests move, and instances built on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.factory import create_basic_self_healing
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.parameters import BreakerParameters

WALL_S = 1_700_000_000.0


@pytest.fixture(autouse=True)
def a_broken_invariant_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """In these tests, and in the processes they start."""
    monkeypatch.setenv("HMS_CHECK", "1")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def breaker(clock: FakeClock) -> Callable[..., Breaker]:
    """A breaker of the cases' defaults: the last 10 calls, at least 5, half of them, 5 s."""

    def build(**changed: Any) -> Breaker:
        given: dict[str, Any] = {
            "window_calls": 10, "minimum_calls": 5, "failure_rate": 0.5, "slow_call_s": 2.0,
            "open_s": 5.0, "open_multiplier": 1.0, "jitter_share": 0.0, "half_open_calls": 3,
            "half_open_lease_s": 10.0,
        }
        return Breaker("db", BreakerParameters(**{**given, **changed}), clock, lambda: 0.5)

    return build


@pytest.fixture
def healing(clock: FakeClock) -> Callable[..., StandaloneSelfHealing]:
    """An instance on the fake clock, not yet initialised."""

    def build(**settings: Any) -> StandaloneSelfHealing:
        given: dict[str, Any] = {
            "clock": clock, "draw": lambda: 0.5, "wall": lambda: WALL_S, "store": "memory",
        }
        return create_basic_self_healing("cart", **{**given, **settings})

    return build
