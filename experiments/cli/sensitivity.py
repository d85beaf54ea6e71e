"""`hms sensitivity SCENARIO|RUN`: what a team should measure first."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hms.experiments.cli.fault_option import fault_option


@click.command(name="sensitivity", short_help="Which guesses would change the answer.")
@click.argument("name", metavar="SCENARIO|RUN")
@click.option("--policy", default="today", show_default=True, metavar="P",
              help="Whose verdicts: a policy file, a run, a baseline, today.")  # fmt: skip
@click.option("--overlay", "overlays", multiple=True, type=click.Path(path_type=Path),
              help="A partial scenario merged over it; may be repeated.")  # fmt: skip
@fault_option
@click.option("--points", type=click.IntRange(4, 10_000), default=32, show_default=True,
              help="Random values of all guesses from which each is moved.")  # fmt: skip
@click.option("--seed", default="0", show_default=True, help="Of all that is drawn.")
@click.option("--json", "as_json", is_flag=True, help="All quantities as JSON.")
def command(
    name: str,
    policy: str,
    overlays: tuple[Path, ...],
    faults: tuple[str, ...],
    points: int,
    seed: str,
    as_json: bool,
) -> None:
    """Which guessed quantities of SCENARIO would change a verdict, or in RUN who is best.

    Every range, and every number whose source is a guess, is moved alone, from many random values
    of all the others, under the same failures and the same random numbers. A scenario without
    faults of its own meets one of each family.

    \b
      hms sensitivity online-boutique
      hms sensitivity shop.yaml --fault hang:cart --policy ladder
      hms sensitivity latest
    """
    from hms.errors import ScenarioError
    from hms.experiments.report.sensitivity_text import answer_lines, answer_mapping
    from hms.experiments.sensitivity.questions import question_of
    from hms.experiments.sensitivity.study import study
    from hms.experiments.steps.write import json_text

    question = question_of(name, overlays, faults, policy, seed)
    try:
        answer = study(question, points, _told if sys.stderr.isatty() else lambda runs: None)
    except ValueError as nothing:
        raise ScenarioError(
            f"{nothing}\n    expected: ranges, as `service_time_ms: {{between: [2, 7]}}`, or values"
            " whose source is `sure: guessed`, and not too many",
            name,
        ) from nothing
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    if as_json:
        click.echo(json_text(answer_mapping(answer)), nl=False)
        return
    for line in answer_lines(answer):
        click.echo(line)


def _told(runs: int) -> None:
    """How far it is, on a terminal."""
    click.echo(f"\r{runs:,} runs", nl=False, err=True)
