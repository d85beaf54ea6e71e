"""The main job from start to end, at a tiny budget, in processes of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import HERE, TINY, FinishedRun, run_hms

from hms.experiments.frames import load_run
from hms.experiments.run_directory import changed_files
from hms.experiments.tracking import PARENT
from hms.scenarios.generator.frozen_split import FROZEN
from hms.scenarios.split import SplitSizes, split_facts

pytestmark = pytest.mark.slow

STACKS = {"champion", "today", "envoy", "ladder"}


def test_a_run_prints_its_closing_table_and_what_to_do_next(finished: FinishedRun) -> None:
    out = finished.ended.out
    assert "6 failures that evolution never saw (crash, hang)" in out
    assert "2 failures of families that were never trained on (slow)" in out
    assert "champion: " in out
    assert "too few failures to tell (6): " in out
    assert f"wrote runs/{finished.run.id}; next: hms export {finished.run.id}" in out


def test_progress_goes_to_stderr_step_by_step(finished: FinishedRun) -> None:
    steps = [line.split()[0] for line in finished.ended.err.splitlines() if " done in " in line]
    assert steps == [
        "topology", "scenarios", "workers", "evolve", "choose", "compare", "replay", "write",
        "track",
    ]  # fmt: skip


def test_the_run_directory_is_whole_and_its_hashes_hold(finished: FinishedRun) -> None:
    path = finished.run.path
    assert [each.name for each in finished.runs.glob(".*")] == []
    assert changed_files(path) == []
    names = {each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file()}
    assert {
        "experiment.yaml", "scenario.yaml", "policy.yaml", "report.html", "manifest.json",
        "results/generations.parquet", "results/front.parquet", "results/validation.parquet",
        "results/held_out.parquet", "results/replay.parquet", "events/champion.log",
        "pictures/closing.png", "pictures/closing.svg", "pictures/timeline.svg",
    } <= names  # fmt: skip
    assert not [name for name in names if name.endswith((".pkl", ".pickle"))]


def test_the_manifest_freezes_scenarios_seeds_versions_and_what_was_spent(
    finished: FinishedRun,
) -> None:
    manifest = finished.run.manifest
    sets = manifest["sets"]
    assert {name: len(ids) for name, ids in sets.items()} == {
        "train": 6, "validation": 4, "held_out": 6, "held_out_never_trained": 2,
    }  # fmt: skip
    everything = [incident for ids in sets.values() for incident in ids]
    assert len(set(everything)) == len(everything)
    spent = manifest["incidents_spent"]
    assert 0 < spent["search"] <= 120
    assert spent["held out"] == len(STACKS) * 6
    assert spent["validation"] == (4 + len(STACKS) - 1) * 4
    assert manifest["seed"] == "7"
    split = manifest["split"]
    assert split["families"] == ["crash", "hang"] and split["never_trained"] == ["slow"]
    assert split["sha256"] == split_of_tiny(seed="7") != split_of_tiny(seed="8")
    assert split["generator_sha256"] == FROZEN.sha256
    assert manifest["policy_sha256"] == finished.run.policy.sha256
    assert {"python", "ray", "numba", "mlflow"} <= set(manifest["versions"])


def split_of_tiny(seed: str) -> str:
    sizes = SplitSizes(train=6, validation=4, held_out=6, held_out_never_trained=2)
    return str(split_facts(["crash", "hang"], ["slow"], sizes, "corner-shop", seed)["sha256"])


def test_the_policy_file_holds_nothing_of_the_run_that_made_it(finished: FinishedRun) -> None:
    text = (finished.run.path / "policy.yaml").read_text(encoding="utf-8")
    assert finished.run.id[:8] not in text
    assert str(finished.run.path) not in text


def test_the_champion_was_replayed_on_one_host_a_component(finished: FinishedRun) -> None:
    replayed = finished.run.manifest["replay"]
    assert replayed["hosts"] == 3, "the load has no agent"
    events = finished.run.path / "events"
    assert (events / "champion.actors.log").read_bytes() == (events / "champion.log").read_bytes()


def test_every_stack_met_every_held_out_failure(finished: FinishedRun) -> None:
    counts = finished.run.held_out.groupby(["set", "stack"]).size().unstack()
    assert set(counts.columns) == STACKS
    assert (counts.loc["held_out"] == 6).all()
    assert (counts.loc["held_out_never_trained"] == 2).all()


def test_the_same_seed_gives_the_same_policy_and_table(
    finished: FinishedRun, tmp_path: Path
) -> None:
    """Another process, hash seed, worker count and folder, from the run's own copy of its input."""
    copy = finished.run.path / "experiment.yaml"
    arguments = ["run", str(copy), "--workers", "1", "--out", "runs", "--json", "--require-gate"]
    ended = run_hms(arguments, tmp_path, hash_seed="2")
    told = ended.json()
    assert ended.code == (0 if told["gate"]["passed"] else 1), ended.err
    again = load_run(runs=tmp_path / "runs")
    assert again.path != finished.run.path
    assert (again.path / "policy.yaml").read_bytes() == (
        finished.run.path / "policy.yaml"
    ).read_bytes()
    pd.testing.assert_frame_equal(again.held_out, finished.run.held_out, check_exact=True)
    assert again.closing == finished.run.closing
    assert told["policy_sha256"] == finished.run.policy.sha256


