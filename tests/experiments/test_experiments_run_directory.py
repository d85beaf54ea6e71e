"""A run's folder: whole under its name, or marked; found by path, id or `latest`."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hms.errors import ManifestError, MissingError
from hms.experiments.run_directory import (
    RunDirectory,
    changed_files,
    read_manifest,
    resolve_run,
    sha256_of,
)

START = datetime(2026, 11, 24, 10, 15, 30, tzinfo=UTC)


def made(runs: Path, name: str = "shop", started: datetime = START) -> Path:
    directory = RunDirectory.create(runs, name, started)
    directory.write("policy.yaml", "schema: hms.policy/1\n")
    return directory.finish({"seed": "1"})


def test_a_run_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    directory = RunDirectory.create(tmp_path, "shop", START)
    directory.write("results/held_out.parquet", b"rows")
    assert [path.name for path in tmp_path.iterdir()] == [".20261124T101530Z-shop.partial"]
    path = directory.finish({"seed": "1"})
    assert [path.name for path in tmp_path.iterdir()] == ["20261124T101530Z-shop"]
    manifest = read_manifest(path)
    assert (manifest["status"], manifest["seed"]) == ("finished", "1")
    assert manifest["files"] == {
        "results/held_out.parquet": sha256_of(path / "results" / "held_out.parquet")
    }


def test_two_runs_of_one_second_get_two_folders(tmp_path: Path) -> None:
    assert [made(tmp_path).name, made(tmp_path).name] == [
        "20261124T101530Z-shop",
        "20261124T101530Z-shop-2",
    ]


def test_an_interrupted_run_keeps_what_is_whole(tmp_path: Path) -> None:
    directory = RunDirectory.create(tmp_path, "shop", START)
    directory.write("policy.yaml", "whole\n")
    (directory.path / ".report.html.x1").write_text("half of a page", encoding="utf-8")
    path = directory.interrupt({"stopped_during": "evolve"})
    assert path.name == "20261124T101530Z-shop.interrupted"
    assert sorted(each.name for each in path.iterdir()) == ["manifest.json", "policy.yaml"]
    assert read_manifest(path)["status"] == "interrupted"


def test_a_changed_added_or_missing_file_is_seen(tmp_path: Path) -> None:
    path = made(tmp_path)
    assert changed_files(path) == []
    (path / "policy.yaml").write_text("other\n", encoding="utf-8")
    (path / "new.txt").write_text("new", encoding="utf-8")
    assert changed_files(path) == ["new.txt", "policy.yaml"]
    (path / "policy.yaml").unlink()
    assert changed_files(path) == ["new.txt", "policy.yaml"]


def test_latest_is_the_newest_finished_run(tmp_path: Path) -> None:
    made(tmp_path, started=START.replace(hour=9))
    newest = made(tmp_path)
    later = RunDirectory.create(tmp_path, "shop", START.replace(hour=11))
    later.interrupt({})
    assert resolve_run("latest", tmp_path) == newest


def test_a_run_is_found_by_path_id_and_the_beginning_of_its_id(tmp_path: Path) -> None:
    path = made(tmp_path)
    for name in (str(path), path.name, "20261124T1015"):
        assert resolve_run(name, tmp_path) == path


def test_an_id_finds_a_run_under_way_and_an_interrupted_one(tmp_path: Path) -> None:
    under_way = RunDirectory.create(tmp_path, "shop", START)
    assert resolve_run(under_way.id, tmp_path) == under_way.path
    path = under_way.interrupt({})
    assert resolve_run(under_way.id, tmp_path) == path


def test_runs_are_looked_for_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path / "elsewhere")
    monkeypatch.setenv("HMS_RUNS", str(tmp_path / "elsewhere"))
    assert resolve_run("latest") == path


def test_a_run_that_is_not_there_names_the_nearest_or_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="hms run"):
        resolve_run("latest", tmp_path / "none")
    path = made(tmp_path)
    with pytest.raises(MissingError, match=path.name):
        resolve_run(path.name.replace("shop", "shap"), tmp_path)


def test_the_beginning_of_two_ids_is_not_enough(tmp_path: Path) -> None:
    made(tmp_path)
    made(tmp_path)
    with pytest.raises(MissingError, match="may be any of"):
        resolve_run("2026", tmp_path)


@pytest.mark.parametrize("text", ["{", '{"schema": "hms.run/9"}', "[]"])
def test_a_manifest_that_is_not_ours_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError):
        read_manifest(tmp_path)


def test_a_manifest_holds_only_what_json_can_say(tmp_path: Path) -> None:
    directory = RunDirectory.create(tmp_path, "shop", START)
    with pytest.raises(ValueError, match="JSON compliant"):
        directory.finish({"downtime_s": float("nan")})
    assert json.loads(made(tmp_path).joinpath("manifest.json").read_text())["status"] == "finished"
