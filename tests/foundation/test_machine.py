"""`hms doctor` reads the machine as it is, and says what to do about what is not right."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hms.experiments.cli import doctor, machine


def test_memory_is_told_in_mb(tmp_path: Path) -> None:
    file = tmp_path / "meminfo"
    file.write_text("MemTotal:       24683592 kB\nMemFree: 1 kB\nMemAvailable:   1000000 kB\n")
    assert machine.memory_mb(file) == {"total": 25275, "available": 1024}
    assert machine.memory_mb(tmp_path / "absent") is None


def test_a_runs_folder_that_is_not_there_is_judged_by_its_nearest_parent(tmp_path: Path) -> None:
    found = machine.runs_folder(tmp_path / "a" / "runs")
    assert (found["exists"], found["writable"], found["count"]) == (False, True, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_runs_folder_below_a_file_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    found = machine.runs_folder(tmp_path / "runs")
    assert found["writable"] is False
    assert "Not a directory" in found["reason"]


def test_runs_are_counted_by_their_manifests(tmp_path: Path) -> None:
    for name in ("one", "two", ".three.partial"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "manifest.json").write_text("{}")
    assert machine.runs_folder(tmp_path)["count"] == 1


def test_a_store_is_writable_unless_another_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "STORE_WAIT_S", 0.05)
    store = tmp_path / "mlflow.db"
    holder = sqlite3.connect(store, isolation_level=None)
    holder.execute("CREATE TABLE t (x)")
    before = store.read_bytes()
    assert machine.store_state(store) == "writable"
    holder.execute("BEGIN IMMEDIATE")
    assert machine.store_state(store) == "not writable: database is locked"
    holder.close()
    assert store.read_bytes() == before


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    store = tmp_path / "mlflow.db"
    store.write_text("not a database, whatever its name says" * 10)
    assert machine.store_state(store) == "not writable: file is not a database"


def test_packages_are_sorted_by_extra_and_missing_ones_told() -> None:
    found = machine.packages(
        [
            "PyYAML>=6",
            'ray<3,>=2.60; extra == "lab"',
            'no-such-package-of-ours[x]; (sys_platform == "linux") and extra == "postgres"',
        ]
    )
    assert found["base"]["PyYAML"]
    assert list(found["lab"]) == ["ray"]
    assert found["postgres"] == {"no-such-package-of-ours": None}


@pytest.fixture
def findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("HMS_RUNS", str(tmp_path))
    return machine.survey()


def test_a_report_has_a_line_for_each_finding(findings: dict[str, Any]) -> None:
    heads = [line.split()[0] for line in doctor.report(findings)]
    assert heads[:2] == ["hms", "python"]
    assert {"cpus", "runs", "base", "lab", "reports"} <= set(heads)


def test_what_is_not_right_is_told_with_what_to_do(findings: dict[str, Any]) -> None:
    findings["python_supported"] = False
    findings["shared_memory_mb"] = {"total": 64, "free": 63}
    findings["packages"]["lab"] = {"ray": None, "deap": "1.4"}
    findings["runs"].update(writable=False, reason="Read-only file system")
    findings["ray"] = {
        "started_s": 5.0,
        "loopback_only": False,
        "ports": [{"program": "raylet", "address": "0.0.0.0", "port": 1, "loopback": False}],
    }
    text = "\n".join(doctor.report(findings))
    assert "expected 3.11, 3.12 or 3.13" in text
    assert "less than 128 MB, Ray falls back to files" in text
    assert 'deap 1.4; missing: ray (pip install "hms-healing[lab]")' in text
    assert "not writable: Read-only file system" in text
    assert "REACHABLE FROM OTHER MACHINES" in text
    assert "0.0.0.0:1 raylet, NOT LOOPBACK" in text
