"""`hms explain PARAMETER`: what a parameter does, its default and range, who can express it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from hms.agents.policy.parameters import Tunable, step_table, table
from hms.agents.policy.policy_values import RETRY_ON, RETRY_ON_PATHS
from hms.documents import Problem, nearest
from hms.errors import InputError
from hms.experiments.cli.parameter_page import facts, page, short_list

RETRY_ON_NAMES = ("retry_on", RETRY_ON)


@click.command("explain")
@click.argument("parameter", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print the whole table as docs/parameters.md.")
def command(parameter: str | None, as_json: bool, markdown: bool) -> None:
    """Say what PARAMETER does: default, range, unit, scale, how each target expresses it.

    PARAMETER is a name such as breaker.open_s, a part of one that is unique (open_s), or a
    group (breaker). Without it all parameters are listed.
    """
    rows = find(parameter) if parameter else everything()
    if markdown:
        click.echo(page(rows), nl=False)
    elif as_json:
        told = [facts(row) for row in rows]
        click.echo(json.dumps(told[0] if parameter and len(told) == 1 else told, indent=1))
    elif parameter and len(rows) == 1:
        click.echo("\n".join(_lines(rows[0])))
    else:
        click.echo("\n".join(short_list(rows)))
        click.echo("next: hms explain PARAMETER")


def everything() -> list[Tunable]:
    """Every row of the table, those of a ladder's steps last."""
    return [*table(), *step_table()]


def find(name: str) -> list[Tunable]:
    """The row, or the rows of the group, that a name means.

    Raises:
        InputError: none, or several that are not a group; the message names the nearest.
    """
    rows = everything()
    wanted = name.removeprefix("recovery.")
    group = "step" if wanted == "recovery" else wanted
    for found in (
        [row for row in rows if row.path == wanted],
        [row for row in rows if row.path.startswith(f"{group}.")],
        [row for row in rows if row.path in RETRY_ON_PATHS and wanted in RETRY_ON_NAMES],
        [row for row in rows if row.path.split(".")[1] == wanted],
    ):
        if len(found) == 1 or (found and _one_group(found)):
            return found
        if found:
            names = ", ".join(row.path for row in found)
            raise InputError([Problem((), f"`{name}` may be any of several", names)], None)
    raise InputError([_unknown(name, rows)], None)


def _one_group(rows: Sequence[Tunable]) -> bool:
    return len({row.path.split(".")[0] for row in rows}) == 1


def _unknown(name: str, rows: Sequence[Tunable]) -> Problem:
    paths = [row.path for row in rows]
    near = nearest(name, paths)
    if not near:
        last = nearest(name.split(".")[-1], [path.split(".")[1] for path in paths])
        near = next((path for path in paths if last and path.split(".")[1] == last), "")
    groups = ", ".join(dict.fromkeys(path.split(".")[0] for path in paths))
    expected = f"a parameter of {groups}; `hms explain` lists them all"
    return Problem((), f"unknown parameter `{name}`", expected, near)


def _lines(row: Tunable) -> list[str]:
    told = facts(row)
    lines = [f"{row.path}: {row.does}", ""]
    for key in ("default", "range", "searched", "unit", "scale", "in a file"):
        lines.append(f"  {key:<10} {told[key]}")
    exports = told["exports"]
    lines.append("")
    lines += [f"  to {target:<7} {how}" for target, how in exports.items()]
    return lines