def test_another_seed_draws_other_failures(finished: FinishedRun) -> None:
    from hms.experiments.plan_file import load_plan
    from hms.scenarios.generate import draw_failures
    from hms.scenarios.load import load_scenario

    plan = load_plan(TINY)
    shop = load_scenario(HERE / "corner-shop.yaml")
    drawn = [draw_failures(shop, plan.failures, "train", "hang", 0, seed) for seed in ("7", "8")]
    assert drawn[0].faults != drawn[1].faults
    assert drawn[0].components["front"].startup_s != drawn[1].components["front"].startup_s


def test_mlflow_holds_a_parent_with_children_parameters_metrics_and_files(
    finished: FinishedRun,
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{finished.runs / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("corner-shop")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    parent = runs.pop(finished.run.id)
    assert set(runs) == {"evolve", "replay"} | {f"compare/{name}" for name in STACKS}
    assert all(run.data.tags["mlflow.parentRunId"] == parent.info.run_id for run in runs.values())
    assert all(run.info.status == "FINISHED" for run in [parent, *runs.values()])
    assert len(parent.data.params) <= 15
    assert (parent.data.params["seed"], parent.data.tags["hms.seed"]) == ("7", "7")
    assert parent.data.tags["hms.version"]
    generations = client.get_metric_history(runs["evolve"].info.run_id, "incidents")
    assert [m.value for m in generations] == finished.run.generations["incidents"].to_list()
    champion = finished.run.closing.held_out.row("champion")
    assert parent.data.metrics["held_out.downtime_s"] == pytest.approx(champion.downtime_s)
    files = {entry.path for entry in client.list_artifacts(parent.info.run_id)}
    assert {"policy.yaml", "report.html", "manifest.json", "pictures"} <= files
    assert PARENT not in files


def test_the_work_of_a_run_can_be_loaded_without_the_lab(finished: FinishedRun) -> None:
    """Whoever only reads a run's policy pays for no Ray, no MLflow, no numba."""
    code = (
        "import sys; from hms.experiments.export.sources import find_policy;"
        f"find_policy({str(finished.run.path)!r});"
        "print(sorted({'ray', 'mlflow', 'numba'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_wrong_experiment_leaves_nothing_behind(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        TINY.read_text(encoding="utf-8").replace("corner-shop.yaml", str(HERE / "corner-shop.yaml"))
        .replace("[slow]", "[memory_leak]"),
        encoding="utf-8",
    )  # fmt: skip
    ended = run_hms(["run", str(wrong), "--out", "runs"], tmp_path)
    assert ended.code == 2
    assert "nothing in `corner-shop` can suffer a memory_leak fault" in ended.err
    assert "Traceback" not in ended.err
    assert [path.name for path in (tmp_path / "runs").iterdir()] == []


def test_json_is_the_only_thing_on_stdout(finished: FinishedRun) -> None:
    from hms.experiments.steps.write import json_text

    told = json.loads(json_text(finished.run.closing.to_mapping()))
    assert told["held_out"]["scenarios"] == 6
