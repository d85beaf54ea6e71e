"""Policies without a safety breach come before any with one, whatever those gain."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_world import toy_world

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.backends import SerialBackend
from hms.evolution.individual import Individual
from hms.evolution.objectives import column
from hms.evolution.racing import finishers
from hms.evolution.search import evolve
from hms.evolution.selection import ranks, survivors
from hms.evolution.settings import SearchSettings
from hms.scenarios.outcome import COLUMNS


def scored(points: Sequence[tuple[float, float, int]]) -> list[Individual]:
    """Individuals with (downtime, disruption, breaches)."""
    found = []
    for at, (downtime_s, disruption_s, breaches) in enumerate(points):
        policy = HealingPolicy().with_values({"breaker.open_s": 1.0 + at / 100.0})
        one = Individual(np.zeros(1), policy, 2)
        one.scored((downtime_s, disruption_s), breaches)
        found.append(one)
    return found


numbers = st.integers(0, 4)
points = st.lists(st.tuples(numbers, numbers, st.integers(0, 2)), min_size=2, max_size=12)


@given(points, st.data())
@settings(max_examples=60, deadline=None)
def test_no_survivor_breaches_more_than_one_that_was_left_out(
    values: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    everyone = scored(values)
    kept = survivors(everyone, data.draw(st.integers(1, len(values))))
    left_out = [one for one in everyone if one not in kept]
    assert len(kept) + len(left_out) == len(everyone)
    for one in left_out:
        assert one.breaches >= max(each.breaches for each in kept)


def test_ranks_put_breaches_before_objectives() -> None:
    everyone = scored([(0, 0, 1), (9, 9, 0), (5, 5, 0), (7, 7, 2)])
    assert ranks(everyone)[0].tolist() == [2, 1, 0, 3]


def test_one_that_breaches_races_nobody_out() -> None:
    """The survivor that is 10 s better breaches, the other is as good as the runner."""
    base = np.random.default_rng(1).random(64)
    everyone = scored([(0, 0, 0), (0, 0, 0), (0, 0, 0)])

    def race(breaches: float, known: float) -> int:
        everyone[0].scored((0, 0), known)

        def rows(individuals: Sequence[Individual], scenarios: Sequence[int]) -> np.ndarray:
            found = np.zeros((len(individuals), len(scenarios), len(COLUMNS)))
            for at, one in enumerate(individuals):
                best = one is everyone[0]
                found[at, :, column("downtime_s")] = base[list(scenarios)] + (0 if best else 10)
                found[at, 0, column("breaches")] = breaches if best else 0
            return found

        return len(finishers(everyone[2:], everyone[:2], range(64), rows, stages=(8,), level=0.05))

    assert race(breaches=0, known=0) == 0
    assert race(breaches=1, known=0) == 1  # breached just now
    assert race(breaches=0, known=0.1) == 1  # breached on a scenario of another generation


def test_a_search_gives_up_downtime_for_safety(
    families: tuple[str, ...], cases: list[float]
) -> None:
    def unsafe_world(
        policies: Sequence[HealingPolicy], some: Sequence[float], pairs: np.ndarray
    ) -> np.ndarray:
        """Restarts for memory win 20 s and are a breach in every fifth case."""
        rows = toy_world(policies, some, pairs)
        for row, (policy_at, case_at) in zip(rows, pairs.tolist(), strict=True):
            ladder = policies[policy_at].recovery.get("memory", ())
            restarts = any(step.act == "restart" for step in ladder)
            row[column("breaches")] = float(restarts and case_at % 5 == 0)
        return rows

    told = SearchSettings(
        incidents=2500, families=families, population=12, incidents_per_genome=7
    )
    found = evolve(told, SerialBackend({"train": cases}, unsafe_world), "1")
    assert found.front and all(one.breaches == 0.0 for one in found.front)
    for one in found.front:
        assert all(step.act != "restart" for step in one.policy.recovery.get("memory", ()))
    assert found.history[-1]["breaching"] == sum(one.breaches > 0 for one in found.population)
