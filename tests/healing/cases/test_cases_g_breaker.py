"""Breaker cases G1 to G6: reconfigured; and what a breaker makes of a record (G7 to G12)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from breaker_play import OFF, Build, at, half_open, parameters_of, play, refused

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.breaker.events import BreakerEvent
from hms.agents.healing.calls.dependencies import Dependencies
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.configuration.adaptation import Adaptation
from hms.agents.healing.store.records import BreakerRecord
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import ConfigRefused


def test_g1_a_shorter_open_time_is_measured_from_its_start(
    breaker: Build, clock: FakeClock
) -> None:
    each = breaker(open_s=60.0)
    play(each, "FFFFF")
    at(clock, 4.0)
    each.reconfigure(parameters_of(each, open_s=10.0))
    assert refused(each).retry_after_s == pytest.approx(6.0)


def test_g2_so_is_a_longer_one(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    play(each, "FFFFF")
    at(clock, 4.0)
    each.reconfigure(parameters_of(each, open_s=60.0))
    assert refused(each).retry_after_s == pytest.approx(56.0)


def test_g3_a_smaller_window_keeps_the_newest(breaker: Build) -> None:
    each = breaker(failure_rate=1.0)
    play(each, "FFFFSSSSFF")
    each.reconfigure(parameters_of(each, window_calls=4, minimum_calls=4))
    counted = each.metrics()
    assert (counted.calls_in_window, counted.failed_in_window) == (4.0, 2.0)
    play(each, "SS")
    assert each.metrics().failed_in_window == 2.0
    play(each, "S")
    assert each.metrics().failed_in_window == 1.0


def test_g4_a_lower_limit_waits_for_the_next_result(breaker: Build) -> None:
    each = breaker(consecutive_failures=5, **OFF)
    play(each, "F F F")
    each.reconfigure(parameters_of(each, consecutive_failures=3))
    assert each.phase == "closed"
    assert play(each, "F") == "open"


def test_g4_also_where_that_is_a_success_that_needed_no_lock(breaker: Build) -> None:
    each = breaker(failure_rate=0.9, minimum_calls=5)
    play(each, "F F F S S")
    under_way = each.admit()
    each.reconfigure(parameters_of(each, failure_rate=0.5))
    assert each.phase == "closed"
    each.succeeded(under_way)
    assert each.phase == "open"  # 3 of 6


def test_g5_permits_that_are_out_are_neither_revoked_nor_added_to(
    breaker: Build, clock: FakeClock
) -> None:
    each = half_open(breaker, clock)
    first, _ = each.admit(), each.admit()
    each.reconfigure(parameters_of(each, half_open_calls=1))
    assert refused(each).phase == "probing"
    each.succeeded(first)
    assert each.phase == "closed"


def test_g6_one_bad_field_and_nothing_is_applied(breaker: Build) -> None:
    each = breaker()
    held = each.parameters
    bad = dataclasses.replace(held, open_s=7.0, minimum_calls=6, failure_rate=-1.0)
    with pytest.raises(ConfigRefused, match="failure_rate"):
        each.reconfigure(bad)
    assert each.parameters is held


def test_g6_nor_at_any_other_dependency(clock: FakeClock) -> None:
    policy, problems = HealingPolicy.parse({
        "schema": "hms.policy/1",
        "overrides": [{"where": {"kind": "store"}, "set": {"breaker.window_calls": 12}}],
    })
    assert policy is not None, problems
    each = Dependencies(policy, True, clock, lambda: 0.5)
    plain, store = each.guard("api"), each.guard("db", {"kind": "store"})
    held = plain.breaker.parameters
    with pytest.raises(ConfigRefused, match="15 results never fit in a window of 12"):
        each.apply(Adaptation({"breaker.minimum_calls": 15}))
    assert plain.breaker.parameters == held
    assert each.guard("other").breaker.parameters == held
    each.apply(Adaptation({"breaker.minimum_calls": 11}))
    assert store.breaker.parameters.minimum_calls == 11


def restored(breaker: Build, record: Any, **changed: Any) -> tuple[Breaker, list[BreakerEvent]]:
    told: list[BreakerEvent] = []
    each = breaker(**changed)
    each._events.listeners = [told.append]
    each.restore(record)
    return each, told


def test_g7_what_is_left_is_left(breaker: Build, clock: FakeClock) -> None:
    old = breaker(open_s=60.0)
    clock.advance(0.3)
    play(old, "FFFFF")
    assert old.saved().left_s == 60.0
    at(clock, 40.3)
    each, told = restored(breaker, old.saved(), open_s=60.0)
    assert refused(each).retry_after_s == pytest.approx(20.0)
    assert refused(each).last_error == "ValueError('no')"
    assert told[0].kind == "restored"
    each.reconfigure(parameters_of(each, open_s=50.0))
    assert refused(each).retry_after_s == pytest.approx(10.0)


def test_g8_half_open_comes_back_open_and_due(breaker: Build, clock: FakeClock) -> None:
    rules = {"open_multiplier": 2.0, "half_open_calls": 1}
    old = half_open(breaker, clock, **rules)
    play(old, "F")
    clock.advance(10.0)
    old.admit()
    each, _ = restored(breaker, old.saved(), **rules)
    assert (each.phase, each.explain()) == ("open", "")
    assert play(each, "F") == "open"
    assert refused(each).retry_after_s == 20.0


def test_g9_the_open_count_goes_on(breaker: Build, clock: FakeClock) -> None:
    record = BreakerRecord("db", "open", 20.0, opened_in_row=3, cause="failure rate")
    each, _ = restored(breaker, record, open_multiplier=2.0, half_open_calls=1)
    clock.advance(20.0)
    play(each, "F")
    assert refused(each).retry_after_s == 40.0


@pytest.mark.parametrize("by_hand", [Breaker.disable, Breaker.metrics_only, Breaker.force_open])
def test_g10_what_was_done_by_hand_stays(breaker: Build, by_hand: Any) -> None:
    old = breaker()
    by_hand(old)
    each, _ = restored(breaker, old.saved())
    assert each.phase == old.phase
    if each.phase == "forced_open":
        assert each.release()
        assert each.phase == "closed"


@pytest.mark.parametrize(
    "record",
    [
        BreakerRecord("db", "ajar"), BreakerRecord("db", "open", float("nan")),
        BreakerRecord("db", "open", -1.0), BreakerRecord("db", "open", "20"),  # type: ignore[arg-type]
        BreakerRecord("db", "open", opened_in_row=True), None,
    ],
)  # fmt: skip
def test_g11_a_torn_record_changes_nothing_and_is_told(breaker: Build, record: Any) -> None:
    each, told = restored(breaker, record)
    assert (each.phase, each.metrics().calls_in_window) == ("closed", 0.0)
    assert [event.kind for event in told] == ["torn"]


def test_g11_a_closed_record_says_nothing(breaker: Build) -> None:
    each, told = restored(breaker, BreakerRecord("db"))
    assert (each.phase, told) == ("closed", [])


def test_a_record_never_loosens_what_is_newer(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    play(each, "FFFFF")
    each.restore(BreakerRecord("db", "open", 1.0))
    assert refused(each).retry_after_s == 5.0
    each.restore(BreakerRecord("db", "open", 1e9))
    assert refused(each).retry_after_s == 86_400.0
    each.restore(BreakerRecord("db", "disabled"))
    assert each.phase == "open"
    each.force_open()
    each.restore(BreakerRecord("db", "open", 2.0))
    assert each.phase == "forced_open"


def test_g12_a_quorum_opens_it_once_for_a_verdict(breaker: Build, clock: FakeClock) -> None:
    each = breaker()
    each.hear_quorum(20.0)
    error = refused(each)
    assert (error.cause, error.retry_after_s) == ("quorum", 20.0)
    assert each.saved().phase == "closed"  # our own verdict; else peers would hear their echo
    each.hear_quorum(20.5)  # the same, by another clock
    at(clock, 20.0)
    assert play(each, "S S S") == "closed"
    each.hear_quorum(20.9)
    assert each.phase == "closed"
    each.hear_quorum(40.0)
    assert each.phase == "open"
