"""A run that was killed or stopped goes on, and ends as if it had not been."""

import fcntl
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import TINY, Ended, FinishedRun, hms_process, run_hms

from hms.experiments.frames import load_run
from hms.experiments.resume import BUDGET, EXPERIMENT
from hms.experiments.run_directory import list_runs

Call = Callable[..., Ended]

INCIDENTS = "2500"
LONGEST_S = 300.0


def killed_at(folder: Path, generations: int) -> Path:
    """Start a run, kill -9 it once so many generations are kept; its folder."""
    process = hms_process(["run", str(TINY), "--budget", INCIDENTS, "--workers", "1"], folder)
    began_s = time.monotonic()
    try:
        while process.poll() is None and time.monotonic() - began_s < LONGEST_S:
            parts = list((folder / "runs").glob(".*.partial/checkpoint/*.npz"))
            if len(parts) >= generations:
                break
            time.sleep(0.005)
    finally:
        process.kill()
        process.communicate()
    (path,) = list_runs(folder / "runs").values()
    assert path.name.endswith(".partial"), "it ended before it was killed"
    return path


def results(run: Path) -> dict[str, pd.DataFrame]:
    loaded = load_run(run)
    return {name: getattr(loaded, name) for name in ("generations", "front", "held_out")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("whole")
    ended = run_hms(["run", str(TINY), "--budget", INCIDENTS, "--workers", "1"], folder)
    assert ended.code == 0, ended.err
    (run,) = list_runs(folder / "runs").values()
    return results(run)


def goes_on(folder: Path, seed: int, whole: dict[str, pd.DataFrame]) -> None:
    run = killed_at(folder, random.Random(seed).randint(1, 25))
    ended = run_hms(["run", "--resume", run.name[1 : -len(".partial")]], folder)
    assert ended.code == 0, ended.err
    (finished,) = list_runs(folder / "runs").values()
    for name, frame in results(finished).items():
        pd.testing.assert_frame_equal(frame, whole[name])
    assert not (finished / "checkpoint").exists()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_run_ends_as_if_it_had_not_been(
    seed: int, tmp_path: Path, whole: dict[str, pd.DataFrame]
) -> None:
    goes_on(tmp_path, seed, whole)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 23))
def test_killed_at_twenty_random_generations(
    seed: int, tmp_path: Path, whole: dict[str, pd.DataFrame]
) -> None:
    goes_on(tmp_path, seed, whole)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([str(TINY)], "EXPERIMENT is the run's own"),
        (["--seed", "8"], "--seed is the run's own"),
        (["--budget", "small"], "--budget is the run's own"),
    ],
)
def test_a_resumed_run_takes_nothing_else(more: list[str], said: str, call: Call) -> None:
    ended = call("run", "--resume", "x", *more)
    assert ended.code == 2
    assert said in ended.err


STOPPED = "20260101T000000Z-x"


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A folder that a killed run left, with what `--resume` needs to begin."""
    folder = tmp_path / "runs" / f".{STOPPED}.partial"
    folder.mkdir(parents=True)
    (folder / EXPERIMENT).write_text("schema: hms.experiment/1\n")
    (folder / BUDGET).write_text("small\n")
    return folder


def test_a_run_of_which_nothing_is_kept_says_so(stopped: Path, call: Call) -> None:
    (stopped / EXPERIMENT).unlink()
    ended = call("run", "--resume", STOPPED, "--out", stopped.parent)
    assert ended.code == 2
    assert "start it anew" in ended.err


def test_a_run_under_way_is_left_alone(stopped: Path, call: Call) -> None:
    descriptor = os.open(stopped, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        ended = call("run", "--resume", STOPPED, "--out", stopped.parent)
    finally:
        os.close(descriptor)
    assert ended.code == 2
    assert "another process works in it" in ended.err


def test_a_finished_run_has_nothing_to_go_on_with(finished: FinishedRun, call: Call) -> None:
    ended = call("run", "--resume", finished.run.path.name, "--out", finished.runs)
    assert ended.code == 2
    assert "is finished" in ended.err
