"""`hms check`: reviews today's settings, and puts a system's expectations under test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

STRICT = 1


@click.command("check", short_help="Review today's settings; test what a system promises.")
@click.argument("paths", metavar="MANIFESTS...|SCENARIO", nargs=-1)
@click.option("--overlay", "overlays", multiple=True, type=click.Path(path_type=Path),
              help="A partial scenario merged over it; may be repeated.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit 1 if a finding has a cost.")
@click.option("--explain", "explain", metavar="[RULE]", is_flag=False, flag_value="",
              default=None, help="What a rule looks for, and why; without RULE: all.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Every place, not the dearest of a rule.")
@click.option("--seed", default="0", show_default=True, help="Of all that is drawn.")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
def command(
    paths: Sequence[str],
    overlays: tuple[Path, ...],
    strict: bool,
    explain: str | None,
    everything: bool,
    seed: str,
    as_json: bool,
) -> None:
    """Review the settings that a system has today, in seconds and without a search.

    MANIFESTS are Kubernetes or compose files or folders; SCENARIO is a scenario file or a shipped
    scenario's name. Each finding says where it stands, what it costs in simulation and what to
    paste.

    \b
      hms check online-boutique
      hms check k8s/ --strict
      hms check --explain retry-multiplication
    """
    if explain is not None:
        _explain(explain)
        return
    if not paths:
        raise click.UsageError("nothing to check\n    expected: manifests, or a scenario")
    from hms.experiments.check.data_form import review_mapping
    from hms.experiments.check.review import review
    from hms.experiments.check.subject import read_system
    from hms.experiments.check.text import review_lines

    system, said = read_system(paths, overlays)
    for note in said:
        click.echo(f"note: {note}", err=True)
    found = review(system, seed)
    if as_json:
        click.echo(json.dumps(review_mapping(found), indent=1))
    else:
        for line in review_lines(found, everything):
            click.echo(line)
    if strict and found.proven:
        click.get_current_context().exit(STRICT)


def _explain(name: str) -> None:
    """The page of one rule, or the list of all."""
    from hms.errors import InputError
    from hms.experiments.check.rules import RULES
    from hms.problems import nearest

    if not name:
        width = max(map(len, RULES))
        for rule in RULES.values():
            click.echo(f"{rule.name:<{width}}  {rule.title}")
        return
    if name not in RULES:
        near = nearest(name, RULES)
        hint = f"\n    nearest: `{near}`" if near else ""
        raise InputError(f"no rule `{name}`\n    expected: {', '.join(RULES)}{hint}")
    click.echo(RULES[name].page.rstrip())
