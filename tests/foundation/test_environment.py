"""`make environment` says what is missing, and does nothing when nothing changed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the script reads, without an environment."""
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def make_environment(checkout: Path, python: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "scripts/environment.sh"],
        cwd=checkout,
        env={**os.environ, "PYTHON": python},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_python_that_is_too_old_is_refused_with_what_is_expected(checkout: Path) -> None:
    old = checkout / "python3.10"
    old.write_text("#!/bin/sh\nexit 1\n")  # its answer to "are you 3.11 to 3.13?"
    old.chmod(0o755)
    done = make_environment(checkout, str(old))
    assert done.returncode == 3
    assert "no Python 3.11, 3.12 or 3.13 found" in done.stderr
    assert str(old) in done.stderr
    assert "PYTHON=/path/to/python3.12" in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.fixture
def made(checkout: Path) -> Path:
    """An environment as it was made, whose Python only notes what it is told, and fails."""
    binaries = checkout / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("python", "pip"):
        (binaries / name).write_text('#!/bin/sh\n[ "$1" = -c ] && exit 0\necho "$@" >&2\nexit 9\n')
        (binaries / name).chmod(0o755)
    wanted = "{ pwd; cat requirements/boot.txt requirements/lab.txt pyproject.toml"
    wanted += " scripts/environment.sh; } | cksum > .venv/made-from"
    subprocess.run(["sh", "-c", wanted], cwd=checkout, check=True)
    return checkout


def test_an_unchanged_lock_leaves_the_environment_alone(made: Path) -> None:
    done = make_environment(made, "no-such-python")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("changed", ["requirements/lab.txt", "pyproject.toml"])
def test_a_changed_lock_is_installed_with_its_hashes(made: Path, changed: str) -> None:
    with (made / changed).open("a") as file:
        file.write("# changed\n")
    done = make_environment(made, "no-such-python")
    assert done.returncode == 9
    assert "-m pip install --quiet --require-hashes -r requirements/boot.txt" in done.stderr
    assert not (made / ".venv" / "made-from").exists()  # so that the next try installs, too


def test_a_folder_that_moved_is_installed_anew(made: Path) -> None:
    moved = made.rename(made.with_name("moved"))
    assert make_environment(moved, "no-such-python").returncode == 9


def test_continuous_integration_runs_the_tests_and_nothing_else() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = [line for line in script.read_text().splitlines() if not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make test"]


def test_make_test_ends_with_pytests_summary() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "test"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )
    commands = done.stdout.strip().splitlines()
    assert [command.split()[0].rpartition("/")[2] for command in commands] == [
        "sh", "ruff", "mypy", "lint-imports", "pytest", "pytest",
    ]  # fmt: skip
