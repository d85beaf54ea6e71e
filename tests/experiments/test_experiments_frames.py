"""`load_run`: tidy frames of a run, found by path, id or `latest`; the module stays light."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import FinishedRun

from hms.errors import MissingError
from hms.experiments import load_run


def test_importing_the_room_costs_neither_pandas_nor_ray() -> None:
    code = "import sys, hms.experiments; print(len({'pandas', 'ray', 'numpy'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "0"


def test_a_name_the_room_does_not_have_is_refused() -> None:
    import hms.experiments

    with pytest.raises(AttributeError, match="no attribute 'load_runs'"):
        hms.experiments.load_runs  # noqa: B018


def test_a_run_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="hms run"):
        load_run(runs=tmp_path)


@pytest.mark.slow
def test_a_run_is_loaded_by_path_id_beginning_and_latest(finished: FinishedRun) -> None:
    run = finished.run
    for name in (run.path, str(run.path), run.id, run.id[:15], "latest"):
        assert load_run(name, finished.runs).path == run.path


@pytest.mark.slow
def test_the_closing_frame_has_a_row_for_each_set_and_stack(finished: FinishedRun) -> None:
    frame = finished.run.closing_frame()
    assert len(frame) == 8
    first = frame.iloc[0]
    row = finished.run.closing.held_out.rows[0]
    assert (first["stack"], first["downtime_s"]) == (row.stack, row.downtime_s)
    champion = frame[frame["stack"] == "champion"]
    assert champion["downtime_difference_s"].isna().all()


@pytest.mark.slow
def test_generations_follow_the_incidents_spent(finished: FinishedRun) -> None:
    frame = finished.run.generations
    assert frame["incidents"].is_monotonic_increasing
    assert frame["incidents"].iloc[-1] == finished.run.manifest["incidents_spent"]["search"]
    assert (frame["best_downtime_s"] <= frame["median_downtime_s"] + 1e-9).all()
    assert (frame["baseline_downtime_s"] >= 0.0).all()


@pytest.mark.slow
def test_the_front_carries_its_policies_as_data(finished: FinishedRun) -> None:
    import json

    from hms.agents.policy.healing_policy import HealingPolicy

    frame = finished.run.front
    assert frame["on_front"].any()
    assert sorted(frame.loc[frame["finalist"] > 0, "finalist"]) == [1, 2, 3, 4]
    for _, row in frame.iterrows():
        policy, problems = HealingPolicy.parse(json.loads(row["policy"]))
        assert problems == []
        assert policy is not None
        assert policy.sha256 == row["policy_sha256"]


@pytest.mark.slow
def test_the_timeline_shows_champion_and_best_baseline(finished: FinishedRun) -> None:
    run, shown = finished.run, finished.run.timeline
    assert list(shown.seconds["stack"].unique()) == ["champion", run.best_baseline]
    assert shown.seconds.groupby("stack").size().to_list() == [120, 120]
    assert shown.incident in run.manifest["sets"]["held_out"]
    assert len(shown.faults) == 1
    assert set(shown.acts.columns) >= {"stack", "t_s", "component", "act", "issue"}


@pytest.mark.slow
def test_validation_points_name_the_champion(finished: FinishedRun) -> None:
    points = finished.run.validation_points()
    kinds = points.groupby("kind").size()
    assert kinds.to_dict() == {"baseline": 3, "champion": 1, "finalist": 3}
    assert points.loc[points["kind"] == "champion", "stack"].item() == "champion"
