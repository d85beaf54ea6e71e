"""Half-open without ceil equals ADR 0005 rule 6 with ceil, on whole calls."""

import math
from fractions import Fraction

import pytest

from hms.agents.policy.breaker import CLOSE, UNDECIDED, half_open_verdict
from hms.agents.policy.kinds import (
    CAUSE_CONSECUTIVE,
    CAUSE_FAILURE_RATE,
    CAUSE_SLOW_RATE,
)
from hms.agents.policy.parameters import BreakerParameters


def rule_six(probes: int, percent: int, done: int, bad: int) -> int:
    """1 open, -1 close, 0 undecided, by `need = ceil(p * f / 100)`."""
    need = math.ceil(Fraction(probes * percent, 100))
    if bad >= need:
        return 1
    return -1 if done - bad >= probes - need + 1 else 0


@pytest.mark.parametrize("probes", [1, 2, 3, 4, 5, 7, 10])
def test_verdict_equals_rule_six_for_every_percentage_and_count(probes):
    for percent in range(1, 101):
        p = BreakerParameters(
            failure_rate=percent / 100, slow_call_rate=1.0, half_open_calls=probes
        )
        for done in range(1, probes + 1):
            for failed in range(done + 1):
                wanted = rule_six(probes, percent, done, failed)
                slow_wanted = rule_six(probes, 100, done, 0)
                verdict = half_open_verdict(p, float(done), float(failed), 0.0)
                if wanted == 1:
                    assert verdict == CAUSE_FAILURE_RATE
                elif wanted == -1 and slow_wanted == -1:
                    assert verdict == CLOSE
                else:
                    assert verdict == UNDECIDED


@pytest.mark.parametrize("probes", [1, 3, 4, 10])
def test_slow_probes_are_judged_by_their_own_rate(probes):
    for percent in (10, 30, 33, 50, 67, 100):
        p = BreakerParameters(
            failure_rate=1.0, slow_call_rate=percent / 100, half_open_calls=probes
        )
        for done in range(1, probes + 1):
            for slow in range(done + 1):
                verdict = half_open_verdict(p, float(done), 0.0, float(slow))
                wanted = rule_six(probes, percent, done, slow)
                if wanted == 1:
                    assert verdict == CAUSE_SLOW_RATE
                elif wanted == -1 and rule_six(probes, 100, done, 0) == -1:
                    assert verdict == CLOSE
                else:
                    assert verdict == UNDECIDED


def test_a_verdict_is_always_reached_when_all_probes_are_back():
    for probes in range(1, 13):
        for percent in range(1, 101):
            p = BreakerParameters(failure_rate=percent / 100, half_open_calls=probes)
            for failed in range(probes + 1):
                assert half_open_verdict(p, float(probes), float(failed), 0.0) != UNDECIDED


def test_with_consecutive_failures_alone_one_failure_opens_and_all_must_pass():
    p = BreakerParameters(
        failure_rate=2.0, slow_call_rate=2.0, consecutive_failures=3, half_open_calls=3
    )
    assert half_open_verdict(p, 2.0, 0.0, 0.0) == UNDECIDED
    assert half_open_verdict(p, 3.0, 0.0, 0.0) == CLOSE
    assert half_open_verdict(p, 2.0, 1.0, 0.0) == CAUSE_CONSECUTIVE


def test_with_every_rule_off_the_first_probe_closes():
    p = BreakerParameters(failure_rate=2.0, slow_call_rate=2.0, half_open_calls=3)
    assert half_open_verdict(p, 1.0, 1.0, 1.0) == CLOSE
