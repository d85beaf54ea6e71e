"""`make fidelity`: run the published results, print them, write docs/fidelity.md."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hms.documents import write_whole
from hms.experiments.fidelity.agreement import agreement_page, compared, line_of
from hms.experiments.fidelity.laboratory import PUBLISHED, Laboratory
from hms.experiments.fidelity.page import Judgement, lines_of, published
from hms.experiments.fidelity.row import FLUID, REQUEST, SEEDS
from hms.experiments.fidelity.rows import all_rows

ENGINES = (FLUID, REQUEST)


@click.command()
@click.option("--only", default="", help="Rows whose group, name or file contains this.")
@click.option("--engine", type=click.Choice(ENGINES), multiple=True, help="Left out: both.")
@click.option("--library", type=click.Path(path_type=Path), default=PUBLISHED, help="Other files.")
@click.option("--seed-offset", type=int, default=0, help="Other random numbers.")
@click.option("--write", type=click.Path(path_type=Path), help="Write the page there.")
def fidelity(
    only: str, engine: tuple[str, ...], library: Path, seed_offset: int, write: Path | None
) -> None:
    """Reproduce what is published. Exit 1 if a row that was reproducible is not any more."""
    laboratory = Laboratory(library, seed_offset)
    found: list[Judgement] = []
    for row in all_rows():
        if only.lower() not in f"{row.group} {row.name} {row.file}".lower():
            continue
        engines = [each for each in row.engines if not engine or each in engine]
        judged = tuple(row.judge(laboratory, each) for each in engines)
        found.append(Judgement(row, judged))
        for line in lines_of(found[-1]):
            click.echo(line)
    red = [each for each in found if not each.reproduced and not each.row.known]
    click.echo(f"{sum(each.reproduced for each in found)} of {len(found)} reproduced")
    if write is not None:
        pairs = compared(said=lambda one: click.echo(line_of(one)))
        write_whole(write, published(found, SEEDS) + "\n" + agreement_page(pairs))
    sys.exit(1 if red else 0)


if __name__ == "__main__":
    fidelity(prog_name="python -m hms.experiments.fidelity")
