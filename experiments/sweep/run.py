"""Runs a sweep cell by cell; each is kept when it is done, so that a killed sweep goes on.

The folder is a run's: `.partial` while it is built, `.interrupted` after Ctrl-C. A cell's rows are
a file of their own until all are there.
"""

from __future__ import annotations

import io
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hms
from hms.documents import Problem, dump_yaml, load_yaml, located
from hms.errors import ExperimentError, InputError
from hms.experiments.interruption import terminable, uninterrupted
from hms.experiments.plan_file import load_plan, seeded
from hms.experiments.plan_sweep import SweepPlan
from hms.experiments.run_directory import MANIFEST, RunDirectory, is_unfinished, reopen
from hms.experiments.sweep.cells import Cell, cells
from hms.experiments.sweep.simulate import simulate_cell, tables_of
from hms.experiments.sweep.table import sweep_table

if TYPE_CHECKING:
    import pandas as pd

    from hms.experiments.plan import ExperimentPlan
    from hms.scenarios.model import Scenario

CELLS = "cells"
EXPERIMENT, SCENARIO = "experiment.yaml", "scenario.yaml"
ROWS, TABLE = "results/sweep.parquet", "results/sweep_cells.parquet"
Said = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep leaves.

    Attributes:
        path: the run directory.
        table: a row for each combination.
        reused: cells that an earlier, stopped sweep had done.
    """

    path: Path
    plan: ExperimentPlan
    table: pd.DataFrame
    reused: int


class SweepStopped(KeyboardInterrupt):
    """Ctrl-C or SIGTERM.

    Attributes:
        cause: which.
        message: what exists, and how to go on.
    """

    def __init__(self, cause: KeyboardInterrupt, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message


def start_sweep(plan: ExperimentPlan, runs: Path, said: Said, seed: str | None = None) -> Swept:
    """Run all of it in a new folder.

    Raises:
        InputError: the experiment has no sweep, or something of it is wrong; nothing is written.
        SweepStopped: Ctrl-C or SIGTERM; the cells that are done are kept.
    """
    if seed is not None:
        plan = seeded(plan, seed)
    system = _system(plan)
    todo = _checked_cells(plan, system)
    directory = RunDirectory.create(runs, plan.name, datetime.now(UTC))
    try:
        _keep_input(directory, plan, system)
    except BaseException:
        directory.discard()
        raise
    return _go(plan, todo, directory, said)


def resume_sweep(run: Path, said: Said) -> Swept:
    """Go on with one that was stopped or killed: cells that are done are not run again.

    Raises:
        InputError: it is finished, is no sweep, or another process works in it.
        SweepStopped: it was stopped again.
    """
    if not is_unfinished(run):
        raise InputError(f"{run}: is finished\n    expected: a sweep that was stopped or killed")
    if not (run / EXPERIMENT).is_file() or not (run / CELLS).is_dir():
        raise InputError(f"{run}: is no sweep\n    expected: a folder that `hms sweep` left")
    directory = reopen(run)
    (directory.path / MANIFEST).unlink(missing_ok=True)
    plan = load_plan(directory.path / EXPERIMENT)
    return _go(plan, _checked_cells(plan, _system(plan)), directory, said)


def _system(plan: ExperimentPlan) -> Scenario:
    from hms.experiments.steps.topology import load_topology

    return load_topology(plan)[0]


def sweep_of(plan: ExperimentPlan) -> SweepPlan:
    """The plan's sweep.

    Raises:
        ExperimentError: it has none.
    """
    if plan.sweep is None:
        expected = "sweep: {factors: {policy: [today, ladder]}, seeds: 20}"
        raise ExperimentError([Problem((), "the experiment has no `sweep`", expected)], plan.file)
    return plan.sweep


def _checked_cells(plan: ExperimentPlan, system: Scenario) -> list[Cell]:
    """All cells; whatever is wrong with one of them is said before the first is run."""
    from hms.experiments.steps.scenarios import require_strikable

    sweep = sweep_of(plan)
    families = tuple(str(name) for name in sweep.factors.get("family", plan.failures.families))
    try:
        found = cells(sweep, system, plan.failures.families, plan.file)
    except ExperimentError as wrong:
        if not wrong.problems or not Path(plan.file).is_file():
            raise
        document = load_yaml(Path(plan.file), error=ExperimentError)
        raise ExperimentError(located(wrong.problems, document), plan.file) from None
    seen = set()
    for cell in found:
        if id(cell.scenario) not in seen:
            seen.add(id(cell.scenario))
            asked = replace(plan.failures, families=families, never_trained=())
            require_strikable(cell.scenario, replace(plan, failures=asked))
    for policy in {cell.policy for cell in found}:
        tables_of(policy, found[0].scenario.midpoint())
    return found


def _keep_input(directory: RunDirectory, plan: ExperimentPlan, system: Scenario) -> None:
    from hms.scenarios.write import scenario_to_text

    directory.write(SCENARIO, scenario_to_text(system))
    directory.write(EXPERIMENT, dump_yaml(plan.to_mapping(SCENARIO)))
    (directory.path / CELLS).mkdir()


def _go(plan: ExperimentPlan, todo: list[Cell], directory: RunDirectory, said: Said) -> Swept:
    sweep = sweep_of(plan)
    reused = 0
    try:
        with terminable():
            for done, cell in enumerate(todo):
                if (directory.path / _file_of(cell)).is_file():
                    reused += 1
                    continue
                said(done, len(todo), cell.text)
                rows = simulate_cell(cell, plan, sweep.seeds)
                directory.write(_file_of(cell), _parquet(rows))
    except KeyboardInterrupt as stop:
        with uninterrupted():
            ready = len(list((directory.path / CELLS).glob("*.parquet")))
            path = directory.interrupt({**_facts(plan), "cells_done": ready})
        message = (
            f"stopped after {ready} of {len(todo)} combinations; kept {path};"
            f" go on with: hms sweep --resume {path}"
        )
        raise SweepStopped(stop, message) from stop
    except BaseException:
        with uninterrupted():
            directory.interrupt({**_facts(plan), "failed": True})
        raise
    return _finished(plan, todo, directory, reused)


def _finished(
    plan: ExperimentPlan, todo: list[Cell], directory: RunDirectory, reused: int
) -> Swept:
    import pandas as pd

    parts = [pd.read_parquet(directory.path / _file_of(cell)) for cell in todo]
    rows = pd.concat(parts, ignore_index=True)
    table = sweep_table(rows, plan)
    directory.write(ROWS, _bytes_of(rows))
    directory.write(TABLE, _bytes_of(table))
    shutil.rmtree(directory.path / CELLS)
    path = directory.finish(_facts(plan))
    return Swept(path, plan, table, reused)


def _facts(plan: ExperimentPlan) -> dict[str, Any]:
    """What the manifest says; `kind` tells a sweep from a run that evolved something."""
    sweep = sweep_of(plan)
    return {
        "kind": "sweep",
        "name": plan.name,
        "hms": hms.__version__,
        "seed": plan.seed,
        "sweep": sweep.to_mapping(),
        "cells": sweep.cells,
        "versions": {"python": platform.python_version()},
    }


def _file_of(cell: Cell) -> str:
    return f"{CELLS}/{cell.index:05d}.parquet"


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    import pandas as pd

    return _bytes_of(pd.DataFrame(rows))


def _bytes_of(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
