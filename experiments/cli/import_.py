"""`hms import kubernetes|compose FILE|DIR…`: a scenario from a team's own files."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from hms.documents import write_whole

FORMATS = ("kubernetes", "compose")


@click.command("import")
@click.argument("format_name", metavar="FORMAT", type=click.Choice(FORMATS))
@click.argument("paths", metavar="FILE|DIR...", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", help="Write the scenario here, else to stdout.")
@click.option("--overlay", "overlays", metavar="FILE", multiple=True, help="Lay over the facts.")
@click.option("--name", metavar="NAME", help="Name of the scenario, else the folder's.")
@click.option("--repository", metavar="NAME", default="", help="Where the files are from.")
@click.option("--commit", metavar="ID", default="", help="Which version of them.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    format_name: str,
    paths: Sequence[str],
    output: str | None,
    overlays: Sequence[str],
    name: str | None,
    repository: str,
    commit: str,
    as_json: bool,
) -> None:
    """Make a scenario from Kubernetes manifests or compose files.

    FORMAT is kubernetes or compose. Folders are searched for YAML and JSON files. Components,
    calls, limits and probes come from the files, each with its line; what they never say is
    guessed and marked so.
    """
    from hms.scenarios.importers.assemble import Labels
    from hms.scenarios.importers.files import system_name
    from hms.scenarios.importers.read import import_scenario
    from hms.scenarios.importers.summary import notes, sentence, summary
    from hms.scenarios.write import scenario_to_text

    labels = Labels(name or system_name(paths[0]), repository, commit)
    imported = import_scenario(format_name, paths, labels, overlays)
    text = scenario_to_text(imported.scenario)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_whole(output, text)
    for note in notes(imported):
        click.echo(f"note: {note}", err=True)
    if as_json:
        click.echo(json.dumps(summary(imported, output), indent=1), err=output is None)
    else:
        click.echo(sentence(imported, output), err=output is None)
