"""Breaker cases D: by hand."""

from __future__ import annotations

import pytest
from breaker_play import Build, at, end, half_open, must_add_up, play, refused

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.breaker.events import BreakerEvent
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.configuration.config import HealingLevel, UnifiedHealingConfig
from hms.agents.healing.factory import create_self_healing
from hms.errors import ConfigRefused


def test_d1_forced_open_stays(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    each.force_open("deployment")
    clock.advance(365 * 86_400.0)
    error = refused(each)
    assert error.phase == "forced"
    assert "forced open, by hand: held by deployment" in str(error)


def test_d2_open_until_every_holder_has_released(breaker: Build) -> None:
    each = breaker()
    play(each, "F F")
    each.force_open("deployment")
    each.force_open("operator")
    each.force_open("operator")
    assert each.release("deployment")
    assert each.phase == "forced_open"
    assert not each.release("nobody")
    assert each.release("operator")
    assert (each.phase, each.metrics().calls_in_window) == ("closed", 0.0)


def test_d2_what_others_hold_open_no_other_hand_loosens(breaker: Build) -> None:
    each = breaker()
    each.force_open("deployment")
    for by_hand in (each.disable, each.metrics_only, each.reset):
        with pytest.raises(ConfigRefused, match="held open by deployment"):
            by_hand()
    each.open_for(1.0)
    assert each.phase == "forced_open"


def test_d3_probes_of_before_are_late(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock)
    probes = [each.admit(), each.admit()]
    each.force_open()
    end(each, probes[0], "S")
    end(each, probes[1], "F")
    counted = must_add_up(each)
    assert (counted.late, counted.in_flight, each.phase) == (2, 0, "forced_open")


def test_d4_disabled_admits_all_and_has_no_rate(breaker: Build) -> None:
    each = breaker()
    each.disable()
    assert play(each, "F" * 100) == "disabled"
    counted = must_add_up(each)
    assert (counted.failed, counted.refused, counted.calls_in_window) == (100, 0, 0.0)


def test_d4_so_does_a_component_without_breakers(clock: FakeClock) -> None:
    config = UnifiedHealingConfig(
        "cart", level=HealingLevel.BASIC, circuit_breaker_enabled=False
    )
    each = create_self_healing(config, clock=clock).guard("db").breaker
    play(each, "F" * 100)
    counted = must_add_up(each)
    assert (counted.failed, counted.refused, counted.calls_in_window) == (100, 0, 0.0)
    play(each, "S" * 10)
    assert must_add_up(each).ok == 10


def test_d5_metrics_only_says_once_when_it_would_open(breaker: Build, clock: FakeClock) -> None:
    told: list[BreakerEvent] = []
    each = breaker(window_calls=5)
    each = Breaker("db", each.parameters, clock, lambda: 0.5, [told.append])
    each.metrics_only()
    assert play(each, "FFFFF F") == "metrics_only"
    assert [event.kind for event in told] == ["metrics_only", "would_open"]
    assert told[1].cause == "failure rate"
    play(each, "SSSSS")  # a calm
    play(each, "FFF")
    assert each.metrics().would_open == 2
    assert must_add_up(each).refused == 0


def test_d6_only_what_is_open_can_be_made_half_open(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    with pytest.raises(ConfigRefused, match="is closed"):
        each.half_open()
    play(each, "FFFFF")
    at(clock, 1.0)
    each.half_open()
    assert each.admit().probe


def test_d7_reset_forgets_window_and_openings(breaker: Build, clock: FakeClock) -> None:
    each = breaker(open_multiplier=2.0)
    play(each, "FFFFF")
    clock.advance(5.0)
    play(each, "FF")
    assert refused(each).retry_after_s == 10.0
    each.reset()
    assert (each.phase, each.metrics().calls_in_window) == ("closed", 0.0)
    assert play(each, "FFFFF") == "open"
    assert refused(each).retry_after_s == 5.0
