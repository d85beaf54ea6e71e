"""Survival by rank and crowding; a point of the front is taken twice only when all are in."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hms.evolution.genome import Space
from hms.evolution.individual import Individual
from hms.evolution.selection import ranks, survivors

SPACE = Space()


def scored(points: Sequence[tuple[float, float]]) -> list[Individual]:
    rng = np.random.default_rng(0)
    found = []
    for point in points:
        genes = SPACE.random(rng, 1)[0]
        one = Individual(genes, SPACE.decode(genes), 2)
        one.scored(point)
        found.append(one)
    return found


def dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


points = st.lists(
    st.tuples(st.integers(0, 6).map(float), st.integers(0, 6).map(float)), min_size=4, max_size=14
)


@given(points, st.data())
@settings(max_examples=60, deadline=None)
def test_no_survivor_is_beaten_by_a_point_that_was_left_out(
    values: list[tuple[float, float]], data: st.DataObject
) -> None:
    individuals = scored(values)
    count = data.draw(st.integers(1, len(values)))
    kept = survivors(individuals, count)
    assert len(kept) == count
    assert len({id(one) for one in kept}) == count
    held = {one.values for one in kept}
    for value in set(values) - held:
        assert not any(dominates(value, one) for one in held)
    if count <= len(set(values)):
        assert len(held) == count


def test_of_equal_points_the_earliest_survives() -> None:
    first, twin, other = scored([(1.0, 2.0), (1.0, 2.0), (2.0, 1.0)])
    assert survivors([first, twin, other], 2) in ([first, other], [other, first])
    assert len(survivors([first, twin, other], 3)) == 3


def test_survivors_spread_over_the_front() -> None:
    front = scored([(0.0, 10.0), (1.0, 9.0), (1.1, 8.9), (1.2, 8.8), (10.0, 0.0)])
    kept = {one.values for one in survivors(front, 3)}
    assert {(0.0, 10.0), (10.0, 0.0)} <= kept


def test_ranks_count_the_fronts() -> None:
    population = scored([(2.0, 2.0), (0.0, 1.0), (1.0, 0.0), (3.0, 3.0)])
    rank, crowding = ranks(population)
    assert rank.tolist() == [1, 0, 0, 2]
    assert crowding.shape == (4,)


def test_the_same_points_in_another_order_give_the_same_set() -> None:
    values = [(float(x), float(9 - x) + (x % 3)) for x in range(10)]
    kept = {one.values for one in survivors(scored(values), 5)}
    assert {one.values for one in survivors(scored(values[::-1]), 5)} == kept


def test_a_twin_of_the_hall_of_fame_keeps_its_score_when_the_original_moves_on() -> None:
    import copy

    (one,) = scored([(1.0, 2.0)])
    twin = copy.deepcopy(one)
    one.scored((5.0, 5.0))
    assert twin.values == (1.0, 2.0)
    assert twin == one and twin.genes is not one.genes
    assert twin.values == pytest.approx((1.0, 2.0))
