"""Breaker cases C: half-open."""

from __future__ import annotations

import pytest
from breaker_play import OFF, Build, at, end, half_open, must_add_up, play, refused
from callee import Callee
from virtual_time import run

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.pipeline.pipeline import Pipeline
from hms.agents.healing.pipeline.timeout import Timeout
from hms.errors import CallTimeout


def test_c1_callers_beyond_the_probes_are_refused(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock)
    assert all(each.admit().probe for _ in range(3))
    error = refused(each)
    assert (error.phase, error.retry_after_s) == ("probing", 0.0)
    assert "its probes are under way" in str(error)


def test_c2_it_decides_as_soon_as_it_is_sure(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock, half_open_calls=4)
    assert play(each, "S F S") == "half_open"
    assert play(each, "S") == "closed"
    other = half_open(breaker, clock, half_open_calls=4)
    assert play(other, "S F") == "half_open"
    assert play(other, "F") == "open"


def test_c3_by_the_consecutive_rule_alone_one_failure_opens(
    breaker: Build, clock: FakeClock
) -> None:
    rules = {"consecutive_failures": 3, **OFF}
    assert play(half_open(breaker, clock, **rules), "S S S") == "closed"
    assert play(half_open(breaker, clock, **rules), "S F") == "open"


def test_c4_three_of_ten_at_30_percent(breaker: Build, clock: FakeClock) -> None:
    rules = {"half_open_calls": 10, "failure_rate": 0.3}
    each = half_open(breaker, clock, **rules)
    assert play(each, "F F SSSSSSS") == "half_open"
    assert play(each, "S") == "closed"
    other = half_open(breaker, clock, **rules)
    assert play(other, "F F") == "half_open"
    assert play(other, "F") == "open"


def test_c5_slow_probes_open_it(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock, half_open_calls=4, slow_call_rate=0.5)
    assert play(each, "L L", clock) == "open"
    assert each.explanation().cause == "slow-call rate"
    assert each.explanation().detail == "2 of 4 probes >= 50 %"


def test_c6_permits_are_per_era_not_per_moment(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock)
    assert play(each, "S") == "half_open"
    each.admit()
    each.admit()
    assert refused(each).phase == "probing"


def lost(breaker: Build, clock: FakeClock) -> Breaker:
    """C7: half-open since 5 s, its one probe under way."""
    each = half_open(breaker, clock, half_open_calls=1)
    assert clock.now_s() == 5.0
    return each


def test_c7_a_lost_probe_has_failed_at_the_end_of_its_lease(
    breaker: Build, clock: FakeClock
) -> None:
    each = lost(breaker, clock)
    each.admit()
    at(clock, 14.9)
    assert refused(each).phase == "probing"
    at(clock, 15.0)
    error = refused(each)
    assert (error.phase, error.retry_after_s) == ("open", 5.0)
    at(clock, 20.0)
    assert each.admit().probe


def test_c7_since_the_end_of_the_lease_not_since_somebody_asked(
    breaker: Build, clock: FakeClock
) -> None:
    each = lost(breaker, clock)
    each.admit()
    at(clock, 18.0)
    assert refused(each).retry_after_s == pytest.approx(2.0)


def test_c8_what_it_reports_then_is_late(breaker: Build, clock: FakeClock) -> None:
    each = lost(breaker, clock)
    probe = each.admit()
    at(clock, 16.0)
    each.succeeded(probe)
    assert (each.phase, must_add_up(each).late) == ("open", 1)


def test_c9_a_cancelled_probe_gives_its_permit_back(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock, half_open_calls=1)
    assert play(each, "X") == "half_open"
    assert each.admit().probe
    assert must_add_up(each).cancelled == 1


def test_c10_an_ignored_probe_gives_its_permit_back(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock, half_open_calls=1)
    assert play(each, "I") == "half_open"
    assert each.admit().probe
    assert must_add_up(each).ignored == 1


@pytest.mark.parametrize("outcome", ["S", "F"])
def test_c11_a_call_of_the_closed_era_decides_nothing(
    breaker: Build, clock: FakeClock, outcome: str
) -> None:
    each = breaker(half_open_calls=1)
    early = each.admit()
    play(each, "FFFFF")
    clock.advance(5.0)
    each.admit()
    end(each, early, outcome)
    assert (each.phase, must_add_up(each).late) == ("half_open", 1)
    assert refused(each).phase == "probing"


def test_c12_nor_does_it_give_back_a_permit_it_never_took(
    breaker: Build, clock: FakeClock
) -> None:
    each = breaker(half_open_calls=1)
    early = each.admit()
    play(each, "FFFFF")
    clock.advance(5.0)
    probe = each.admit()
    end(each, early, "I")
    assert refused(each).phase == "probing"
    end(each, probe, "S")
    assert each.phase == "closed"


def test_c13_a_probe_that_ends_after_the_verdict_is_late(
    breaker: Build, clock: FakeClock
) -> None:
    each = half_open(breaker, clock, half_open_calls=2, consecutive_failures=3, **OFF)
    first, second = each.admit(), each.admit()
    end(each, first, "F")
    end(each, second, "S")
    assert (each.phase, must_add_up(each).late) == ("open", 1)


def test_c14_an_idle_hour_leaves_it_admitting(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock)
    play(each, "S")
    clock.advance(3600.0)
    assert each.admit().probe
    assert each.phase == "half_open"


def test_c15_closed_again_it_counts_anew(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock)
    assert play(each, "S S") == "closed"
    assert each.metrics().calls_in_window == 0.0
    assert play(each, "F F F F") == "closed"
    assert play(each, "F") == "open"


def test_c16_a_hanging_probe_is_cut_at_its_own_time_out(breaker: Build, clock: FakeClock) -> None:
    each = half_open(breaker, clock, half_open_calls=1)
    pipeline = Pipeline.of(each, Timeout(0.25), clock=clock)
    callee = Callee(clock, takes_s=60.0)
    with pytest.raises(CallTimeout):
        run(pipeline.acall(callee.awaited, (), {}), clock)
    assert clock.now_s() == pytest.approx(5.25)
    assert (each.phase, must_add_up(each).failed) == ("open", 6)
