"""`hms import FORMAT FILE|DIR…`: a scenario from a team's own files, of one format or several."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hms.documents import write_whole

if TYPE_CHECKING:
    from hms.scenarios.importers.read import Given

FORMATS = ("kubernetes", "compose", "istio", "jaeger", "traces", "graph")


@click.command("import")
@click.argument("format_name", metavar="FORMAT", type=click.Choice(FORMATS))
@click.argument("paths", metavar="FILE|DIR...", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", help="Write the scenario here, else to stdout.")
@click.option(
    "--merge",
    "others",
    metavar="FORMAT:PATH",
    multiple=True,
    help="Join a further source; the surer one wins, and conflicts are said.",
)
@click.option("--overlay", "overlays", metavar="FILE", multiple=True, help="Lay over the facts.")
@click.option("--keep-telemetry", is_flag=True, help="Keep calls to collectors and flag services.")
@click.option("--name", metavar="NAME", help="Name of the scenario, else the folder's.")
@click.option("--repository", metavar="NAME", default="", help="Where the files are from.")
@click.option("--commit", metavar="ID", default="", help="Which version of them.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    format_name: str,
    paths: Sequence[str],
    output: str | None,
    others: Sequence[str],
    overlays: Sequence[str],
    keep_telemetry: bool,
    name: str | None,
    repository: str,
    commit: str,
    as_json: bool,
) -> None:
    """Make a scenario from what a team already has.

    FORMAT is kubernetes or compose (manifests), istio (today's time-outs, retries, breakers),
    traces (OpenTelemetry's OTLP JSON or Jaeger's), jaeger (its dependencies JSON) or graph
    (GraphML, GEXF, node-link JSON, edge list, adjacency list). Folders are searched. Components,
    calls, limits and times come from the files, each with its line; what they never say is
    guessed and marked so. docs/import.md has what each format gives.

    \b
    hms import kubernetes deploy/ -o shop.yaml
    hms import kubernetes deploy/ --merge traces:spans.json --merge istio:mesh/ -o shop.yaml
    """
    from hms.scenarios.importers.assemble import Labels
    from hms.scenarios.importers.files import system_name
    from hms.scenarios.importers.read import import_scenario
    from hms.scenarios.importers.summary import notes, sentence, summary
    from hms.scenarios.write import scenario_to_text

    imported = import_scenario(
        format_name,
        paths,
        Labels(name or system_name(paths[0]), repository, commit),
        overlays,
        merge=[given(text) for text in others],
        keep_telemetry=keep_telemetry,
    )
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


def given(text: str) -> Given:
    """`traces:spans.json` as a source."""
    from hms.documents import nearest
    from hms.scenarios.importers.read import Given

    format_name, colon, path = text.partition(":")
    if not colon or not path or format_name not in FORMATS:
        near = nearest(format_name, FORMATS) or "traces"
        raise click.BadParameter(
            f"`{text}`\n    expected: FORMAT:PATH, the format one of {', '.join(FORMATS)}\n"
            f"    nearest: `{near}:{path or 'FILE'}`",
            param_hint="--merge",
        )
    return Given(format_name, (path,))
