"""`make bench` reports: its table and its JSON name every figure, and no time is asserted."""

import importlib
import json
import re

import pytest
from click.testing import CliRunner

from hms.experiments.bench import __main__ as program
from hms.experiments.bench.figure import Figure, median_of, table
from hms.experiments.bench.size import SMALL
from hms.experiments.bench.timing import in_turn, one_answer


def test_a_figure_at_most_its_floor_is_reached() -> None:
    at_most = Figure("fluid", "incident", 4.0, "ms", floor=8.0)
    assert at_most.ratio == 2.0
    assert at_most.reached is True
    assert Figure("fluid", "incident", 10.0, "ms", floor=8.0).reached is False


def test_a_figure_of_which_more_is_better_reaches_its_floor_from_above() -> None:
    short = Figure("workers", "two against one", 1.36, "times", floor=1.7, more_is_better=True)
    assert short.ratio == pytest.approx(0.8)
    assert short.reached is False


def test_a_peer_is_told_as_times_ours_and_reaches_nothing() -> None:
    peer = Figure("fluid", "SimPy", 1_200.0, "ns", ours=300.0)
    assert peer.ratio == 4.0
    assert peer.reached is None


def test_the_table_shows_asked_goal_ratio_and_answer() -> None:
    figures = [
        median_of(
            "fluid", "incident", [9.0, 12.0, 10.0], "ms", clock="cpu", floor=8.0, goal=5.0,
            answer="downtime 1.5 s",
        ),
        Figure("fluid", "SimPy", 1_200.0, "ns", "cpu", ours=300.0),
        Figure("workers", "two", 1.8, "times", "wall", floor=1.7, more_is_better=True),
    ]  # fmt: skip
    head, incident, simpy, two = (re.split(r"\s{2,}", line) for line in table(figures))
    assert head == ["figure", "got", "clock", "spread", "asked", "goal", "ratio", "answer"]
    assert incident[:5] == ["incident", "10", "ms", "cpu", "9..12"]
    assert incident[5:] == ["≤ 8", "≤ 5", "0.8", "missed", "downtime 1.5 s"]
    assert simpy == ["SimPy", "1,200", "ns", "cpu", "4", "x ours"]
    assert two == ["two", "1.8", "times", "wall", "≥ 1.7", "1.06", "reached"]


def test_works_are_timed_in_turn_and_every_other_round_backwards() -> None:
    order: list[str] = []

    def work(name: str) -> str:
        order.append(name)
        return "same"

    taken = in_turn({"a": lambda: work("a"), "b": lambda: work("b")}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert [len(found) for found in taken.values()] == [3, 3]
    assert one_answer(taken) == "same"


def test_unequal_answers_are_told() -> None:
    taken = in_turn({"a": lambda: 1.0, "b": lambda: 2.0}, 1)
    assert one_answer(taken) == "UNEQUAL: 1.0 | 2.0"


def fake(group: str) -> list[Figure]:
    return [Figure(group, f"a figure of {group}", 1.0, "s", "cpu", floor=2.0, answer="42")]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The groups that were measured, by sizes that only say so."""
    found: list[str] = []
    for group, name in program.MEASURES.items():
        module = importlib.import_module(f"hms.experiments.bench.{name}")
        assert group == module.GROUP

        def measure(size: object, group: str = group) -> list[Figure]:
            found.append(group)
            assert size is SMALL
            return fake(group)

        monkeypatch.setattr(module, "measure", measure)
    return found


def test_all_groups_are_measured_and_named(measured: list[str]) -> None:
    done = CliRunner().invoke(program.bench, ["--small"])
    assert done.exit_code == 0, done.output
    assert measured == list(program.MEASURES)
    for group in program.MEASURES:
        assert f"a figure of {group}" in done.stdout
    assert "cores" in done.stdout
    assert "load_before" in done.stdout


def test_only_measures_what_is_named(measured: list[str]) -> None:
    done = CliRunner().invoke(program.bench, ["--small", "--only", "fluid", "--only", "help"])
    assert done.exit_code == 0, done.output
    assert measured == ["help", "fluid"]


def test_an_unknown_figure_is_refused() -> None:
    done = CliRunner().invoke(program.bench, ["--only", "fluids"])
    assert done.exit_code == 2
    assert "'fluid'" in done.output


def test_json_has_the_machine_and_every_figure(measured: list[str]) -> None:
    done = CliRunner().invoke(program.bench, ["--small", "--json", "--only", "compile"])
    told = json.loads(done.stdout)
    assert set(told["machine"]) >= {"processor", "cores", "load_before", "load_after", "numba"}
    (figure,) = told["figures"]
    assert figure["name"] == "a figure of compile"
    assert (figure["got"], figure["floor"], figure["ratio"]) == (1.0, 2.0, 2.0)
    assert figure["reached"] is True
