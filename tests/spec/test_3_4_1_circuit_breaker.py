"""Section 3.4.1: the circuit breaker's four promises.

What it does in each case is told by 89 cases, A1 to H10, one test each: tests/healing/cases.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from component_under_test import Component

from hms.agents.healing.testing import FakeClock
from hms.errors import BreakerOpen

Build = Callable[..., Component]


def fails() -> None:
    raise OSError("down")


def opened(cart: Component) -> None:
    for _ in range(10):
        with pytest.raises(OSError):
            cart.healing.guard("db").call(fails)


def test_it_tracks_failure_rates_against_a_threshold(component: Build) -> None:
    cart = component()
    guard = cart.healing.guard("db")
    for number in range(1, 11):
        assert guard.breaker.phase == "closed"
        if number % 2:
            guard.call(lambda: "row")
        else:
            with pytest.raises(OSError):
                guard.call(fails)
    assert guard.breaker.phase == "open"  # 5 of 10: half of them, at the tenth
    assert "50 %" in guard.explain()


def test_it_goes_from_closed_to_open_to_half_open_to_closed(
    component: Build, clock: FakeClock
) -> None:
    cart = component(draw=lambda: 0.0)
    guard, seen = cart.healing.guard("db"), ["closed"]
    cart.healing.dependencies.listen(lambda event: seen.append(event.kind))
    opened(cart)
    clock.advance(5.0)
    for _ in range(3):
        guard.call(lambda: "row")
    assert seen == ["closed", "opened", "half_opened", "closed"]


def test_while_open_no_operation_is_made(component: Build) -> None:
    cart = component()
    opened(cart)
    with pytest.raises(BreakerOpen) as refused:
        cart.healing.guard("db").call(lambda: pytest.fail("it was called"))
    assert refused.value.dependency == "db"
    assert refused.value.retry_after_s > 0.0


def test_half_open_it_tests_recovery_with_few_calls(component: Build, clock: FakeClock) -> None:
    cart = component(draw=lambda: 0.0)
    guard = cart.healing.guard("db")
    opened(cart)
    clock.advance(5.0)
    probes = [guard.breaker.admit() for _ in range(3)]
    with pytest.raises(BreakerOpen):
        guard.breaker.admit()
    for probe in probes:
        guard.breaker.succeeded(probe)
    assert guard.breaker.phase == "closed"


def test_half_open_failures_open_it_again_for_longer(component: Build, clock: FakeClock) -> None:
    cart = component(draw=lambda: 0.0)
    guard = cart.healing.guard("db")
    opened(cart)
    clock.advance(5.0)
    for _ in range(2):
        with pytest.raises(OSError):
            guard.call(fails)
    with pytest.raises(BreakerOpen) as refused:
        guard.call(fails)
    assert refused.value.retry_after_s == pytest.approx(10.0)
