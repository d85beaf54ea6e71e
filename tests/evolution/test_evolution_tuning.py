"""Tuned baselines get what the search gets: the same incidents, windows, genes and encoding."""

import numpy as np
import pytest
from fake_ray import FakeRay
from toy_world import toy_world

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution import baselines
from hms.evolution.backends import RayBackend, SerialBackend
from hms.evolution.genome import Space
from hms.evolution.search import evolve
from hms.evolution.settings import SearchSettings
from hms.evolution.tuning import LADDER_TUNED, TPE, TUNED, tune_stack
from hms.evolution.tuning.parzen import genome_of, parameters
from hms.evolution.tuning.random_search import RandomSearch
from hms.evolution.tuning.tuner import DOWNTIME, costs_s

INCIDENTS = 1000


@pytest.fixture
def settings(families: tuple[str, ...]) -> SearchSettings:
    return SearchSettings(INCIDENTS, families, population=6, incidents_per_genome=7)


@pytest.fixture
def backend(cases: list[float]) -> SerialBackend:
    return SerialBackend({"train": cases}, toy_world)


class Counting:
    """A back end that writes down every incident it simulates."""

    def __init__(self, backend: SerialBackend) -> None:
        self.backend = backend
        self.pairs: list[tuple[str, int]] = []

    def evaluate_pairs(self, policies, pairs, set_name):  # type: ignore[no-untyped-def]
        self.pairs += [(policies[p].sha256, s) for p, s in pairs.tolist()]
        return self.backend.evaluate_pairs(policies, pairs, set_name)


@pytest.mark.parametrize("name", TUNED)
def test_a_tuner_simulates_as_many_incidents_as_the_search(
    name: str, settings: SearchSettings, backend: SerialBackend, space: Space
) -> None:
    counted = Counting(backend)
    tuned = tune_stack(name, settings, counted, "1", space=space)  # type: ignore[arg-type]
    searched = evolve(settings, backend, "1", space=space).incidents
    assert tuned.incidents == len(counted.pairs) == tuned.log[-1]["incidents"]
    assert len(set(counted.pairs)) == len(counted.pairs)
    assert searched == pytest.approx(INCIDENTS, rel=0.01)
    assert tuned.incidents == pytest.approx(searched, rel=0.01)
    assert tuned.incidents <= INCIDENTS


@pytest.mark.slow
@pytest.mark.parametrize("name", TUNED)
def test_the_same_seed_tunes_the_same_policy_on_any_back_end(
    name: str, families: tuple[str, ...], backend: SerialBackend, cases: list[float]
) -> None:
    short = SearchSettings(400, families, population=4, incidents_per_genome=4)
    parallel = RayBackend(FakeRay(order_seed=3), {"train": cases}, toy_world, chunk_incidents=5)
    first = tune_stack(name, short, backend, "1")
    again = tune_stack(name, short, parallel, "1")
    other = tune_stack(name, short, backend, "2")
    assert first.policy.sha256 == again.policy.sha256
    assert (first.log, first.costs_s) == (again.log, again.costs_s)
    assert other.costs_s != first.costs_s


def acts(policy: HealingPolicy) -> dict[str, list[str]]:
    return {issue: [step.act for step in steps] for issue, steps in policy.recovery.items()}


def test_the_tuned_ladder_keeps_the_order_of_acts_and_is_down_less(
    settings: SearchSettings, backend: SerialBackend
) -> None:
    tuned = tune_stack(LADDER_TUNED, settings, backend, "1")
    ladder = baselines.load("ladder").policy
    rows = backend.evaluate([ladder, tuned.policy], range(56), "train")
    assert acts(tuned.policy) == acts(ladder)
    assert tuned.policy.about["name"] == LADDER_TUNED
    assert tuned.cost_s < -0.5
    assert rows[1, :, DOWNTIME].mean() < rows[0, :, DOWNTIME].mean() - 0.5


def test_random_candidates_differ_from_the_ladder_in_settings_only(space: Space) -> None:
    ladder = space.encode(baselines.load("ladder").policy)
    search = RandomSearch(space, [ladder], "1")
    first, *drawn = search.ask(31, [])
    assert (first == ladder).all()
    fixed = np.setdiff1d(np.arange(len(space)), search.free)
    assert all(space.genes[at].path.startswith("ladder.") for at in fixed)
    assert all((genome[fixed] == ladder[fixed]).all() for genome in drawn)
    assert all(((genome >= 0.0) & (genome <= 1.0)).all() for genome in drawn)
    assert len({genome.tobytes() for genome in drawn}) == 30


def test_a_champion_handed_to_the_tuner_makes_no_difference(
    settings: SearchSettings, backend: SerialBackend, space: Space
) -> None:
    champion = evolve(settings, backend, "1", space=space).front[0].policy
    tuned = tune_stack(
        TPE, settings, backend, "1", space=space, start=[champion], reference=champion
    )
    assert tuned.costs_s[champion.sha256] == 0.0
    assert tuned.cost_s <= 0.0


def test_the_tuner_and_the_search_mean_the_same_policy_by_a_genome(space: Space) -> None:
    for genome in space.random(np.random.default_rng(7), 50):
        again = genome_of(space, parameters(space, genome))
        assert space.decode(again).sha256 == space.decode(genome).sha256


def test_disruption_that_a_champion_may_not_cost_is_taken_away_tenfold(
    backend: SerialBackend,
) -> None:
    platform, ladder = (baselines.load(name).policy for name in ("platform", "ladder"))
    rows = backend.evaluate([ladder, platform], range(7), "train")
    steps = sum(len(ladder) for ladder in ladder.recovery.values())
    found = costs_s(rows, rows[1])
    assert found[1] == 0.0
    gained_s = (rows[0, :, DOWNTIME] - rows[1, :, DOWNTIME]).mean()
    assert found[0] == pytest.approx(gained_s + 10.0 * (steps - 1.0))


def test_an_unknown_tuner_is_refused(settings: SearchSettings, backend: SerialBackend) -> None:
    with pytest.raises(KeyError, match="ladder-tuned, tpe"):
        tune_stack("annealing", settings, backend, "1")
