"""`make bench` reports figures beside their goals and judges none of them by time."""

import pytest

from hms.experiments.bench import figures
from hms.experiments.bench.__main__ import table
from hms.experiments.bench.demo import STACKS, load_demo
from hms.experiments.bench.figures import Figure


def test_a_goal_is_a_limit_or_a_floor() -> None:
    assert Figure("incident", 7.9, "ms", 8.0).met is True
    assert Figure("incident", 8.1, "ms", 8.0).met is False
    assert Figure("scaling", 1.8, "times", 1.7, True).met is True
    assert Figure("scaling", 1.6, "times", 1.7, True).met is False
    assert Figure("search", 100.0, "incidents/s").met is None


def test_the_table_names_what_missed() -> None:
    lines = list(table([Figure("a", 9.0, "ms", 8.0), Figure("b", 2.0, "times", 1.7, True)]))
    assert lines[1].split() == ["a", "9", "<=", "8", "ms", "missed"]
    assert lines[2].split() == ["b", "2", ">=", "1.7", "times"]


def test_the_best_of_some_runs_counts() -> None:
    runs = []
    assert figures.best_s(lambda: runs.append(1), 4) >= 0.0
    assert len(runs) == 4


@pytest.mark.slow
def test_the_engine_and_the_search_are_measured() -> None:
    demo = load_demo(7)
    assert len(demo.cases) == 7
    assert len(set(demo.families)) == 7
    assert len(demo.policies) == len(STACKS)
    found = [*figures.engine(demo, repeats=1), *figures.evolution(demo, incidents=200)]
    assert len(found) == 5
    assert all(each.value > 0.0 for each in found)
