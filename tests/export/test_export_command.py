"""`hms export`: what it writes, what it prints, what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hms.documents import load_yaml
from hms.errors import InputError, MissingError, PolicyError, ScenarioError
from hms.experiments.cli.export import command
from hms.experiments.export import targets
from hms.experiments.export.sources import read_policy

HERE = Path(__file__).resolve().parent
SHOP, CHAMPION = str(HERE / "shop.yaml"), str(HERE / "champion.yaml")


def run(*arguments):
    return CliRunner().invoke(command, list(arguments), catch_exceptions=True)


def refused(error, *arguments):
    told = run(*arguments)
    assert isinstance(told.exception, error), told.exception
    assert told.exception.exit_code == (3 if error is MissingError else 2)
    return str(told.exception)


@pytest.fixture
def a_run(tmp_path, monkeypatch):
    """A finished run with its policy and its scenario, found as `latest`."""
    folder = tmp_path / "runs" / "20261124T101530Z-shop"
    folder.mkdir(parents=True)
    shutil.copy(CHAMPION, folder / "policy.yaml")
    shutil.copy(SHOP, folder / "scenario.yaml")
    manifest = {"schema": "hms.run/1", "id": folder.name, "status": "finished", "files": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("HMS_RUNS", str(tmp_path / "runs"))
    return folder


def test_writes_every_target_and_the_report(tmp_path):
    out = tmp_path / "out"
    told = run(CHAMPION, "--to", "hms,envoy", "--topology", SHOP, "-o", str(out))
    assert told.exit_code == 0, told.exception
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert files == [
        "envoy/cart.yaml",
        "envoy/frontend.yaml",
        "hms/components.yaml",
        "hms/policy.yaml",
        "loss.json",
        "loss.md",
    ]
    assert "wrote 6 files" in told.stdout
    assert "half_open_calls" in told.stdout  # what is lost is printed, too


def test_runtime_file_is_the_policy_itself(tmp_path, champion):
    run(CHAMPION, "--to", "hms", "-o", str(tmp_path))
    path = tmp_path / "hms" / "policy.yaml"
    assert read_policy(path).sha256 == champion.sha256
    assert champion.sha256 in path.read_text().splitlines()[0]
    assert not (tmp_path / "hms" / "components.yaml").exists()  # no topology was given


def test_resolved_settings_show_overrides_where_they_hold(tmp_path):
    run(CHAMPION, "--to", "hms", "--topology", SHOP, "-o", str(tmp_path))
    told = load_yaml(tmp_path / "hms" / "components.yaml").data["components"]
    assert "people" not in told
    calls = told["frontend"]["calls"]
    assert calls["ads"]["retry"]["max_attempts"] == 1  # where edge: soft
    assert calls["cart"]["retry"]["max_attempts"] == 3


def test_json_is_the_report_on_file(tmp_path):
    told = run(CHAMPION, "--to", "envoy", "--topology", SHOP, "-o", str(tmp_path), "--json")
    assert json.loads(told.stdout) == json.loads((tmp_path / "loss.json").read_text())


def test_run_brings_its_own_topology(a_run, tmp_path):
    told = run("latest", "--to", "envoy", "-o", str(tmp_path / "out"))
    assert told.exit_code == 0, told.exception
    assert (tmp_path / "out" / "envoy" / "frontend.yaml").is_file()


def test_run_without_scenario_needs_a_topology(a_run, tmp_path):
    (a_run / "scenario.yaml").unlink()
    text = refused(ScenarioError, a_run.name, "--to", "envoy", "-o", str(tmp_path / "out"))
    assert "--topology SCENARIO.yaml" in text
    assert not (tmp_path / "out").exists()


def test_run_without_policy_says_that_it_ended_too_early(a_run, tmp_path):
    (a_run / "policy.yaml").unlink()
    assert "before it chose" in refused(MissingError, "latest", "--to", "hms", "-o", str(tmp_path))


def test_policy_alone_is_not_enough_for_envoy(tmp_path):
    text = refused(ScenarioError, "envoy", "--to", "hms,envoy", "-o", str(tmp_path / "out"))
    assert "hms import" in text
    assert not (tmp_path / "out").exists()  # nothing half-written


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (["evnoy", "--to", "hms"], PolicyError, "nearest: `envoy`"),
        (["none.yaml", "--to", "hms"], PolicyError, "no such file"),
        (["envoy", "--to", "envyo"], InputError, "nearest: `envoy`"),
        (["envoy", "--to", ","], InputError, "names no target"),
        (["envoy", "--to", "envoy", "--topology", "no.yaml"], ScenarioError, "no such file"),
        (["envoy", "--to", "hms", "--overlay", "x.yaml"], InputError, "--topology"),
        (["envoy", "--to", "envoy", "--topology", CHAMPION], ScenarioError, "schema"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(tmp_path, given, error, words):
    assert words in refused(error, *given, "-o", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_files_of_another_export_do_not_stay_beside_ours(tmp_path):
    (tmp_path / "envoy").mkdir()
    stranger = tmp_path / "envoy" / "payment.yaml"
    stranger.write_text("static_resources: {}\n")
    text = refused(InputError, CHAMPION, "--to", "envoy", "--topology", SHOP, "-o", str(tmp_path))
    assert "envoy/payment.yaml" in text
    assert stranger.is_file() and not (tmp_path / "loss.md").exists()


def test_same_export_again_replaces_itself(tmp_path):
    arguments = (CHAMPION, "--to", "envoy", "--topology", SHOP, "-o", str(tmp_path))
    assert run(*arguments).exit_code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")}
    assert run(*arguments).exit_code == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")} == before


def test_wrong_output_of_an_exporter_is_not_written(tmp_path, monkeypatch):
    def broken(policy, scenario, log):
        files = real(policy, scenario, log)
        cluster = files["frontend"]["static_resources"]["clusters"][0]
        cluster["outlier_detection"]["failure_percentage_threshold"] = 0
        return files

    real = targets.envoy.export
    monkeypatch.setattr(targets.envoy, "export", broken)
    out = tmp_path / "out"
    text = refused(InputError, CHAMPION, "--to", "envoy", "--topology", SHOP, "-o", str(out))
    assert "ejects healthy hosts" in text and "envoy/frontend.yaml" in text
    assert not out.exists()


def test_export_loads_nothing_of_the_lab():
    lab = ("numpy", "pandas", "numba", "ray", "mlflow", "networkx", "sqlalchemy", "matplotlib")
    code = (
        "import sys, hms.experiments.cli.export, hms.experiments.cli.policy,"
        " hms.experiments.cli.explain;"
        f" print([name for name in {lab} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "typed",
    [
        ["export", "envoy", "--to", "envoy", "-o", "out"],
        ["export", "no.yaml", "--to", "hms", "-o", "out"],
        ["policy", "show", "evnoy"],
        ["policy", "validate", SHOP],
        ["explain", "breaker.open"],
    ],
    ids=" ".join,
)
def test_typed_at_a_shell_bad_input_exits_2_without_a_traceback(typed, tmp_path):
    command_line = [sys.executable, "-m", "hms", *typed]
    told = subprocess.run(command_line, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert told.returncode == 2, told.stderr
    assert "expected:" in told.stderr
    assert "Traceback" not in told.stderr
    assert list(tmp_path.iterdir()) == []
