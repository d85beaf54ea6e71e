"""Variation stays in bounds, never blends choices, and draws only from its generator."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hms.evolution.operators import crossover, mutate, tournament
from hms.evolution.randomness import generator

GENES = 6
CATEGORICAL = np.array([False, True, False, True, False, False])
population = arrays(np.float64, (8, GENES), elements=st.floats(0.0, 1.0))


@given(population, population, st.integers(0, 999), st.floats(0.5, 40.0))
@settings(max_examples=80, deadline=None)
def test_children_of_a_crossover_stay_in_bounds(
    first: np.ndarray, second: np.ndarray, seed: int, eta: float
) -> None:
    before = first.copy(), second.copy()
    rng = np.random.default_rng(seed)
    one, two = crossover(first, second, CATEGORICAL, rng, eta=eta, pair_share=1.0, gene_share=1.0)
    for child in (one, two):
        assert ((child >= 0.0) & (child <= 1.0)).all()
        whole = (child == first) | (child == second)
        assert whole[:, CATEGORICAL].all()
    assert (first == before[0]).all() and (second == before[1]).all()


@given(population, st.integers(0, 999), st.floats(0.5, 40.0))
@settings(max_examples=80, deadline=None)
def test_mutants_stay_in_bounds(genes: np.ndarray, seed: int, eta: float) -> None:
    mutants = mutate(genes, CATEGORICAL, np.random.default_rng(seed), eta=eta, gene_share=1.0)
    assert ((mutants >= 0.0) & (mutants <= 1.0)).all()


def test_children_lie_around_their_parents_with_the_mean_kept() -> None:
    rng = np.random.default_rng(1)
    first, second = np.full((4000, GENES), 0.4), np.full((4000, GENES), 0.6)
    numbers = np.zeros(GENES, dtype=bool)
    one, two = crossover(first, second, numbers, rng, pair_share=1.0, gene_share=1.0)
    assert abs(one.mean() - 0.5) < 0.01 and abs(two.mean() - 0.5) < 0.01
    spread = np.abs(one - two) / 0.2
    assert 0.45 < (spread < 1.0).mean() < 0.55  # as often inside as outside the parents
    assert (spread > 1.0).any()


def test_a_larger_index_takes_smaller_steps() -> None:
    genes = np.full((4000, GENES), 0.5)
    numbers = np.zeros(GENES, dtype=bool)

    def step(eta: float) -> float:
        mutants = mutate(genes, numbers, np.random.default_rng(2), eta=eta, gene_share=1.0)
        return float(np.abs(mutants - genes).mean())

    assert step(100.0) < step(20.0) < step(5.0)
    assert 0.02 < step(20.0) < 0.06  # 1/(eta + 2) for the unbounded distribution


def test_one_gene_an_individual_is_mutated_on_average() -> None:
    genes = np.full((5000, GENES), 0.5)
    mutants = mutate(genes, CATEGORICAL, np.random.default_rng(3))
    assert 0.95 < (mutants != genes).sum(axis=1).mean() < 1.05


def test_a_mutated_category_is_redrawn_over_its_whole_range() -> None:
    genes = np.full((20_000, GENES), 0.5)
    mutants = mutate(genes, CATEGORICAL, np.random.default_rng(4), gene_share=1.0)[:, CATEGORICAL]
    shares = np.histogram(mutants, bins=5, range=(0.0, 1.0))[0] / mutants.size
    assert np.abs(shares - 0.2).max() < 0.01


def test_equal_parents_have_equal_children() -> None:
    same = np.random.default_rng(5).random((10, GENES))
    one, two = crossover(same, same, CATEGORICAL, np.random.default_rng(6))
    assert (one == same).all() and (two == same).all()


def test_the_better_rank_wins_a_tournament_and_room_decides_between_equals() -> None:
    rank = np.array([0, 0, 1, 2])
    crowding = np.array([np.inf, 0.1, np.inf, np.inf])
    winners = tournament(rank, crowding, 20_000, np.random.default_rng(7))
    shares = np.bincount(winners, minlength=4) / 20_000
    assert np.allclose(shares, [7 / 16, 5 / 16, 3 / 16, 1 / 16], atol=0.015)


def test_a_stream_is_named_by_all_of_its_names() -> None:
    first = generator("42", "breeding").random(4).tolist()
    assert generator("42", "breeding").random(4).tolist() == first
    assert generator("42b", "reeding").random(4).tolist() != first
    assert generator("43", "breeding").random(4).tolist() != first


def test_a_stream_is_the_same_in_every_version() -> None:
    found = generator("20261124", "breeding").integers(0, 2**32, 3).tolist()
    assert found == [3771124216, 4244698691, 1179887844]
