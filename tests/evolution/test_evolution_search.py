"""The search finds a known optimum, spends its budget exactly, and depends on its seed only."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fake_ray import FakeRay
from toy_world import toy_world, wide_world

from hms.evolution import baselines
from hms.evolution.backends import RayBackend, SerialBackend
from hms.evolution.genome import Space
from hms.evolution.search import SearchResult, evolve
from hms.evolution.settings import SearchSettings


def settings(families: tuple[str, ...], incidents: int, **changed: object) -> SearchSettings:
    return SearchSettings(
        incidents=incidents,
        families=families,
        **{"population": 12, "incidents_per_genome": 7, **changed},  # type: ignore[arg-type]
    )


def identity(result: SearchResult) -> list[tuple[str, tuple[float, ...]]]:
    return [(one.sha256, one.values) for one in (*result.front, *result.population)]


@pytest.fixture
def backend(cases: list[float]) -> SerialBackend:
    return SerialBackend({"train": cases}, toy_world)


def test_it_finds_the_optimum_of_a_known_world(
    families: tuple[str, ...], backend: SerialBackend
) -> None:
    result = evolve(settings(families, 6000), backend, "1")
    best = result.front[0]
    assert best.values[0] < 3.0 + 1.5  # 3 s is the mean that no policy avoids
    assert best.policy.value("retry.max_attempts") == 2
    assert 3.0 < best.policy.value("breaker.open_s") < 8.0
    assert any(step.act == "restart" for step in best.policy.recovery["memory"])
    assert result.front[-1].values[1] == 0.0  # the other end: no act at all


def test_it_beats_chance_at_the_same_budget(
    families: tuple[str, ...], cases: list[float], space: Space
) -> None:
    backend = SerialBackend({"train": cases}, wide_world)
    for seed in ("1", "2", "3"):
        found = evolve(settings(families, 3000, start_from=("random",)), backend, seed)
        tried = [space.decode(g) for g in space.random(np.random.default_rng(int(seed)), 3000 // 7)]
        chance = backend.evaluate(tried, range(7), "train")[:, :, 0].mean(axis=1) - 3.0
        assert found.front[0].values[0] - 3.0 < 0.85 * chance.min()


@pytest.mark.parametrize("incidents", [17, 100, 555, 1000, 2311])
def test_the_budget_is_spent_and_not_exceeded(
    families: tuple[str, ...], cases: list[float], incidents: int
) -> None:
    simulated: Counter[tuple[str, int]] = Counter()

    def counted(policies: list, some: list[float], pairs: np.ndarray) -> np.ndarray:
        simulated.update((policies[i].sha256, j) for i, j in pairs.tolist())
        return toy_world(policies, some, pairs)

    backend = SerialBackend({"train": cases}, counted)
    result = evolve(settings(families, incidents), backend, "2")
    assert result.incidents == sum(simulated.values()) <= incidents
    assert set(simulated.values()) == {1}
    assert incidents - result.incidents <= max(12 + 7, 0.15 * incidents * (incidents < 200))
    assert result.history[-1]["incidents"] == result.incidents


def test_the_same_seed_gives_the_same_front_on_any_back_end(
    families: tuple[str, ...], cases: list[float], backend: SerialBackend
) -> None:
    told = settings(families, 1500)
    expected = evolve(told, backend, "3")
    for order, chunk_incidents in ((1, 5), (2, 48)):
        ray = FakeRay(order_seed=order)
        parallel = RayBackend(ray, {"train": cases}, toy_world, chunk_incidents=chunk_incidents)
        found = evolve(told, parallel, "3")
        assert identity(found) == identity(expected)
        assert found.history == expected.history
    assert identity(evolve(told, backend, "4")) != identity(expected)


def test_the_same_seed_gives_the_same_front_in_another_process() -> None:
    program = (
        "from toy_world import FAMILIES, toy_world\n"
        "from test_evolution_search import identity, settings\n"
        "from hms.evolution.backends import SerialBackend\n"
        "from hms.evolution.search import evolve\n"
        "families = tuple(FAMILIES[i % 7] for i in range(56))\n"
        "cases = [float(i % 7) for i in range(56)]\n"
        "backend = SerialBackend({'train': cases}, toy_world)\n"
        "print(identity(evolve(settings(families, 800), backend, '5')))\n"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PATH": "", "PYTHONPATH": ":".join(sys.path)},
            cwd=Path(__file__).resolve().parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    ]
    assert told[0] == told[1] != ""


def test_a_generation_is_scored_on_common_scenarios_and_they_rotate(
    families: tuple[str, ...], cases: list[float]
) -> None:
    calls: list[dict[str, set[int]]] = []

    def noted(policies: list, some: list[float], pairs: np.ndarray) -> np.ndarray:
        met: dict[str, set[int]] = {}
        for i, j in pairs.tolist():
            met.setdefault(policies[i].sha256, set()).add(j)
        calls.append(met)
        return toy_world(policies, some, pairs)

    told = settings(families, 1500, polish_share=0.0)
    evolve(told, SerialBackend({"train": cases}, noted), "6")
    windows = []
    for met in calls[:-1]:  # the last call is the finals
        sizes = {len(scenarios) for scenarios in met.values()}
        assert sizes <= {7, 2}  # newcomers see the window, survivors what is new in it
        (window,) = {frozenset(scenarios) for scenarios in met.values() if len(scenarios) == 7}
        assert all(scenarios <= window for scenarios in met.values())
        windows.append(window)
    assert len(set(windows)) == len(windows)
    assert all(len({families[index] for index in window}) >= 6 for window in windows)


def test_finalists_were_all_scored_on_the_same_many_scenarios(
    families: tuple[str, ...], backend: SerialBackend
) -> None:
    result = evolve(settings(families, 2000), backend, "7")
    assert result.history[-1]["children"] == 0
    assert result.history[-1]["scenarios"] > 14
    finalists = result.finalists(6)
    assert len({one.sha256 for one in finalists}) == 6
    assert set(result.front[0].values) == set(finalists[0].values) or result.front[0] in finalists
    assert len(result.finalists(99)) == 12


def test_the_baselines_are_where_it_starts(
    families: tuple[str, ...], backend: SerialBackend
) -> None:
    result = evolve(settings(families, 500), backend, "8")
    ladder = baselines.load("ladder").policy.sha256
    first = [each.individual for each in result.archive if each.individual.born == 0]
    assert ladder in {one.sha256 for one in first}
    alone = evolve(settings(families, 500, start_from=("ladder",)), backend, "8")
    assert alone.archive[0].individual.sha256 == ladder


def test_offspring_name_their_parents_and_no_policy_appears_twice(
    families: tuple[str, ...], backend: SerialBackend
) -> None:
    result = evolve(settings(families, 1500), backend, "9")
    hashes = [each.individual.sha256 for each in result.archive]
    assert len(set(hashes)) == len(hashes) == result.history[-1]["distinct"]
    short = {each[:12] for each in hashes}
    born = [each.individual for each in result.archive if each.individual.parents]
    assert born and all(set(one.parents) <= short for one in born)


def test_progress_is_told_after_each_generation(
    families: tuple[str, ...], backend: SerialBackend
) -> None:
    rows: list[dict] = []
    result = evolve(settings(families, 1000), backend, "10", rows.append)
    assert rows == result.history
    spent = [row["incidents"] for row in rows]
    assert spent == sorted(spent) and {row["budget"] for row in rows} == {1000}
    for row in rows:
        assert row["best_downtime_s"] <= row["median_downtime_s"]
        assert row["hypervolume"] >= 0.0 and 1 <= row["front"] <= 12


def test_three_objectives_are_searched_too(
    families: tuple[str, ...], backend: SerialBackend
) -> None:
    told = settings(families, 800, objectives=("downtime_s", "cvar_s", "disruption_s"))
    result = evolve(told, backend, "11")
    assert len(result.front[0].values) == 3
    volumes = [row["hypervolume"] for row in result.history]
    assert volumes[0] > 0.0 and "best_cvar_s" in result.history[0]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"incidents": 13}, "cannot compare two genomes"),
        ({"population": 2}, "population of 4"),
        ({"objectives": ("uptime_s",)}, "objectives are some of"),
        ({"rotation_share": 0.0}, "rotation_share"),
        ({"families": ()}, "at least one training scenario"),
    ],
)
def test_settings_that_make_no_search_are_refused(
    families: tuple[str, ...], changed: dict[str, object], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        SearchSettings(**{"incidents": 1000, "families": families, **changed})  # type: ignore[arg-type]
