"""`hms export`: a policy as configuration that other stacks load."""

from __future__ import annotations

from pathlib import Path

import click

from hms.documents import Problem, nearest
from hms.errors import InputError
from hms.experiments.export import loss_text
from hms.experiments.export.loss import dumps
from hms.experiments.export.sources import find_policy, looks_like_file, scenario_of
from hms.experiments.export.targets import TARGETS, build
from hms.experiments.single_run import find_scenario
from hms.scenarios.load import load_scenario


@click.command("export")
@click.argument("policy", metavar="RUN|POLICY")
@click.option("--to", "to", required=True, help=f"Targets: {', '.join(TARGETS)}, with commas.")
@click.option("--topology", metavar="SCENARIO",
              help="Scenario file, or a shipped one's name; a run carries its own.")
@click.option("--overlay", multiple=True, help="Overlay of the topology; may be repeated.")
@click.option("-o", "--out", required=True, metavar="DIR", help="Folder for the files.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    policy: str, to: str, topology: str | None, overlay: tuple[str, ...], out: str, as_json: bool
) -> None:
    """Write a policy as configuration for other stacks, and what each of them loses.

    The policy is a file, a run (folder, id or latest) or a baseline's name. Files go to
    DIR/TARGET/, the report to DIR/loss.md and DIR/loss.json.
    """
    targets = target_names(to)
    found = find_policy(policy)
    if topology is None and overlay:
        raise InputError([Problem((), "--overlay without --topology", "--topology SCENARIO")])
    scenario = scenario_of(found.run)
    if topology is not None:
        # a file that is not there is wrong input, told by its reader
        file = topology if looks_like_file(topology) else find_scenario(topology)
        scenario = load_scenario(file, overlay)
    export = build(found.policy, scenario, targets)
    written = export.save(Path(out))
    if as_json:
        click.echo(dumps(export.report()), nl=False)
        return
    click.echo(f"{found.name} (sha256 {found.policy.sha256[:12]}) from {found.source}")
    click.echo("\n".join(loss_text.table(export.rows)))
    click.echo(f"wrote {len(written)} files to {out}")
    click.echo(f"next: read {Path(out) / 'loss.md'}{_next(targets, Path(out), written)}")


def target_names(text: str) -> list[str]:
    """The targets in `hms,envoy`, each once.

    Raises:
        InputError: one of them is unknown, or there is none.
    """
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [
        Problem((), f"unknown target `{name}`", ", ".join(TARGETS), nearest(name, TARGETS))
        for name in names
        if name not in TARGETS
    ]
    if not names:
        unknown = [Problem((), "--to names no target", ", ".join(TARGETS))]
    if unknown:
        raise InputError(unknown)
    return names


def _next(targets: list[str], out: Path, written: list[Path]) -> str:
    proxies = [path for path in written if path.parent == out / "envoy"]
    return f"; envoy --mode validate -c {proxies[0]}" if "envoy" in targets and proxies else ""
