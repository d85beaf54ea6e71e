"""Half-open permits (ADR 0005, C), and the whole breaker against a small model."""

import math
from fractions import Fraction

from breaker_cases import ROW_ONLY, case
from hypothesis import given, settings
from hypothesis import strategies as st

from hms.agents.policy.breaker import give_back_probe, may_pass, record_probe
from hms.agents.policy.kinds import (
    CAUSE_SLOW_RATE,
    CLOSED,
    HALF_OPEN,
    OPEN,
    PASS_AS_PROBE,
    REFUSED,
)
from hms.agents.policy.parameters import BreakerParameters


def opened(**changed):
    b = case(**changed)
    b.calls("FFFFFFFFFF", 0.0)
    assert b.s.phase == OPEN
    return b


def probes(b, now_s, count):
    return [may_pass(b.s, b.p, b.slots, now_s, 0.0, 0.0) for _ in range(count)]


def test_c1_no_more_callers_than_probes():
    b = opened()
    assert probes(b, 5.0, 4) == [PASS_AS_PROBE] * 3 + [REFUSED]


def test_c2_it_decides_as_soon_as_it_is_sure():
    assert opened(half_open_calls=4).calls("SFSS", 5.0) == CLOSED
    b = opened(half_open_calls=4)
    assert b.calls("SF", 5.0) == HALF_OPEN
    assert b.calls("F", 5.0) == OPEN


def test_c3_with_failures_in_a_row_alone_one_opens():
    assert opened(consecutive_failures=3, **ROW_ONLY).calls("SSS", 5.0) == CLOSED
    assert opened(consecutive_failures=3, **ROW_ONLY).calls("SF", 5.0) == OPEN


def test_c4_two_of_ten_at_thirty_percent_close_three_open():
    assert opened(half_open_calls=10, failure_rate=0.3).calls("FFSSSSSSSS", 5.0) == CLOSED
    b = opened(half_open_calls=10, failure_rate=0.3)
    assert b.calls("FF", 5.0) == HALF_OPEN
    assert b.calls("F", 5.0) == OPEN


def test_c5_slow_probes_open():
    b = opened(half_open_calls=4, slow_call_rate=0.5)
    assert b.calls("LL", 5.0) == OPEN
    assert b.s.cause == CAUSE_SLOW_RATE


def test_c6_permits_are_per_era_not_per_moment():
    b = opened()
    assert b.call("S", 5.0) == "probe"
    assert probes(b, 5.0, 3) == [PASS_AS_PROBE, PASS_AS_PROBE, REFUSED]


def test_c7_a_lost_probe_is_a_failed_one():
    b = opened(half_open_calls=1)
    assert probes(b, 5.0, 1) == [PASS_AS_PROBE]
    assert probes(b, 14.9, 1) == [REFUSED]
    record_probe(b.s, b.p, b.slots, 15.0, True, False, 0.0)
    assert (b.s.phase, b.s.opened_at_s) == (OPEN, 15.0)
    assert probes(b, 20.0, 1) == [PASS_AS_PROBE]


def test_c9_c10_a_neutral_probe_gives_its_permit_back():
    b = opened(half_open_calls=1)
    probes(b, 5.0, 1)
    give_back_probe(b.s)
    assert b.s.phase == HALF_OPEN
    assert probes(b, 5.0, 2) == [PASS_AS_PROBE, REFUSED]


def test_no_permit_is_given_back_that_was_never_taken():
    b = opened(half_open_calls=2)
    b.call("S", 5.0)
    give_back_probe(b.s)
    give_back_probe(b.s)
    assert probes(b, 5.0, 2) == [PASS_AS_PROBE, REFUSED]


def test_c14_nothing_for_an_hour_leaves_it_half_open_and_admitting():
    b = opened()
    b.call("S", 5.0)
    assert b.call("S", 3605.0) == "probe"


def test_c15_closed_again_it_counts_anew():
    b = opened()
    assert b.calls("SS", 5.0) == CLOSED
    assert b.calls("FFFF", 5.0) == CLOSED
    assert b.calls("F", 5.0) == OPEN


