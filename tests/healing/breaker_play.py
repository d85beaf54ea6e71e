"""Play events on a breaker: S ok, F failure, L slow ok, I ignored, X cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hms.agents.healing.breaker.breaker import Breaker, BreakerMetrics, Permit
from hms.agents.healing.clock import FakeClock
from hms.agents.policy.parameters import BreakerParameters
from hms.errors import BreakerOpen

Build = Callable[..., Breaker]
OFF = {"failure_rate": 2.0, "slow_call_rate": 2.0}
"""Rates off: `k` alone."""


def end(breaker: Breaker, permit: Permit, event: str, clock: FakeClock | None = None) -> None:
    """End a call that is under way."""
    if event == "L":
        assert clock is not None
        clock.advance(2.001)
    if event == "F":
        breaker.failed(permit, ValueError("no"))
    elif event in "IX":
        breaker.ignored(permit, cancelled=event == "X")
    else:
        breaker.succeeded(permit)


def play(breaker: Breaker, events: str, clock: FakeClock | None = None) -> str:
    """One call after the other, each begun and ended; the phase after them."""
    for event in events.replace(" ", ""):
        end(breaker, breaker.admit(), event, clock)
    return breaker.phase


def refused(breaker: Breaker) -> BreakerOpen:
    """The refusal that a call meets now."""
    try:
        breaker.admit()
    except BreakerOpen as error:
        return error
    raise AssertionError(f"a call was let in while {breaker.phase}")


def at(clock: FakeClock, moment_s: float) -> None:
    """Move the clock to a moment."""
    clock.advance(moment_s - clock.now_s())


def half_open(build: Build, clock: FakeClock, **changed: Any) -> Breaker:
    """A breaker that is due to probe: open since now, its time over."""
    breaker = build(**changed)
    while breaker.phase == "closed":
        play(breaker, "F")
    clock.advance(breaker.parameters.open_s)
    return breaker


def parameters_of(breaker: Breaker, **changed: Any) -> BreakerParameters:
    """The same parameters but for these."""
    import dataclasses

    return dataclasses.replace(breaker.parameters, **changed)


def ended(counted: BreakerMetrics) -> int:
    """All calls that are over."""
    return counted.ok + counted.failed + counted.ignored + counted.cancelled + counted.late


def must_add_up(breaker: Breaker) -> BreakerMetrics:
    """The equation of the counters."""
    counted = breaker.metrics()
    assert counted.admitted == ended(counted) + counted.in_flight
    return counted
