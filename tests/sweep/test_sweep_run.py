"""A sweep runs, stops, goes on, and its table says how sure it is."""

import json

import pandas as pd
import pytest

from hms.errors import InputError
from hms.experiments.plan_file import load_plan
from hms.experiments.run_directory import changed_files, list_runs, read_manifest
from hms.experiments.sweep.run import SweepStopped, resume_sweep, start_sweep
from hms.experiments.sweep.table import table_lines

pytestmark = pytest.mark.slow


def silent(done, cells, cell):
    """No progress."""


def stops_at(place):
    def said(done, cells, cell):
        if done == place:
            raise KeyboardInterrupt

    return said


@pytest.fixture
def swept(experiment, tmp_path):
    return start_sweep(load_plan(experiment()), tmp_path / "runs", silent)


def rows_of(run):
    return pd.read_parquet(run / "results" / "sweep.parquet")


def test_all_combinations_meet_the_same_failures(swept):
    rows = rows_of(swept.path)
    assert len(rows) == 4 * 4
    met = rows.groupby("cell")["incident"].apply(list)
    assert all(each == met[0] for each in met)
    assert met[0] == ["sweep/crash/0", "sweep/hang/0", "sweep/crash/1", "sweep/hang/1"]


def test_the_table_has_a_row_a_combination_with_intervals(swept):
    table = pd.read_parquet(swept.path / "results" / "sweep_cells.parquet")
    assert len(table) == 4
    assert (table["n"] == 4).all()
    assert (table["downtime_s_low"] <= table["downtime_s"]).all()
    assert (table["downtime_s"] <= table["downtime_s_high"]).all()
    assert (table["p_collapse_low"] <= table["p_collapse"]).all()
    assert (table["p_collapse_high"] > 0.3).all()
    first = rows_of(swept.path).query("cell == 0")
    assert table["downtime_s"][0] == pytest.approx(first["downtime_s"].mean())


def test_the_run_directory_says_what_was_swept(swept):
    manifest = read_manifest(swept.path)
    assert (manifest["kind"], manifest["status"], manifest["cells"]) == ("sweep", "finished", 4)
    assert manifest["sweep"]["factors"]["policy"] == ["today", "ladder"]
    assert changed_files(swept.path) == []
    again = load_plan(swept.path / "experiment.yaml")
    assert again.sweep == swept.plan.sweep


def test_a_stopped_sweep_goes_on_and_gives_the_same_bits(experiment, tmp_path, swept):
    plan = load_plan(experiment())
    with pytest.raises(SweepStopped, match="stopped after 2 of 4") as stop:
        start_sweep(plan, tmp_path / "again", stops_at(2))
    assert "hms sweep --resume" in stop.value.message
    (kept,) = list_runs(tmp_path / "again").values()
    resumed = resume_sweep(kept, silent)
    assert resumed.reused == 2
    pd.testing.assert_frame_equal(rows_of(resumed.path), rows_of(swept.path))
    pd.testing.assert_frame_equal(resumed.table, swept.table)


def test_what_failed_can_go_on_too(experiment, tmp_path):
    def breaks(done, cells, cell):
        if done == 3:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        start_sweep(load_plan(experiment()), tmp_path / "runs", breaks)
    (kept,) = list_runs(tmp_path / "runs").values()
    assert resume_sweep(kept, silent).reused == 3


def test_a_finished_sweep_and_another_run_are_not_resumed(swept, tmp_path):
    with pytest.raises(InputError, match="is finished"):
        resume_sweep(swept.path, silent)
    other = tmp_path / "runs" / "20260101T000000Z-x.interrupted"
    other.mkdir()
    with pytest.raises(InputError, match="is no sweep"):
        resume_sweep(other, silent)


def test_a_family_can_be_a_factor(experiment, tmp_path):
    path = experiment(("policy: [today, ladder]", "family: [crash, partial]"))
    swept = start_sweep(load_plan(path), tmp_path / "runs", silent)
    families = rows_of(swept.path).groupby("cell")["family"].unique().map(list)
    assert families.tolist() == [["crash"], ["crash"], ["partial"], ["partial"]]


def test_another_seed_draws_other_failures(experiment, tmp_path, swept):
    other = start_sweep(load_plan(experiment()), tmp_path / "other", silent, seed="8")
    assert not rows_of(other.path)["downtime_s"].equals(rows_of(swept.path)["downtime_s"])


def test_the_text_is_a_table_that_one_can_read(swept):
    lines = list(table_lines(swept.table, swept.plan))
    assert lines[0].startswith("policy  workload/0/rate_rps")
    assert len(lines) == 5
    assert lines[1].startswith("today   20")


def test_the_command_prints_it_or_json(experiment, tmp_path, capsys):
    from hms.experiments.cli.main import run

    path, out = str(experiment()), str(tmp_path / "runs")
    assert run(["sweep", path, "--out", out, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert len(data["cells"]) == 4 and data["reused"] == 0
    assert run(["sweep"]) == 2
    assert "either EXPERIMENT or --resume RUN" in capsys.readouterr().err
