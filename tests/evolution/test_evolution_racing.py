"""Clearly worse genomes meet few scenarios; others meet all of them."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from toy_world import toy_world

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.backends import SerialBackend
from hms.evolution.genome import Space
from hms.evolution.individual import Individual
from hms.evolution.objectives import column
from hms.evolution.racing import finishers
from hms.evolution.search import Search
from hms.evolution.settings import SearchSettings
from hms.scenarios.outcome import COLUMNS

Floats = NDArray[np.float64]
WINDOW = range(64)


class Track:
    """Known downtimes and disruptions, shape (policies, scenarios); counts who met what."""

    def __init__(self, downtime_s: Floats, disruption_s: Floats | None = None) -> None:
        self.downtime_s = downtime_s
        self.disruption_s = np.zeros_like(downtime_s) if disruption_s is None else disruption_s
        policies = [
            HealingPolicy().with_values({"breaker.open_s": 1.0 + at / 100.0})
            for at in range(len(downtime_s))
        ]
        self.everyone = [Individual(np.zeros(1), policy, 2) for policy in policies]
        self.met = np.zeros(downtime_s.shape, dtype=bool)

    def rows(self, individuals: Sequence[Individual], scenarios: Sequence[int]) -> Floats:
        places = [self.everyone.index(one) for one in individuals]
        found = np.zeros((len(places), len(scenarios), len(COLUMNS)))
        for at, place in enumerate(places):
            self.met[place, list(scenarios)] = True
            found[at, :, column("downtime_s")] = self.downtime_s[place, list(scenarios)]
            found[at, :, column("disruption_s")] = self.disruption_s[place, list(scenarios)]
        return found

    def race(self, survivors: int) -> list[int]:
        left = finishers(
            self.everyone[survivors:], self.everyone[:survivors], WINDOW, self.rows,
            stages=(8, 16, 32), level=0.05,
        )
        return [self.everyone.index(one) for one in left]


def test_one_that_is_much_worse_meets_eight_scenarios() -> None:
    base = np.random.default_rng(1).random(64)
    track = Track(np.stack([base, base + 10.0]))
    assert track.race(survivors=1) == []
    assert track.met[1].sum() == 8


def test_one_that_is_better_finishes() -> None:
    base = np.random.default_rng(2).random(64)
    track = Track(np.stack([base + 10.0, base]))
    assert track.race(survivors=1) == [1]
    assert track.met[1].sum() == 32  # the rest of the window is the search's to score


def test_one_that_disrupts_less_than_all_survivors_is_not_raced_out() -> None:
    base = np.random.default_rng(3).random(64)
    downtime_s = np.stack([base, base + 10.0])
    track = Track(downtime_s, np.stack([np.full(64, 5.0), np.full(64, 1.0)]))
    assert track.race(survivors=1) == [1]


def test_without_survivors_the_runners_race_each_other() -> None:
    base = np.random.default_rng(4).random(64)
    track = Track(np.stack([base, base + 10.0, base]))
    assert track.race(survivors=0) == [0, 2]


def test_chance_seldom_drops_any_of_many_equals() -> None:
    rng = np.random.default_rng(5)
    dropped = sum(len(Track(rng.random((13, 64))).race(survivors=1)) < 12 for _ in range(60))
    assert dropped <= 17  # three stages of 5 %: about 9 expected


def test_what_is_saved_breeds_more_genomes(families: tuple[str, ...], cases: list[float]) -> None:
    def tried(racing: tuple[int, ...]) -> int:
        wide = SearchSettings(
            incidents=4000, families=families * 6, population=12, incidents_per_genome=40,
            racing=racing,
        )
        backend = SerialBackend({"train": cases * 6}, toy_world)
        search = Search(wide, backend, "1", Space())
        while search.advance() is not None:
            pass
        return int(search.result().history[-1]["distinct"])

    assert tried((8, 16, 32)) > 1.2 * tried(())


@pytest.mark.parametrize("stages", [(16, 8), (8, 8)])
def test_stages_rise(stages: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="racing stages rise"):
        SearchSettings(incidents=1000, families=("a",) * 9, racing=stages)
