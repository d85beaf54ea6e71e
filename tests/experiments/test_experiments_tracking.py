"""MLflow: data only, in batches; a server that is away costs seconds and loses nothing."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ended

from hms.errors import InputError, MissingError
from hms.experiments import tracking_uri
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


def test_a_spool_sent_to_a_local_store_leaves_no_folder_where_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remote target says no artifact location; MLflow's own would be `./mlruns`."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "kept.txt").write_text("kept", encoding="utf-8")
    tracker = Tracker(Target(NOBODY, "shop"), tmp_path / "run.jsonl")
    tracker.begin(PARENT, "a run", {})
    tracker.artifact(PARENT, tmp_path / "kept.txt")
    send_spool(tmp_path / "run.jsonl", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert list((tmp_path / "here").iterdir()) == []
    assert len(list((tmp_path / "mlflow-artifacts").rglob("kept.txt"))) == 1


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("htp://x", "unknown scheme `htp://`"),
        ("htp://x", "nearest: `http://`"),
        ("postgres://u:secret@h/db", "nearest: `postgresql://`"),
        ("mlfow", "neither a URI nor an SQLite file"),
        ("localhost:5000", "neither a URI nor an SQLite file"),
        ("http://", "names no host"),
        ("sqlite://mlflow.db", "names no SQLite file"),
        ("sqlite:////nosuch/mlflow.db", "there is no folder /nosuch"),
        ("file:///", "is a folder"),
    ],
)
def test_a_tracking_uri_that_no_store_can_have_is_refused(
    uri: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        local_target(tmp_path, "shop", uri)
    assert said in str(refused.value)
    assert "expected: sqlite:////absolute/path.db" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_wrong_tracking_uri_ends_a_run_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[..., Ended]
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = call("run", "online-boutique", "--tracking-uri", "htp://x")
    assert ended.code == 2
    assert ended.err.startswith("--tracking-uri: unknown scheme `htp://`")
    assert "Traceback" not in ended.err
    assert list(tmp_path.iterdir()) == []


def test_every_form_of_a_store_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = f"sqlite:///{tmp_path / 'mlflow.db'}"
    for given in ("mlflow.db", "sqlite:///mlflow.db", f"{file}", f"file://{tmp_path}/mlflow.db"):
        assert local_target(tmp_path, "shop", given).uri == file
    later = local_target(tmp_path / "runs", "shop", "runs/mlflow.db")
    assert later.uri == f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}", "the run makes its folder"
    for given in (NOBODY, "https://mlflow.example", "postgresql+psycopg://u@h/db"):
        target = local_target(tmp_path, "shop", given)
        assert (target.uri, target.artifacts) == (given, "")


def test_postgresql_without_its_driver_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking_uri, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"hms-healing\[postgres\]"):
        local_target(tmp_path, "shop", "postgresql://u@h/db")
    monkeypatch.setattr(tracking_uri, "find_spec", lambda name: name == "psycopg" or None)
    assert local_target(tmp_path, "shop", "postgresql://u@h/db").uri == (
        "postgresql+psycopg://u@h/db"
    )


def test_nothing_to_send_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no spool"):
        send_spool(tmp_path / "none.jsonl")
