"""A breaker beside a small model of it that shares no code: random lives, equal answers.

The model keeps plain lists of results and compares whole counts; it knows a count window, a
failure rate, slow calls, a row of failures, probes with leases, and hands.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from breaker_play import must_add_up
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hms.agents.healing.breaker.breaker import Breaker, Permit
from hms.agents.healing.breaker.events import BreakerEvent
from hms.agents.healing.clock import FakeClock
from hms.agents.policy.parameters import BreakerParameters
from hms.errors import BreakerOpen

OPEN_S, LEASE_S, SLOW_S, CAP_S = 5, 10, 2, 20


class Model:
    """What the documentation says, in whole seconds and whole percent."""

    def __init__(self, size: int, least: int, percent: int, row: int, probes: int) -> None:
        self.size, self.least, self.percent, self.row, self.probes = (
            size, least, percent, row, probes,
        )  # fmt: skip
        self.phase, self.era, self.opened = "closed", 0, 0
        self.results: deque[tuple[bool, bool]] = deque(maxlen=size)
        self.in_row = 0
        self.due = 0
        self.taken = 0
        self.back: list[bool] = []
        self.leases: dict[int, int] = {}
        self.counted = dict.fromkeys(("ok", "failed", "ignored", "late", "refused"), 0)

    def turn(self, phase: str) -> None:
        self.phase, self.era = phase, self.era + 1
        self.in_row, self.taken, self.back, self.leases = 0, 0, [], {}

    def open(self, now: int) -> None:
        self.turn("open")
        self.opened += 1
        self.due = now + min(OPEN_S * 2 ** (self.opened - 1), CAP_S)

    def lose(self, now: int) -> None:
        for call, started in sorted(self.leases.items(), key=lambda each: each[1]):
            if call in self.leases and now >= started + LEASE_S:
                del self.leases[call]
                self.probed(failed=True, now=started + LEASE_S)

    def ask(self, call: int, now: int) -> str:
        self.lose(now)
        if self.phase == "open" and now >= self.due:
            self.turn("half_open")
        if self.phase == "half_open" and self.taken < self.probes:
            self.taken += 1
            self.leases[call] = now
            return "probe"
        if self.phase in ("closed", "disabled"):
            return "call"
        self.counted["refused"] += 1
        return "no"

    def end(self, call: int, era: int, probe: bool, how: str, slow: bool, now: int) -> None:
        self.lose(now)
        if era != self.era or (probe and call not in self.leases):
            self.counted["late"] += 1
            return
        self.counted[how] += 1
        if probe:
            del self.leases[call]
        if how == "ignored":
            self.taken -= probe
        elif probe:
            self.probed(failed=how == "failed", now=now)
        elif self.phase == "closed":
            self.results.append((how == "failed", slow))
            self.in_row = self.in_row + 1 if how == "failed" else 0
            bad = sum(failed for failed, _ in self.results)
            crawl = sum(slow for _, slow in self.results)
            enough = len(self.results) >= self.least
            if (
                (enough and 100 * bad >= self.percent * len(self.results))
                or (enough and crawl == len(self.results))
                or (self.row and self.in_row >= self.row)
            ):  # fmt: skip
                self.open(now)

    def probed(self, *, failed: bool, now: int) -> None:
        self.back.append(failed)
        need = math.ceil(self.probes * self.percent / 100)
        if sum(self.back) >= need:
            self.open(now)
        elif len(self.back) - sum(self.back) >= self.probes - need + 1:
            self.turn("closed")
            self.opened = 0
            self.results.clear()

    def by_hand(self, phase: str) -> None:
        self.turn(phase)
        self.opened = 0
        self.results.clear()


class BreakerMachine(RuleBasedStateMachine):
    """Calls begin, end, hang; time passes; hands reach in."""

    @initialize(
        size=st.integers(1, 6), least=st.integers(1, 6), percent=st.sampled_from([20, 50, 70, 100]),
        row=st.sampled_from([0, 0, 2]), probes=st.integers(1, 4),
    )  # fmt: skip
    def begin(self, size: int, least: int, percent: int, row: int, probes: int) -> None:
        least = min(size, least)
        self.clock = FakeClock()
        self.told: list[BreakerEvent] = []
        given = BreakerParameters(
            window_calls=size, minimum_calls=least, failure_rate=percent / 100, open_s=OPEN_S,
            open_multiplier=2.0, open_max_s=CAP_S, jitter_share=0.0, consecutive_failures=row,
            half_open_calls=probes, half_open_lease_s=LEASE_S, slow_call_s=SLOW_S,
        )  # fmt: skip
        self.breaker = Breaker("db", given, self.clock, lambda: 0.5, [self.told.append])
        self.model = Model(size, least, percent, row, probes)
        self.out: dict[int, tuple[Permit, int, int]] = {}
        self.calls = 0

    @rule()
    def call(self) -> None:
        if any(self.clock.now_s() - started > SLOW_S for _, _, started in self.out.values()):
            return  # slow calls in flight are the doors' property's business
        self.calls += 1
        expected = self.model.ask(self.calls, int(self.clock.now_s()))
        try:
            permit = self.breaker.admit()
        except BreakerOpen:
            assert expected == "no"
            return
        assert expected == ("probe" if permit.probe else "call")
        self.out[self.calls] = (permit, self.model.era, int(self.clock.now_s()))

    @precondition(lambda self: self.out)
    @rule(data=st.data(), how=st.sampled_from(["ok", "ok", "failed", "ignored"]))
    def end(self, data: Any, how: str) -> None:
        call = data.draw(st.sampled_from(sorted(self.out)))
        permit, era, started = self.out.pop(call)
        now = int(self.clock.now_s())
        self.model.end(call, era, permit.probe, how, now - started > SLOW_S, now)
        if how == "ok":
            self.breaker.succeeded(permit)
        elif how == "failed":
            self.breaker.failed(permit, OSError())
        else:
            self.breaker.ignored(permit)

    @rule(seconds=st.sampled_from([1, 2, 3, 5, 10]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def reset(self) -> None:
        if self.model.phase != "forced_open":
            self.model.by_hand("closed")
            self.breaker.reset()

    @rule()
    def disable(self) -> None:
        if self.model.phase != "forced_open":
            self.model.by_hand("disabled")
            self.breaker.disable()

    @rule()
    def force(self) -> None:
        if self.model.phase == "forced_open":
            assert self.breaker.release()
            self.model.by_hand("closed")
        else:
            self.breaker.force_open()
            self.model.by_hand("forced_open")

    @invariant()
    def both_say_the_same(self) -> None:
        if not hasattr(self, "model"):
            return
        counted = must_add_up(self.breaker)
        assert counted.phase == self.model.phase
        assert counted.in_flight == len(self.out)
        for name, count in self.model.counted.items():
            assert getattr(counted, name) == count, name
        if self.model.phase == "closed":
            assert counted.calls_in_window == len(self.model.results)
            assert counted.failed_in_window == sum(failed for failed, _ in self.model.results)
        assert [event.number for event in self.told] == list(range(1, len(self.told) + 1))
        assert counted.events == len(self.told)


TestBreakerMachine = BreakerMachine.TestCase
