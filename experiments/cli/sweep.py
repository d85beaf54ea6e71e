"""`hms sweep`: every combination of the factors in an experiment's `sweep` section."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hms.experiments.sweep.run import Swept


@click.command(name="sweep", short_help="Every combination of some factors, on the same failures.")
@click.argument("experiment", required=False)
@click.option("--resume", "stopped", metavar="RUN", help="Go on with a sweep that was stopped.")
@click.option("--seed", help="Instead of the experiment file's.")
@click.option("--out", "runs", type=click.Path(path_type=Path, file_okay=False),
              help="Folder for run directories.  [default: $HMS_RUNS or runs]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The table as JSON on stdout.")
def command(
    experiment: str | None,
    stopped: str | None,
    seed: str | None,
    runs: Path | None,
    as_json: bool,
) -> None:
    """Run the `sweep` of EXPERIMENT: factors x values x seeds, without evolution.

    All combinations meet the same drawn failures. Results are Parquet in a run directory; a row
    for each combination, with intervals, goes to stdout. A stopped sweep goes on where it was.

    \b
      hms sweep shop.yaml
      hms sweep shop.yaml --seed 7 --json
      hms sweep --resume 20261125T101500Z-shop
    """
    from hms.experiments.interruption import exit_code
    from hms.experiments.plan_file import load_plan
    from hms.experiments.run_directory import RUNS, resolve_run
    from hms.experiments.sweep.run import SweepStopped, resume_sweep, start_sweep

    if (experiment is None) == (stopped is None):
        raise click.UsageError("either EXPERIMENT or --resume RUN")
    folder = runs if runs is not None else Path(os.environ.get("HMS_RUNS", RUNS))
    try:
        if stopped is not None:
            if seed is not None:
                raise click.UsageError("--resume takes the seed that the sweep began with")
            swept = resume_sweep(resolve_run(stopped, folder), _said)
        else:
            assert experiment is not None
            swept = start_sweep(load_plan(experiment), folder, _said, seed)
    except SweepStopped as stop:
        click.echo(stop.message, err=True)
        sys.exit(exit_code(stop.cause))
    _report(swept, as_json)


def _said(done: int, cells: int, cell: str) -> None:
    click.echo(f"{done + 1}/{cells}  {cell}", err=True)


def _report(swept: Swept, as_json: bool) -> None:
    from hms.experiments.steps.write import json_text
    from hms.experiments.sweep.table import table_lines

    if as_json:
        click.echo(json_text(_mapping(swept)), nl=False)
        return
    for line in table_lines(swept.table, swept.plan):
        click.echo(line)
    again = f", {swept.reused} combinations kept from before" if swept.reused else ""
    click.echo(f"wrote {swept.path}{again}; rows: results/sweep.parquet")


def _mapping(swept: Swept) -> dict[str, Any]:
    """What `--json` prints."""
    rows = [dict(row) for row in swept.table.to_dict(orient="records")]
    return {"path": str(swept.path), "reused": swept.reused, "cells": rows}
