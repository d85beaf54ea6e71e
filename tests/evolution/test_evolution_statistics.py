"""The bootstrap is paired, stratified, seeded, and covers what it claims."""

import numpy as np
import pytest

from hms.evolution.statistics import mean_interval, paired_bootstrap

FAMILIES = ("crash", "hang", "error", "slow") * 25


def test_the_interval_agrees_with_the_closed_form_for_a_stratified_mean() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(5.0, 2.0, 100) + 10.0 * np.arange(100) % 40  # families differ a lot
    found = mean_interval(values, FAMILIES, seed="1")
    labels = np.array(FAMILIES)
    variance = (
        sum(values[labels == name].var() * (labels == name).sum() for name in set(FAMILIES))
        / 100**2
    )
    half = 1.96 * np.sqrt(variance)
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.mean == pytest.approx(half, rel=0.06)
    assert found.mean - found.low == pytest.approx(half, rel=0.06)


def test_about_95_of_100_intervals_hold_the_true_mean() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for repeat in range(400):
        values = rng.exponential(3.0, 80)
        found = mean_interval(values, FAMILIES[:80], seed=str(repeat), resamples=500)
        held += found.low <= 3.0 <= found.high
    assert 0.90 <= held / 400 <= 0.97  # a percentile interval of skewed values falls a bit short


def test_pairing_removes_what_both_share() -> None:
    rng = np.random.default_rng(3)
    luck = rng.normal(0.0, 50.0, 100)
    ours, theirs = luck + rng.normal(-1.0, 1.0, 100), luck
    found = paired_bootstrap(ours, theirs, FAMILIES, seed="3")
    assert found.verdict == -1
    assert found.high - found.low < 1.0
    assert mean_interval(ours, FAMILIES, seed="3").verdict == 0


def test_strata_keep_differences_between_families_out_of_the_interval() -> None:
    values = np.array([0.0, 100.0] * 50)
    apart = mean_interval(values, ("a", "b") * 50, seed="4")
    mixed = mean_interval(values, ("a",) * 100, seed="4")
    assert (apart.low, apart.mean, apart.high) == (50.0, 50.0, 50.0)
    assert mixed.high - mixed.low > 15.0


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    values = np.random.default_rng(5).random(100)
    first = mean_interval(values, FAMILIES, seed="5")
    assert mean_interval(values, FAMILIES, seed="5") == first
    assert mean_interval(values, FAMILIES, seed="6").low != first.low


def test_the_order_of_scenarios_of_other_families_does_not_matter() -> None:
    values = np.random.default_rng(6).random(100)
    order = np.argsort(np.array(FAMILIES), kind="stable")
    moved = mean_interval(values[order], [FAMILIES[i] for i in order], seed="7")
    found = mean_interval(values, FAMILIES, seed="7")
    assert (moved.low, moved.high) == pytest.approx((found.low, found.high))


def test_a_difference_with_itself_is_nothing() -> None:
    values = np.random.default_rng(8).random(100)
    found = paired_bootstrap(values, values, FAMILIES, seed="8")
    assert (found.mean, found.low, found.high, found.verdict) == (0.0, 0.0, 0.0, 0)


@pytest.mark.parametrize(
    ("values", "families"),
    [([], []), ([1.0, 2.0], ["a"]), ([1.0, float("nan")], ["a", "a"]), ([[1.0]], ["a"])],
)
def test_what_cannot_be_averaged_is_refused(values: list[float], families: list[str]) -> None:
    with pytest.raises(ValueError, match="value"):
        mean_interval(values, families, seed="9")


def test_pairs_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="pairs"):
        paired_bootstrap([1.0, 2.0], [1.0], ["a", "a"], seed="9")


def test_families_of_one_scenario_do_not_pretend_to_certainty() -> None:
    values = [1.0, 5.0, 9.0, 13.0, 2.0, 7.0, 11.0]
    alone = mean_interval(values, "abcdefg", seed="1")
    assert alone.low < 5.0 and alone.high > 9.0
