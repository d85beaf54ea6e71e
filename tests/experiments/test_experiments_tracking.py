"""MLflow: data only, in batches; a server that is away costs seconds and loses nothing."""

import time
from pathlib import Path

import pytest

from hms.errors import MissingError
from hms.experiments.tracking import (
    PARENT,
    Target,
    Tracker,
    local_target,
    prepare_environment,
    send_spool,
)

prepare_environment()
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Run  # noqa: E402

NOBODY = "http://127.0.0.1:9"  # the discard port: nobody answers


def logged(tracker: Tracker) -> None:
    """What a run would log, in small."""
    tracker.begin(PARENT, "a run", {"hms.seed": "7"})
    tracker.parameters(PARENT, {"seed": "7"})
    tracker.begin("evolve", "evolve", {"hms.kind": "search"})
    for step in (1, 2):
        tracker.metrics("evolve", {"best_downtime_s": 10.0 / step, "odd": float("nan")}, step)
    tracker.end("evolve")


def runs_of(target: Target) -> dict[str, Run]:
    client = MlflowClient(tracking_uri=target.uri)
    experiment = client.get_experiment_by_name(target.experiment)
    assert experiment is not None
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def test_a_child_is_tied_to_its_parent_and_keeps_its_metrics(tmp_path: Path) -> None:
    target = local_target(tmp_path, "shop", None)
    tracker = Tracker(target, tmp_path / "spool.jsonl")
    logged(tracker)
    tracker.artifact(PARENT, Path(__file__), "sources")
    tracker.close("FINISHED")
    runs = runs_of(target)
    parent, child = runs["a run"], runs["evolve"]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert (parent.info.status, child.info.status) == ("FINISHED", "FINISHED")
    assert child.data.metrics == {"best_downtime_s": 5.0}, "what is not finite is left out"
    kept = list((tmp_path / "mlflow-artifacts").rglob(Path(__file__).name))
    assert len(kept) == 1, "artifacts go among the runs, not into the current folder"
    assert not tracker.spool.exists()


def test_an_interrupted_run_closes_parent_and_children_as_killed(tmp_path: Path) -> None:
    target = local_target(tmp_path, "shop", None)
    tracker = Tracker(target, tmp_path / "spool.jsonl")
    tracker.begin(PARENT, "a run", {})
    tracker.begin("evolve", "evolve", {})
    tracker.close("KILLED")
    assert {run.info.status for run in runs_of(target).values()} == {"KILLED"}


def test_a_server_that_is_away_costs_seconds_and_its_spool_can_be_sent(tmp_path: Path) -> None:
    spool = tmp_path / "spool" / "run.jsonl"
    tracker = Tracker(Target(NOBODY, "shop"), spool)
    began_s = time.monotonic()
    logged(tracker)
    tracker.close("FINISHED")
    assert time.monotonic() - began_s < 60.0, "MLflow's own retries would hold it for minutes"
    assert tracker.away
    here = local_target(tmp_path, "shop", None)
    assert send_spool(spool, here.uri) == 7
    runs = runs_of(here)
    assert runs["evolve"].data.metrics["best_downtime_s"] == 5.0
    assert runs["evolve"].data.tags["mlflow.parentRunId"] == runs["a run"].info.run_id
    assert not spool.exists()


def test_a_spool_sent_in_part_goes_on_where_it_was(tmp_path: Path) -> None:
    spool = tmp_path / "run.jsonl"
    tracker = Tracker(Target(NOBODY, "shop"), spool)
    logged(tracker)
    tracker.artifact(PARENT, tmp_path / "not-there.txt")
    here = local_target(tmp_path, "shop", None)
    with pytest.raises(Exception, match=r"not-there\.txt"):
        send_spool(spool, here.uri)
    (tmp_path / "not-there.txt").write_text("now it is", encoding="utf-8")
    send_spool(spool, here.uri)
    assert sorted(runs_of(here)) == ["a run", "evolve"], "no run was begun twice"


def test_more_parameters_than_a_person_reads_are_refused(tmp_path: Path) -> None:
    tracker = Tracker(local_target(tmp_path, "shop", None), tmp_path / "spool.jsonl")
    with pytest.raises(ValueError, match="16 parameters"):
        tracker.parameters(PARENT, {f"p{i}": i for i in range(16)})


def test_a_tracking_uri_without_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="sqlite:"):
        local_target(tmp_path, "shop", "mlflow.db")


def test_nothing_to_send_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no spool"):
        send_spool(tmp_path / "none.jsonl")
