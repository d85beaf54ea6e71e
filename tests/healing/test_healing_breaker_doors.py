"""The lock-free path decides what the decision would: the same events through both doors.

One breaker asks at every step (as on a build without a global interpreter lock), the other only
where it must. Phases, counters and windows agree after each event.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from breaker_play import must_add_up
from hypothesis import given
from hypothesis import strategies as st

from hms.agents.healing.breaker.breaker import Breaker, Permit
from hms.agents.healing.calls.guard import Guard
from hms.agents.healing.clock import FakeClock
from hms.agents.policy.parameters import BreakerParameters
from hms.errors import BreakerOpen

rates = st.sampled_from([0.1, 0.3, 0.5, 0.6, 1.0, 2.0])
parameters = st.builds(
    lambda **given: BreakerParameters(
        **{**given, "minimum_calls": min(given["minimum_calls"], given["window_calls"])}
    ),
    failure_rate=rates,
    slow_call_rate=rates,
    slow_call_s=st.sampled_from([0.3, 1.0, 2.0]),
    window_kind=st.sampled_from([0, 1]),
    window_s=st.sampled_from([0.7, 3.0, 10.0]),
    window_calls=st.integers(1, 12),
    minimum_calls=st.integers(1, 12),
    consecutive_failures=st.sampled_from([0, 0, 2, 4]),
    open_s=st.sampled_from([0.5, 2.0]),
    half_open_calls=st.integers(1, 4),
    half_open_lease_s=st.sampled_from([1.0, 4.0]),
    jitter_share=st.just(0.0),
)
events = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.just(0)),
        st.tuples(st.sampled_from("SSSSSSFFIX"), st.integers(0, 5)),
        st.tuples(st.just("calls"), st.integers(1, 30)),
        st.tuples(st.just("pass"), st.sampled_from([0.01, 0.04, 0.07, 0.2, 0.5, 1.0, 3.0])),
        st.tuples(st.just("batch"), st.tuples(st.integers(0, 5), st.integers(0, 2))),
        st.tuples(st.just("configure"), parameters),
        st.tuples(st.just("metrics_only"), st.just(0)),
        st.tuples(st.just("reset"), st.just(0)),
    ),
    max_size=80,
)


class Door:
    """One breaker and the calls that are under way in it."""

    def __init__(self, rules: BreakerParameters, *, lock_free: bool) -> None:
        self.clock = FakeClock(100.0)
        self.breaker = Breaker("db", rules, self.clock, lambda: 0.5)
        if not lock_free:
            self.breaker.lock_free = False
            self.breaker.era.shut()
        self.call = Guard(self.breaker)(int)
        self.out: list[Permit] = []

    def do(self, event: str, told: Any) -> str:
        if event == "start":
            try:
                self.out.append(self.breaker.admit())
            except BreakerOpen as refused:
                return str(refused)
        elif event == "calls":
            return "".join(self._one() for _ in range(told))
        elif event == "pass":
            self.clock.advance(told)
        elif event == "batch":
            return self.breaker.report_calls(*told, 0)
        elif event == "configure":
            self.breaker.reconfigure(told)
        elif event in ("metrics_only", "reset"):
            getattr(self.breaker, event)()
        elif self.out:
            self._end(event, self.out.pop(told % len(self.out)))
        return ""

    def _one(self) -> str:
        try:
            self.call()
        except BreakerOpen:
            return "r"
        return "s"

    def _end(self, event: str, permit: Permit) -> None:
        if event == "S":
            self.breaker.succeeded(permit)
        elif event == "F":
            self.breaker.failed(permit, OSError())
        else:
            self.breaker.ignored(permit, cancelled=event == "X")

    def seen(self) -> dict[str, Any]:
        found = dataclasses.asdict(must_add_up(self.breaker))
        del found["response_s_sum"], found["response_samples"]  # not all calls are sampled
        return found


@given(parameters, events, st.sampled_from([1, 7, 100]))
def test_both_doors_lead_to_the_same_phases_counters_and_windows(
    rules: BreakerParameters, played: list[tuple[str, Any]], read_every: int
) -> None:
    """Reading folds what was not judged yet, so it is read now and then, and at the end."""
    fast, slow = Door(rules, lock_free=True), Door(rules, lock_free=False)
    for number, (event, told) in enumerate([*played, ("pass", 0.01)], 1):
        assert fast.do(event, told) == slow.do(event, told)
        assert fast.breaker.phase == slow.breaker.phase
        if number % read_every and number <= len(played):
            continue
        ours, theirs = fast.seen(), slow.seen()
        for window in ("calls_in_window", "failed_in_window", "slow_in_window"):
            assert ours.pop(window) == pytest.approx(theirs.pop(window), abs=1e-7)
        assert ours == theirs
    assert fast.breaker.explanation() == slow.breaker.explanation()


def test_the_fast_door_is_really_taken_and_the_other_one_is_not() -> None:
    rules = BreakerParameters()
    fast, slow = Door(rules, lock_free=True), Door(rules, lock_free=False)
    for door in (fast, slow):
        assert door.do("calls", 1000) == "s" * 1000
        assert door.breaker.metrics().ok == 1000
    assert next(fast.breaker.era.count) >= 999
    assert next(slow.breaker.era.count) == 0
