"""Paired tests, their adjustment for number, effect sizes, intervals over families."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.evolution.significance import family_bootstrap, holm, less_p, rank_biserial


def test_nothing_that_differs_is_no_proof() -> None:
    assert less_p([1.0, 2.0, 0.0], [1.0, 2.0, 0.0]) == 1.0
    assert rank_biserial([1.0, 2.0], [1.0, 2.0]) == 0.0


def test_the_signed_rank_test_agrees_with_its_table() -> None:
    # ten pairs, all less: the exact one-sided p is 2^-10; the normal approximation is near
    p = less_p(np.arange(10.0), np.arange(10.0) + np.linspace(1.0, 2.0, 10))
    assert p == pytest.approx(0.0025, abs=0.0006)


def test_many_equal_scenarios_weaken_a_find() -> None:
    ours, theirs = np.zeros(20), np.linspace(0.1, 1.0, 20)
    alone = less_p(ours, theirs)
    among_equals = less_p(np.zeros(200), np.concatenate([theirs, np.zeros(180)]))
    assert alone < among_equals


def test_under_chance_it_finds_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    found = sum(less_p(rng.random(60), rng.random(60)) < 0.05 for _ in range(400))
    assert 8 <= found <= 36  # 20 expected; outside has a chance below 1 in 1,000


def test_holm_by_hand() -> None:
    got = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert got == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})


@given(st.dictionaries(st.text("abcd", min_size=1), st.floats(0.0, 1.0), max_size=6))
def test_holm_never_lowers_and_keeps_the_order(p_values: dict[str, float]) -> None:
    got = holm(p_values)
    assert all(got[name] >= p_values[name] and got[name] <= 1.0 for name in p_values)
    ordered = sorted(p_values, key=p_values.__getitem__)
    assert [got[name] for name in ordered] == sorted(got.values())


def test_effect_size_is_one_sided_at_its_ends() -> None:
    assert rank_biserial([1.0, 1.0], [2.0, 3.0]) == -1.0
    assert rank_biserial([2.0, 3.0], [1.0, 1.0]) == 1.0


def test_few_families_make_an_interval_wide() -> None:
    rng = np.random.default_rng(2)
    theirs = rng.random(120)
    families = [f"f{index % 4}" for index in range(120)]
    effect = np.array([{"f0": 0.0, "f1": 1.0, "f2": 2.0, "f3": 3.0}[name] for name in families])
    wide = family_bootstrap(theirs - effect, theirs, families, seed="s", level=0.95)
    even = family_bootstrap(theirs - 1.5, theirs, families, seed="s", level=0.95)
    assert wide.mean == pytest.approx(even.mean)
    assert wide.high - wide.low > 1.0 > even.high - even.low


def test_the_same_seed_gives_the_same_interval() -> None:
    ours, theirs = np.arange(20.0), np.arange(20.0)[::-1]
    names = ["a"] * 10 + ["b"] * 10
    one = family_bootstrap(ours, theirs, names, seed="s", level=0.99, resamples=200)
    two = family_bootstrap(ours, theirs, names, seed="s", level=0.99, resamples=200)
    assert one == two


@pytest.mark.parametrize(("ours", "theirs"), [([1.0], [1.0, 2.0]), ([np.nan], [1.0])])
def test_what_does_not_pair_up_is_refused(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match=r"pairs|finite"):
        less_p(ours, theirs)
