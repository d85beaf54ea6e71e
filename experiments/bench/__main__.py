"""`make bench`: measure, print a table."""

from __future__ import annotations

import importlib
import json
import time

import click

from hms.experiments.bench.figure import Figure, table
from hms.experiments.bench.machine import load, machine
from hms.experiments.bench.size import SMALL, WHOLE

MEASURES = {
    "help": "help_text",
    "compile": "compiling",
    "fluid": "fluid",
    "request": "request",
    "fluid_large": "large",
    "evolution": "searching",
    "calls": "runtime_calls",
    "pipeline": "runtime_pipeline",
    "reports": "runtime_reports",
    "levels": "runtime_levels",
    "workers": "workers",
}
"""Where each is; Ray comes last, as its threads stay."""


@click.command()
@click.option("--only", type=click.Choice(list(MEASURES)), multiple=True, help="Some of them.")
@click.option("--small", is_flag=True, help="Few rounds: shows that it works, and no figure.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON on stdout.")
def bench(only: tuple[str, ...], small: bool, as_json: bool) -> None:
    """Measure this machine, about five minutes; nothing else should run meanwhile."""
    about = {**machine(), "load_before": load()}
    found: list[Figure] = []
    for name, module in MEASURES.items():
        if only and name not in only:
            continue
        began_s = time.perf_counter()
        click.echo(f"measuring {name} ...", err=True, nl=False)
        measure = importlib.import_module(f"hms.experiments.bench.{module}").measure
        found += measure(SMALL if small else WHOLE)
        click.echo(f" {time.perf_counter() - began_s:.0f} s", err=True)
    about |= {"load_after": load(), "size": "small" if small else "whole"}
    if as_json:
        told = [each.to_mapping() for each in found]
        click.echo(json.dumps({"machine": about, "figures": told}, indent=2))
        return
    click.echo(", ".join(f"{name} {value}" for name, value in about.items()))
    for line in table(found):
        click.echo(line)


if __name__ == "__main__":
    bench(prog_name="python -m hms.experiments.bench")
