"""Each pair is simulated once, every incident is counted, and the budget is never exceeded."""

import numpy as np
import pytest
from toy_world import toy_world

from hms.errors import HmsError
from hms.evolution.backends import SerialBackend
from hms.evolution.fitness import Fitness
from hms.evolution.genome import Space


class Counting:
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, int]] = []
        self.answer: float | None = None

    def simulate(self, policies: list, cases: list[float], pairs: np.ndarray) -> np.ndarray:
        self.pairs += [(policies[i].sha256, j) for i, j in pairs.tolist()]
        rows = toy_world(policies, cases, pairs)
        if self.answer is not None:
            rows[-1, 0] = self.answer
        return rows


@pytest.fixture
def counting() -> Counting:
    return Counting()


def make(counting: Counting, cases: list[float], budget: int) -> Fitness:
    return Fitness(SerialBackend({"train": cases}, counting.simulate), "train", budget)


def some(space: Space, count: int) -> list:
    return [space.decode(genes) for genes in space.random(np.random.default_rng(1), count)]


def test_a_pair_is_simulated_once(counting: Counting, cases: list[float], space: Space) -> None:
    fitness = make(counting, cases, 100)
    policies = some(space, 3)
    first = fitness.rows(policies, [0, 1, 2])
    again = fitness.rows([policies[0], policies[2], policies[0]], [2, 1, 5])
    assert fitness.incidents == len(counting.pairs) == len(set(counting.pairs)) == 9 + 2
    assert (again[0, 0] == first[0, 2]).all() and (again[1, 1] == first[2, 1]).all()
    assert (again[0] == again[2]).all()
    assert (fitness.distinct, fitness.remaining) == (3, 89)


def test_cost_says_beforehand_what_will_be_spent(
    counting: Counting, cases: list[float], space: Space
) -> None:
    fitness = make(counting, cases, 100)
    policies = some(space, 3)
    fitness.rows(policies[:2], [0, 1])
    cost = fitness.cost(policies, [1, 2, 1])
    before = fitness.incidents
    fitness.rows(policies, [1, 2, 1])
    assert cost == fitness.incidents - before == 1 + 1 + 2


def test_the_budget_is_never_exceeded(counting: Counting, cases: list[float], space: Space) -> None:
    fitness = make(counting, cases, 5)
    policies = some(space, 3)
    with pytest.raises(ValueError, match="6 incidents asked for, 5 left"):
        fitness.rows(policies, [0, 1])
    assert counting.pairs == [] and fitness.incidents == 0
    fitness.rows(policies[:1], [0, 1, 2, 3, 4])
    assert fitness.remaining == 0
    fitness.rows(policies[:1], [4, 0])


def test_a_result_that_is_no_number_is_an_error_that_names_the_incident(
    counting: Counting, cases: list[float], space: Space
) -> None:
    fitness = make(counting, cases, 100)
    counting.answer = float("nan")
    (policy,) = some(space, 1)
    with pytest.raises(HmsError, match=f"policy {policy.sha256[:12]} on train scenario 7"):
        fitness.rows([policy], [3, 7])
    assert fitness.incidents == 2


def test_what_a_policy_met_is_kept_in_scenario_order(
    counting: Counting, cases: list[float], space: Space
) -> None:
    fitness = make(counting, cases, 100)
    (policy,) = some(space, 1)
    fitness.rows([policy], [9, 2])
    fitness.rows([policy], [4])
    assert (
        fitness.seen(policy)[:, 0].tolist() == fitness.rows([policy], [2, 4, 9])[0, :, 0].tolist()
    )
    assert fitness.knows(policy) and not fitness.knows(some(space, 2)[1])
