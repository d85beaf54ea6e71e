"""Every window holds each family in its proportion; one turn after another meets them all."""

from collections import Counter

import pytest

from hms.evolution.rotation import Rotation

SEVEN = tuple(f"family {index % 7}" for index in range(98))


def test_a_window_holds_each_family_in_its_proportion() -> None:
    rotation = Rotation(SEVEN, 16, 0.25, "seed")
    for turn in range(60):
        window = rotation.window(turn)
        assert len(set(window)) == 16
        counts = Counter(SEVEN[index] for index in window)
        assert set(counts.values()) <= {2, 3} and len(counts) == 7


def test_unequal_families_keep_their_shares() -> None:
    families = ("rare",) * 10 + ("common",) * 90
    for turn in range(40):
        window = Rotation(families, 20, 0.5, "seed").window(turn)
        assert 1 <= sum(families[index] == "rare" for index in window) <= 3


def test_a_step_brings_a_quarter_of_new_scenarios() -> None:
    rotation = Rotation(SEVEN, 16, 0.25, "seed")
    for turn in range(30):
        assert len(set(rotation.window(turn + 1)) - set(rotation.window(turn))) == 4


def test_all_scenarios_are_met_in_turn() -> None:
    rotation = Rotation(SEVEN, 16, 0.25, "seed")
    met = {index for turn in range(22) for index in rotation.window(turn)}
    assert met == set(range(98))


def test_what_is_before_a_window_is_the_rest_latest_first() -> None:
    rotation = Rotation(SEVEN, 16, 0.25, "seed")
    rest = rotation.before(5)
    assert sorted(rest + rotation.window(5)) == list(range(98))
    assert set(rest[:4]) == set(rotation.window(4)) - set(rotation.window(5))


def test_a_small_set_is_seen_whole() -> None:
    rotation = Rotation(("a", "b", "a"), 16, 0.25, "seed")
    assert sorted(rotation.window(3)) == [0, 1, 2]
    assert rotation.before(3) == []


def test_the_order_hangs_on_the_seed_only() -> None:
    assert Rotation(SEVEN, 16, 0.25, "a").order == Rotation(SEVEN, 8, 1.0, "a").order
    assert Rotation(SEVEN, 16, 0.25, "a").order != Rotation(SEVEN, 16, 0.25, "b").order


@pytest.mark.parametrize(("size", "share"), [(0, 0.25), (16, 0.0), (16, 1.5)])
def test_what_is_no_window_is_refused(size: int, share: float) -> None:
    with pytest.raises(ValueError, match="window"):
        Rotation(SEVEN, size, share, "seed")
    with pytest.raises(ValueError, match="at least one"):
        Rotation((), 16, 0.25, "seed")
