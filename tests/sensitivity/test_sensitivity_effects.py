"""Elementary effects and shares of changed answers, where the truth is known."""

import numpy as np
import pytest

from hms.experiments.sensitivity.effects import Moves, effects, order

WEIGHTS = np.array([3.0, 1.0, 0.0])


def moves(points: int) -> tuple[list[Moves], np.ndarray]:
    """Moves of f = 3a + b + 0c on the unit cube; the answer is whether f > 2."""
    drawn = np.random.default_rng(7)
    base, other = drawn.random((points, 3)), drawn.random((points, 3))
    at_base = base @ WEIGHTS
    found = []
    for i in range(3):
        moved = base.copy()
        moved[:, i] = other[:, i]
        outcome = moved @ WEIGHTS
        flipped = (outcome > 2.0) != (at_base > 2.0)
        found.append(
            Moves(
                flipped[:, None].astype(float), (outcome - at_base)[:, None],
                other[:, i] - base[:, i],
            )
        )  # fmt: skip
    return found, np.array([at_base.var()])


def test_total_indices_of_a_sum_are_its_shares_of_the_variance():
    found = effects(*moves(4000), seed="0")
    assert [e.total for e in found] == [
        pytest.approx(0.9, abs=0.05), pytest.approx(0.1, abs=0.02), 0.0
    ]  # fmt: skip


def test_the_rise_through_the_whole_range_is_the_slope():
    found = effects(*moves(50), seed="0")
    assert [round(e.rising, 9) for e in found] == [3.0, 1.0, 0.0]


def test_shares_of_the_changed_answers_sum_to_one_and_intervals_hold_their_means():
    found = effects(*moves(400), seed="0")
    assert sum(e.share for e in found) == pytest.approx(1.0)
    for e in found:
        assert e.flips_low <= e.flips <= e.flips_high
        assert e.change_low <= e.change_s <= e.change_high
    assert order(found) == [0, 1, 2]


def test_without_any_effect_nothing_is_divided_by_zero():
    still = Moves(np.zeros((5, 2)), np.zeros((5, 2)), np.zeros(5))
    (effect,) = effects([still], np.zeros(2), seed="0")
    assert (effect.flips, effect.share, effect.total, effect.rising) == (0.0, 0.0, 0.0, 0.0)
