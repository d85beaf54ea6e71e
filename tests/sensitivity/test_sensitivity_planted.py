"""The quantity that was planted to decide comes first, the one without effect last."""

import json

import pytest
from planted_shop import PLANTED

from hms.experiments.cli.main import run
from hms.experiments.sensitivity.questions import question_of
from hms.experiments.sensitivity.study import study
from hms.experiments.sensitivity.unknowns import unknowns, with_values
from hms.scenarios.load import load_scenario


@pytest.fixture
def planted(tmp_path):
    path = tmp_path / "planted.yaml"
    path.write_text(PLANTED, encoding="utf-8")
    return path


def test_what_is_guessed_is_varied_and_what_somebody_stated_is_not(planted):
    found = {(u.label, u.key): (u.low, u.high) for u in unknowns(load_scenario(planted))}
    assert found == {
        ("web", "service_time_ms"): (1.0, 3.0),
        ("db", "service_time_ms"): (10.0, 40.0),
        ("attic", "service_time_ms"): (1.0, 900.0),
        ("web -> db", "timeout_ms"): (500.0, 2000.0),
    }


def test_values_are_set_in_the_models_units(planted):
    loaded = load_scenario(planted)
    chosen = unknowns(loaded)
    scenario = with_values(loaded, chosen, [unknown.at(0.0) for unknown in chosen])
    assert scenario.components["db"].service_time_s == 0.01
    assert scenario.edge("web", "db").timeout_s == 0.5
    assert list(scenario.ranges()) == []


@pytest.mark.slow
def test_the_decisive_guess_is_first_and_the_one_without_effect_last(planted):
    answer = study(question_of(str(planted), [], [], "today", "0"), 12)
    names = [f"{unknown.label} {unknown.key}" for unknown, _ in answer.ranked]
    effects = {name: effect for name, (_, effect) in zip(names, answer.ranked, strict=True)}
    # at 40/s a store of one core needs 25 ms at most: half of its range collapses
    assert names[0] == "db service_time_ms"
    assert effects["db service_time_ms"].share > 0.6
    assert effects["db service_time_ms"].rising > 0.0
    assert names[-1] == "attic service_time_ms"
    assert effects["attic service_time_ms"].change_s == 0.0
    assert answer == study(question_of(str(planted), [], [], "today", "0"), 12)


@pytest.mark.slow
def test_the_command_says_what_to_measure_first(planted, capsys):
    assert run(["sensitivity", str(planted), "--points", "6"]) == 0
    told = capsys.readouterr().out
    assert "measure db service_time_ms first: it decides" in told
    assert "no effect seen: attic service_time_ms" in told
    assert run(["sensitivity", str(planted), "--points", "6", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["quantities"]
    assert rows[0]["quantity"] == "db service_time_ms"
    assert rows[0]["changed_interval"][0] <= rows[0]["changed"] <= rows[0]["changed_interval"][1]


def test_a_scenario_in_which_nothing_is_guessed_exits_2(planted, capsys):
    known = PLANTED.replace("ranges, ", "").replace("sure: guessed", "sure: stated")
    known = known.replace("{between: [1, 3], from: ranges}", "2")
    known = known.replace("{between: [10, 40], from: ranges}", "20")
    known = known.replace("{between: [1, 900], from: ranges}", "20")
    planted.write_text(known, encoding="utf-8")
    assert run(["sensitivity", str(planted)]) == 2
    assert "nothing in the scenario is guessed" in capsys.readouterr().err


def test_a_name_that_is_neither_scenario_nor_run_exits_2(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["sensitivity", "shpo.yaml"]) == 2
    assert "no scenario file shpo.yaml" in capsys.readouterr().err
