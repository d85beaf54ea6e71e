"""One tiny run of the main job, in a process of its own, shared by the tests of this folder."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hms.experiments.frames import Run, load_run

HERE = Path(__file__).resolve().parent
TINY = HERE / "tiny.yaml"
LONGEST_S = 600.0  # compiling the engine on a busy machine takes most of it


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def hms_process(
    arguments: Sequence[str], folder: Path, hash_seed: str = "1"
) -> subprocess.Popen[str]:
    """Start `hms …` in a folder, with Python's own hash seed given."""
    return subprocess.Popen(
        [sys.executable, "-m", "hms", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )


def hear_ctrl_c() -> None:
    """As in a terminal; what runs in the background is started deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_hms(arguments: Sequence[str], folder: Path, hash_seed: str = "1") -> Ended:
    """Run `hms …` in a folder to its end."""
    process = hms_process(arguments, folder, hash_seed)
    out, err = process.communicate(timeout=LONGEST_S)
    return Ended(process.returncode, out, err)


@dataclass(frozen=True)
class FinishedRun:
    """The shared run: how it ended, where it is."""

    ended: Ended
    runs: Path
    run: Run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """`hms run tiny.yaml`, two workers, hash seed 1."""
    folder = tmp_path_factory.mktemp("finished")
    ended = run_hms(["run", str(TINY), "--workers", "2", "--out", "runs"], folder)
    assert ended.code == 0, ended.err
    return FinishedRun(ended, folder / "runs", load_run(runs=folder / "runs"))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Call `hms …` in this process, as the program does."""
    from hms.experiments.cli.main import run

    def called(*arguments: str) -> Ended:
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return called
