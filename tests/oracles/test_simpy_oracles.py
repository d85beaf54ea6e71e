"""The request engine against SimPy models that share no code with it.

Both run the same small system over several seeds each. A figure agrees if both means lie within
3.5 standard errors of their difference, plus 1 % where a figure is a quantile off a sketch.
"""

import math
import statistics

import pytest
from oracle_parts import OURS, SIMPY
from oracle_worlds import SYSTEMS

QUICK = {"mmc", "cancelled", "budget", "breaker"}


def mean_and_error(values):
    return statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))


def compare(name, count, horizon_s):
    ours = [OURS[name](seed, horizon_s) for seed in range(count)]
    theirs = [SIMPY[name](seed, horizon_s) for seed in range(100, 100 + count)]
    for figure in theirs[0]:
        a, a_error = mean_and_error([one[figure] for one in ours])
        b, b_error = mean_and_error([one[figure] for one in theirs])
        slack = 0.01 * abs(b) if figure.startswith("p") else 1e-9
        apart = 3.5 * math.hypot(a_error, b_error) + slack
        assert abs(a - b) <= apart, f"{figure}: ours {a:.5g}, SimPy {b:.5g}, within {apart:.2g}"
        assert apart <= 0.6 * max(abs(b), 0.05), f"{figure} {b:.3g} is too vague: {apart:.2g}"


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in SYSTEMS]
)
def test_both_tell_the_same(name):
    compare(name, 8, 8.0)


@pytest.mark.soak
@pytest.mark.parametrize("name", SYSTEMS)
def test_both_tell_the_same_of_many_requests(name):
    compare(name, 20, 60.0)


def test_there_are_enough_of_them():
    assert len(SYSTEMS) >= 12
    assert set(SYSTEMS) == set(OURS) == set(SIMPY)