class Model:
    """A breaker over a list of single calls, thresholds in whole calls by ceil."""

    def __init__(self, size, least, percent, slow_percent, row, probes, open_s):
        self.size, self.least, self.row_limit, self.probes = size, least, row, probes
        self.percent, self.slow_percent, self.open_s = percent, slow_percent, open_s
        self.phase, self.last, self.row, self.due_s = "closed", [], 0, 0.0
        self.out, self.back = 0, []

    def call(self, outcome, now_s):
        if self.phase == "open":
            if now_s < self.due_s - 1e-9:
                return "refused"
            self.phase, self.out, self.back = "half-open", 0, []
        if self.phase == "half-open":
            if self.out >= self.probes:
                return "refused"
            self.out += 1
            self.back.append(outcome)
            self.judge(now_s)
            return "probe"
        self.last = [*self.last, outcome][-self.size:]
        self.row = self.row + 1 if outcome in "FB" else 0
        if self.over(self.last) or (self.row_limit and self.row >= self.row_limit):
            self.open(now_s)
        return "pass"

    def over(self, results):
        n, failed = len(results), sum(r in "FB" for r in results)
        slow = sum(r in "LB" for r in results)
        return n >= self.least and (
            failed * 100 >= self.percent * n or slow * 100 >= self.slow_percent * n
        )

    def open(self, now_s):
        self.phase, self.due_s, self.row, self.last = "open", now_s + self.open_s, 0, []

    def judge(self, now_s):
        done = len(self.back)
        needs = [
            (math.ceil(Fraction(self.probes * share, 100)), sum(r in bad for r in self.back))
            for share, bad in ((self.percent, "FB"), (self.slow_percent, "LB"))
        ]
        if any(bad >= need for need, bad in needs):
            self.open(now_s)
        elif all(done - bad >= self.probes - need + 1 for need, bad in needs):
            self.phase, self.last, self.row = "closed", [], 0


settings_of = st.tuples(
    st.integers(1, 12), st.integers(1, 100), st.integers(1, 100), st.integers(0, 4),
    st.integers(1, 5),
)
flow = st.lists(st.tuples(st.sampled_from("SSFLB"), st.sampled_from([0.0, 0.5, 1.0, 3.0])),
                max_size=120)


@settings(max_examples=300)
@given(settings_of, flow)
def test_the_breaker_equals_the_model(chosen, calls):
    size, percent, slow_percent, row, probes_ = chosen
    least = max(1, size // 2)
    model = Model(size, least, percent, slow_percent, row, probes_, 2.0)
    b = case(
        window_calls=size, minimum_calls=least, failure_rate=percent / 100,
        slow_call_rate=slow_percent / 100, consecutive_failures=row, half_open_calls=probes_,
        open_s=2.0,
    )
    names = {CLOSED: "closed", OPEN: "open", HALF_OPEN: "half-open"}
    now_s = 0.0
    for outcome, passed_s in calls:
        now_s += passed_s
        assert b.call(outcome, now_s) == model.call(outcome, now_s)
        assert names[b.s.phase] == model.phase


@given(flow, st.integers(1, 8))
def test_half_open_never_admits_more_than_its_probes(calls, limit):
    p = BreakerParameters(half_open_calls=limit, minimum_calls=1, window_calls=4, open_s=1.0)
    b = case(half_open_calls=limit, minimum_calls=1, window_calls=4, open_s=1.0)
    now_s, admitted, era = 0.0, 0, -1
    for outcome, passed_s in calls:
        now_s += passed_s
        answer = may_pass(b.s, p, b.slots, now_s, 0.0, 0.0)
        if b.s.era != era:
            admitted, era = 0, b.s.era
        if answer == PASS_AS_PROBE:
            admitted += 1
            assert admitted <= limit
        if answer != REFUSED and passed_s != 0.5:  # some never report
            b.report(outcome, now_s)
