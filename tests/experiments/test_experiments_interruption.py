"""Ctrl-C and SIGTERM during the search: nothing half-written, MLflow closed as KILLED."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from conftest import TINY, hms_process

from hms.agents.policy.healing_policy import HealingPolicy
from hms.documents import read
from hms.errors import PolicyError
from hms.experiments.frames import load_run

pytestmark = pytest.mark.slow

LONGEST_S = 300.0


def stopped(process: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    """Send the signal a while after the search has begun; what the process said."""
    lines: list[str] = []
    searching = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if line.startswith("evolve") and "left" in line:
                searching.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert searching.wait(LONGEST_S), "".join(lines)
    process.send_signal(number)
    assert process.stdout is not None
    out = process.stdout.read()
    process.wait(timeout=60.0)
    reader.join()
    return out, "".join(lines)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_stopped_run_keeps_what_is_ready_and_says_so(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    process = hms_process(["run", str(TINY), "--budget", "300000", "--out", "runs"], tmp_path)
    out, err = stopped(process, number)
    assert process.returncode == code, err
    assert out == ""
    assert "stopped during evolve" in err
    assert "Traceback" not in err
    (kept,) = (tmp_path / "runs").glob("*.interrupted")
    assert str(Path("runs") / kept.name) in err
    assert list((tmp_path / "runs").glob(".*")) == []
    manifest = json.loads((kept / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["status"], manifest["stopped_during"]) == ("interrupted", "evolve")
    assert "results/generations.parquet" in manifest["files"]
    front = load_run(kept).front
    policies = {one.sha256: one for one in front_policies(kept)}
    assert set(front[front["on_front"]]["policy_sha256"]) == set(policies)
    assert f"front/ with {len(policies)} policies" in err
    assert all("no champion" in str(one.about["interrupted"]) for one in policies.values())
    assert {path.name for path in kept.rglob("*") if path.is_file()} == {
        "manifest.json", *(Path(name).name for name in manifest["files"]),
    }  # fmt: skip
    assert statuses(tmp_path / "runs") == {"KILLED"}
    assert no_process_of(process.pid)


def front_policies(kept: Path) -> list[HealingPolicy]:
    """The policy files of the front."""
    files = sorted((kept / "front").iterdir())
    assert files, "incidents were spent on them"
    return [read(file, HealingPolicy.parse, PolicyError) for file in files]


def statuses(runs: Path) -> set[str]:
    """How the MLflow runs ended."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{runs / 'mlflow.db'}")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return {run.info.status for run in client.search_runs(experiments)}


def no_process_of(driver: int) -> bool:
    """Whether Ray's processes, which know their driver, are gone within a few seconds."""
    for _ in range(100):
        if not any(mentions(entry, driver) for entry in os.listdir("/proc") if entry.isdigit()):
            return True
        time.sleep(0.1)
    return False


def mentions(pid: str, driver: int) -> bool:
    """Whether a process is a child of the driver's, still."""
    try:
        status = Path("/proc", pid, "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return int(status.rpartition(")")[2].split()[1]) == driver
