"""CMA-ES moves the numbers of one policy, nothing else, and never by more disruption."""

from collections.abc import Sequence

import numpy as np
import pytest
from toy_world import toy_world, wide_world

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.genome import Space
from hms.evolution.individual import Individual
from hms.evolution.objectives import column
from hms.evolution.polish import live_numbers, polish

CASES = [0.0] * 4


def polished(space: Space, policy: HealingPolicy, world, seed: str = "1") -> tuple:
    start = Individual(space.encode(policy), policy, 2)

    def rows(some: Sequence[Individual]) -> np.ndarray:
        pairs = np.array([(i, j) for i in range(len(some)) for j in range(len(CASES))])
        found = world([one.policy for one in some], CASES, pairs)
        return found.reshape(len(some), len(CASES), -1)

    def made(genes: np.ndarray) -> Individual:
        return Individual(genes, space.decode(genes), 2)

    found = polish(start, space, rows, made, rounds=30, candidates=8, seed=seed)
    return start, found, [float(rows([one])[0, :, 0].mean()) for one in [start, *found]]


@pytest.fixture
def policy() -> HealingPolicy:
    return HealingPolicy().with_values({"breaker.enabled": True, "breaker.open_s": 20.0})


def test_it_comes_nearer_round_by_round(space: Space, policy: HealingPolicy) -> None:
    *_, downtimes = polished(space, policy, wide_world)
    assert downtimes == sorted(downtimes, reverse=True)
    assert downtimes[-1] < 0.85 * downtimes[0]


def test_it_leaves_choices_and_ladder_alone(space: Space, policy: HealingPolicy) -> None:
    start, found, _ = polished(space, policy, toy_world)
    same = np.array(space.categorical)
    assert found
    assert all((one.genes[same] == start.genes[same]).all() for one in found)


def test_genes_that_are_switched_off_are_left_alone(space: Space) -> None:
    off = space.encode(HealingPolicy().with_values({"breaker.enabled": False}))
    names = {space.genes[at].path for at in live_numbers(space, off)}
    assert "breaker.open_s" not in names and "timeout.call_s" in names


def test_the_same_seed_gives_the_same_and_leaves_numpy_alone(
    space: Space, policy: HealingPolicy
) -> None:
    before = np.random.get_state()[1].copy()
    one = [each.sha256 for each in polished(space, policy, wide_world)[1]]
    two = [each.sha256 for each in polished(space, policy, wide_world)[1]]
    assert one == two
    assert (np.random.get_state()[1] == before).all()


def test_what_disrupts_more_is_no_better(space: Space, policy: HealingPolicy) -> None:
    def bribed(policies: list, cases: list, pairs: np.ndarray) -> np.ndarray:
        rows = wide_world(policies, cases, pairs)
        rows[:, 5] = 100.0 - rows[:, 0]  # each second of downtime less costs one of disruption
        return rows

    _, found, downtimes = polished(space, policy, bribed)
    assert not found or downtimes[-1] > downtimes[0] - 1e-9


def test_a_safety_breach_is_never_a_gain(space: Space, policy: HealingPolicy) -> None:
    def unsafe(policies: list, cases: list, pairs: np.ndarray) -> np.ndarray:
        rows = wide_world(policies, cases, pairs)
        start_s = wide_world([policy], cases, np.array([(0, int(j)) for j in pairs[:, 1]]))[:, 0]
        rows[:, column("breaches")] = rows[:, 0] < start_s - 1e-9  # who is faster, breaches
        return rows

    _, found, _ = polished(space, policy, unsafe)
    assert found == []
