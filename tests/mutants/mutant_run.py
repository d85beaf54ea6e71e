"""`make mutants`: plant each defect in a copy of the sources; the named test must go red.

    python tests/mutants/mutant_run.py [--only WORD] [--jobs N]

The work tree is never written to. What survives is listed at the end, and then the exit is 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mutant_comparisons import flips
from mutant_defects import BREAKER, DEFECTS, Defect

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("hms", "agents", "evolution", "experiments", "scenarios", "tests", "pyproject.toml")
PATCHED = ("agents", "hms")  # copied; the rest is linked
PATIENCE_S = 60.0  # a test that hangs has seen the defect
CONTROL_PATIENCE_S = 900.0  # all tests without a defect; the machine may be busy
ALL_OF_THE_BREAKER = [
    *(f"tests/healing/cases/test_cases_{name}.py" for name in "acbd"),
    "tests/healing/cases/test_cases_f.py",
    "tests/healing/cases/test_cases_g_breaker.py",
    "tests/healing/test_healing_breaker_rules.py",
    "tests/healing/test_healing_breaker_machine.py",
    "tests/healing/test_healing_breaker_doors.py",
    "tests/healing/test_healing_breaker.py",
    "tests/healing/cases/test_cases_h.py",
    "tests/policy/test_policy_breaker.py",  # last: an engine's restart loses eras, no live breaker
]

EVERY_TEST = sorted(
    {*ALL_OF_THE_BREAKER, *(f"tests/healing/{each.test.partition('::')[0]}" for each in DEFECTS)}
)


@dataclass(frozen=True)
class Mutant:
    """Sources that differ from ours, and where that must show."""

    name: str
    files: dict[str, str]
    tests: list[str]
    chosen: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the tests said of a mutant: "red", "hung", or why it lives."""

    mutant: Mutant
    said: str
    told: str
    seconds: float

    @property
    def is_caught(self) -> bool:
        return self.said in ("red", "hung")


def planted(defect: Defect) -> Mutant:
    """The defect as whole files.

    Raises:
        ValueError: what it replaces no longer stands there: the list is out of date.
    """
    files: dict[str, str] = {}
    for file, old, new in defect.patches:
        source = files.get(file) or (ROOT / file).read_text()
        if old not in source:
            raise ValueError(f"{defect.name}: {file} has no {old!r}")
        files[file] = source.replace(old, new)
    test, _, chosen = defect.test.partition("::")
    return Mutant(defect.name, files, [f"tests/healing/{test}"], chosen)


def mutants(only: str = "") -> Iterator[Mutant]:
    """The planted defects, then the flipped comparisons of the breaker's decisions."""
    for defect in DEFECTS:
        if only in defect.name:
            yield planted(defect)
    for flip in flips((ROOT / BREAKER).read_text()):
        if only in f"{BREAKER} {flip.name}":
            yield Mutant(f"{BREAKER} {flip.name}", {BREAKER: flip.source}, ALL_OF_THE_BREAKER)


@contextmanager
def a_copy(files: dict[str, str]) -> Iterator[Path]:
    """The project with these files in place of its own."""
    with tempfile.TemporaryDirectory(prefix="hms-mutant-") as folder:
        copy = Path(folder)
        for name in ROOMS:
            if name in PATCHED:
                leave = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=leave)
            else:
                (copy / name).symlink_to(ROOT / name)
        for name, source in files.items():
            (copy / name).write_text(source)
        yield copy


def judged(mutant: Mutant, patience_s: float = PATIENCE_S) -> Verdict:
    """Run the tests on the mutant; no test found is no verdict."""
    began_s = time.monotonic()
    with a_copy(mutant.files) as copy:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        command += ["-m", "not soak", *mutant.tests]
        command += ["-k", mutant.chosen] if mutant.chosen else []
        where = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        told = ""
        try:
            done = subprocess.run(
                command, cwd=copy, env=where, capture_output=True, text=True, timeout=patience_s,
                check=False,
            )
            told = done.stdout[-1500:] + done.stderr[-500:]
            said = {0: "alive", 1: "red"}.get(done.returncode, "broken")
        except subprocess.TimeoutExpired:
            said = "hung"
    return Verdict(mutant, said, told, time.monotonic() - began_s)


def main() -> int:
    """Judge all of them; 1 if one lives."""
    asked = argparse.ArgumentParser(prog="make mutants")
    asked.add_argument("--only", default="", help="those whose name holds this")
    asked.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = asked.parse_args()
    control = judged(Mutant("the sources as they are", {}, EVERY_TEST), CONTROL_PATIENCE_S)
    if control.said != "alive":
        print(f"the tests fail without any defect:\n{control.told}")
        return 1
    print(f"{control.seconds:.0f} s for all tests without a defect")

    def judged_here(mutant: Mutant) -> Verdict:
        """As patient as this machine needs: one test takes less than all of them."""
        longest_s = control.seconds * (1.0 if mutant.chosen else 2.0 * given.jobs)
        return judged(mutant, max(PATIENCE_S, longest_s))

    alive = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for verdict in pool.map(judged_here, list(mutants(given.only))):
            print(f"{verdict.said:6} {verdict.seconds:5.1f} s  {verdict.mutant.name}", flush=True)
            if not verdict.is_caught:
                alive.append(verdict)
    for verdict in alive:
        print(f"\n{verdict.mutant.name}\n    {verdict.told}")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
