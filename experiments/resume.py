"""Going on with a run that was stopped or killed: `hms run --resume RUN`.

A run keeps its experiment, its system and its search in its folder while it is under way. What it
had searched is not searched again; what came after the search is cheap, and is done again.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import hms
from hms.errors import InputError
from hms.experiments.run_directory import MANIFEST, RunDirectory, is_unfinished, reopen

if TYPE_CHECKING:
    from hms.evolution.checkpoint import Checkpoint
    from hms.experiments.job import Job
    from hms.experiments.plan import ExperimentPlan

EXPERIMENT, BUDGET = "experiment.yaml", "budget.txt"
CHECKPOINT = "checkpoint"
AGAIN = ("results", "front", "pictures", "events", "policy.yaml", "report.html", MANIFEST)
"""What is written again; it must not be taken for something that is ready."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """A run to go on with.

    Attributes:
        budget: the word or number that `--budget` took.
    """

    plan: ExperimentPlan
    budget: str
    directory: RunDirectory


def resume(run: Path) -> Resumed:
    """Open a stopped run's folder again, as the one process that works in it.

    Raises:
        InputError: it is finished, another process works in it, or it was stopped before its
            system was read.
    """
    from hms.experiments.plan_file import load_plan

    if not is_unfinished(run):
        raise InputError(f"{run}: is finished\n    expected: a run that was stopped or killed")
    missing = [name for name in (EXPERIMENT, BUDGET) if not (run / name).is_file()]
    if missing:
        raise InputError(
            f"{run}: has no {missing[0]}, it was stopped before its system was read\n"
            "    expected: a run that was searching; start it anew"
        )
    directory = reopen(run)
    for name in AGAIN:
        path = directory.path / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    plan = load_plan(directory.path / EXPERIMENT)
    return Resumed(plan, (directory.path / BUDGET).read_text().strip(), directory)


def checkpoint_of(job: Job) -> Checkpoint:
    """Where the job's search is kept, with all that its results depend on."""
    from hms.evolution.checkpoint import Checkpoint, sources_hash
    from hms.scenarios.machine_code import source_hash

    code = f"hms {hms.__version__}, engine {source_hash()[:16]}, search {sources_hash()[:16]}"
    return Checkpoint(job.directory.path / CHECKPOINT, code)


def forget_search(job: Job) -> None:
    """Drop what only serves to go on: the run is about to be whole."""
    shutil.rmtree(job.directory.path / CHECKPOINT, ignore_errors=True)
    (job.directory.path / BUDGET).unlink(missing_ok=True)
