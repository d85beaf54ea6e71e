"""Reports to states: entered slowly, left slowly, silence is Failed, neighbours only degrade."""

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.agents.policy.health import (
    CRITICAL,
    DEGRADED,
    FAILED,
    HEALTHY,
    HealthReport,
    HealthState,
    arrive,
    is_silent,
    judge,
    learn,
    level_held,
    level_met,
    quiet_errors,
    quiet_memory,
    quiet_response_s,
    silence_s,
    status_at,
)
from hms.agents.policy.parameters import HealthParameters

P = HealthParameters()


def follow(percents, parameters=P, step_s=1.0, state=None):
    """The state after each report of so many percent errors."""
    s = state or HealthState()
    found = []
    for i, percent in enumerate(percents):
        now_s = s.latest_s + step_s if s.reports else float(i)
        arrive(s, parameters, now_s)
        found.append(judge(s, parameters, HealthReport(error_share=percent / 100.0), now_s))
    return found


@pytest.mark.parametrize(
    ("percents", "last"),
    [
        ([5, 5], HEALTHY),
        ([5, 5, 5], DEGRADED),
        ([4.9] * 9, HEALTHY),
        ([25, 25, 25], CRITICAL),
        ([90, 90, 90], FAILED),
        ([90, 25, 5], DEGRADED),  # each of them meets Degraded, too
        ([5, 5, 4, 5, 5], HEALTHY),
        ([5, 5, 5, 2, 2], DEGRADED),
        ([5, 5, 5, 2, 2, 3, 2, 2], DEGRADED),
        ([5, 5, 5, 2, 2, 2], HEALTHY),
        ([95, 95, 95, 6, 6, 6], DEGRADED),
        ([95, 95, 95, 20, 20, 20], CRITICAL),
        ([95, 95, 95, 50, 20, 1], CRITICAL),  # only one report was below Critical's way back
        ([95, 95, 95, 1, 1, 1], HEALTHY),
    ],
)
def test_a_state_is_entered_and_left_after_three_in_a_row(percents, last):
    assert follow(percents)[-1] == last


def test_s14_a_sudden_failure_is_seen_within_one_window_and_one_report():
    assert follow([0, 100, 100, 100], step_s=5.0)[-1] == FAILED  # reports at 0, 5, 10, 15


def test_memory_is_critical_and_left_below_its_own_way_back():
    s = HealthState()
    for share, state in [(0.9, 0), (0.9, 0), (0.9, CRITICAL), (0.82, CRITICAL), (0.8, CRITICAL),
                         (0.8, CRITICAL), (0.8, HEALTHY)]:
        arrive(s, P, s.latest_s + 1.0)
        assert judge(s, P, HealthReport(memory_share=share), s.latest_s) == state
    off = replace(P, critical_memory_share=2.0)
    assert level_met(s, off, HealthReport(memory_share=5.0)) == HEALTHY


def test_a_response_is_slow_against_the_usual_one_once_that_is_known():
    s = HealthState()
    slow = HealthReport(response_s=0.5)
    assert level_met(s, P, slow) == HEALTHY
    for i in range(P.warm_up):
        learn(s, P, 0.1, float(i))
    assert s.usual_s == pytest.approx(0.1)
    assert level_met(s, P, HealthReport(response_s=0.39)) == HEALTHY
    assert level_met(s, P, HealthReport(response_s=0.4)) == DEGRADED
    assert level_held(s, P, HealthReport(response_s=0.25)) == DEGRADED
    assert level_met(s, P, HealthReport(response_s=1.6)) == CRITICAL
    assert level_met(s, replace(P, degraded_slow_factor=0.0, critical_slow_factor=0.0),
                     HealthReport(response_s=99.0)) == HEALTHY


def test_what_is_quick_is_never_slow_and_a_fixed_limit_needs_nothing_usual():
    s = HealthState()
    for i in range(P.warm_up):
        learn(s, P, 0.002, float(i))
    assert level_met(s, P, HealthReport(response_s=0.09)) == HEALTHY
    fixed = replace(P, degraded_response_s=0.05, critical_response_s=0.2)
    assert level_met(HealthState(), fixed, HealthReport(response_s=0.05)) == DEGRADED
    assert level_met(HealthState(), fixed, HealthReport(response_s=0.2)) == CRITICAL


def test_what_is_usual_is_learned_while_well_only():
    s = HealthState()
    learn(s, P, 0.1, 0.0)
    s.state = DEGRADED
    learn(s, P, 9.0, 1.0)
    s.state = HEALTHY
    learn(s, P, 0.0, 2.0)  # no calls
    assert (s.usual_s, s.learned) == (0.1, 1)


