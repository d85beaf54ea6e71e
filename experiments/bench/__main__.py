"""`make bench`: measure, print a table."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import click

import hms
from hms.experiments.bench import figures
from hms.experiments.bench.demo import Demo, load_demo
from hms.experiments.bench.figures import Figure

MEASURES: dict[str, Callable[[Demo], list[Figure]]] = {
    "help": lambda demo: figures.help_text(),
    "compile": lambda demo: figures.compiling(),
    "fluid": figures.engine,
    "evolution": figures.evolution,
    "workers": figures.workers,
}
INCIDENTS = 28  # four of each family


@click.command()
@click.option("--only", type=click.Choice(list(MEASURES)), multiple=True, help="Some of them.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON on stdout.")
def bench(only: tuple[str, ...], as_json: bool) -> None:
    """Measure this machine, about two minutes; nothing else should run meanwhile."""
    demo = load_demo(INCIDENTS)
    found: list[Figure] = []
    for name, measure in MEASURES.items():
        if not only or name in only:
            click.echo(f"measuring {name}", err=True)
            found += measure(demo)
    machine = f"hms {hms.__version__}, Python {platform.python_version()}, "
    machine += f"{os.cpu_count()} cpus, {platform.machine()}"
    if as_json:
        told = [{**asdict(each), "met": each.met} for each in found]
        click.echo(json.dumps({"machine": machine, "figures": told}, indent=2))
        return
    click.echo(machine)
    for line in table(found):
        click.echo(line)


def table(found: Sequence[Figure]) -> Iterator[str]:
    """A line for each figure, its goal beside it."""
    yield f"{'figure':<30} {'measured':>10} {'goal':>12}"
    for each in found:
        goal = ""
        if each.goal is not None:
            goal = f"{'>=' if each.more_is_better else '<='} {each.goal:g}"
        missed = "  missed" if each.met is False else ""
        yield f"{each.name:<30} {each.value:>10.3g} {goal:>12} {each.unit}{missed}"


if __name__ == "__main__":
    bench()