def test_three_missing_reports_are_failed_and_three_good_ones_end_it():
    s = HealthState()
    follow([0, 0, 0], state=s, step_s=10.0)
    assert status_at(s, P, 49.9, False, False) == HEALTHY
    before = deepcopy(s)
    assert status_at(s, P, 50.0, False, False) == FAILED
    assert s == before  # reading changes nothing
    assert follow([0], state=s, step_s=30.0) == [FAILED]
    assert s.since_s == pytest.approx(50.0)  # not when the next report came
    assert follow([0, 0], state=s, step_s=1.0) == [FAILED, HEALTHY]


def test_silence_says_nothing_before_the_third_report_or_when_switched_off():
    s = HealthState()
    follow([0, 0], state=s)
    assert not is_silent(s, P, 1e6)
    follow([0], state=s)
    assert is_silent(s, P, 1e6)
    assert not is_silent(s, replace(P, missing_reports=0), 1e6)


def test_a_slower_rhythm_of_reports_is_learned():
    s = HealthState()
    follow([0] * 4, state=s, step_s=60.0)
    assert silence_s(s, P) == pytest.approx(180.0)
    quick = HealthState()
    follow([0] * 10, state=quick, step_s=1.0)
    assert follow([0] * 12, state=quick, step_s=60.0)[-1] == HEALTHY


def test_s7_an_open_dependency_or_flapping_is_degraded_never_more():
    s = HealthState()
    assert status_at(s, P, 0.0, True, False) == DEGRADED
    assert status_at(s, P, 0.0, False, True) == DEGRADED
    s.state = CRITICAL
    assert status_at(s, P, 0.0, True, True) == CRITICAL


LEVELS = st.sampled_from([0.0, 0.02, 0.03, 0.04, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 0.54, 0.9, 1.0])


@given(st.lists(st.tuples(LEVELS, st.sampled_from([0.0, 0.5, 0.8, 0.81, 0.9])), max_size=60))
def test_no_state_is_entered_or_left_without_its_reports_in_a_row(reports):
    s = HealthState()
    met, held = [], []
    for i, (errors, memory) in enumerate(reports):
        o = HealthReport(error_share=errors, memory_share=memory)
        met.append(level_met(s, P, o))
        held.append(level_held(s, P, o))
        before = s.state
        arrive(s, P, float(i))
        after = judge(s, P, o, float(i))
        if after > before:
            assert min(met[-3:]) == after
            assert len(met) >= 3
        elif after < before:
            assert all(level < left for level in held[-3:] for left in range(after + 1, before + 1))
        else:  # it would have been entered, had three met it
            assert len(met) < 3 or min(met[-3:]) <= before


@given(st.lists(st.tuples(LEVELS, st.sampled_from([0.0, 0.5, 0.9]),
                          st.sampled_from([0.0, 0.09, 0.2, 0.5, 3.0])), max_size=60))
def test_a_quiet_report_may_be_left_unjudged(reports):
    whole, short = HealthState(), HealthState()
    for s in (whole, short):
        for i in range(P.warm_up):
            learn(s, P, 0.1, float(i))
    for i, (errors, memory, response_s) in enumerate(reports):
        o = HealthReport(errors, memory, response_s)
        arrive(whole, P, float(i))
        arrive(short, P, float(i))
        quiet = (
            errors < quiet_errors(short, P) and memory < quiet_memory(P)
            and response_s < quiet_response_s(short, P)
        )
        judge(whole, P, o, float(i))
        if not quiet:
            judge(short, P, o, float(i))
        assert (whole.state, whole.meeting) == (short.state, short.meeting)


def test_a_state_is_known_since_it_was_entered_not_since_the_last_report():
    s = HealthState()
    follow([6] * 3, state=s)
    entered_s = s.since_s
    follow([6] * 5 + [0, 0], state=s)
    assert (s.state, s.since_s) == (DEGRADED, entered_s)


def test_once_known_what_is_usual_is_followed_by_five_percent_a_second():
    s = HealthState()
    for i in range(P.warm_up):
        learn(s, P, 0.1, float(i))
    learn(s, P, 1.1, float(P.warm_up + 1))  # two seconds later: a tenth of the distance
    assert s.usual_s == pytest.approx(0.2)


def test_a_full_memory_is_critical_where_the_limit_is_all_of_it():
    whole = replace(P, critical_memory_share=1.0)
    assert level_met(HealthState(), whole, HealthReport(memory_share=0.99)) == HEALTHY
    assert level_met(HealthState(), whole, HealthReport(memory_share=1.0)) == CRITICAL
