"""`hms prove POLICY`: is it better than every baseline on failures that nobody has seen?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hms.experiments.proof.proof import Asked, Proof


@click.command(name="prove", short_help="Is a policy better than every baseline, beyond doubt?")
@click.argument("policy")
@click.option("--topology", "topologies", multiple=True, metavar="SCENARIO",
              help="Prove on this system: an experiment, a scenario or a run; may be repeated."
              "  [default: the frozen split]")  # fmt: skip
@click.option("--overlay", "overlays", multiple=True, type=click.Path(path_type=Path),
              help="A partial scenario merged over SCENARIO; may be repeated.")  # fmt: skip
@click.option("--scenarios", type=click.IntRange(1, 100_000), default=400, show_default=True,
              help="Held-out failures that the gate judges; fewer prove nothing.")  # fmt: skip
@click.option("--request", "request_scenarios", type=click.IntRange(0, 100_000), default=56,
              show_default=True, help="How many of them the request engine runs.")  # fmt: skip
@click.option("--safety-runs", type=click.IntRange(0, 1_000_000), default=3_000,
              show_default=True, help="Runs of the champion to find breaches in.")  # fmt: skip
@click.option("--oracle", "oracle_scenarios", type=click.IntRange(0, 100_000), default=28,
              show_default=True, help="How many of them an oracle meets.")  # fmt: skip
@click.option("--against", multiple=True, metavar="P",
              help="A further policy to compare with; may be repeated.")  # fmt: skip
@click.option("--seed", help="Instead of the experiment's.")
@click.option("--look", "repeat", type=click.IntRange(1, 10_000),
              help="Draw the failures of this look again, to check what it said.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 1024),
              help="Ray tasks at once; no result depends on it.  [default: cores]")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False),
              help="The evidence file.  [default: beside the policy]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The evidence as JSON on stdout.")
def command(
    policy: str,
    topologies: tuple[str, ...],
    overlays: tuple[Path, ...],
    scenarios: int,
    request_scenarios: int,
    safety_runs: int,
    oracle_scenarios: int,
    against: tuple[str, ...],
    seed: str | None,
    repeat: int | None,
    workers: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Prove POLICY (a file, a run, or a baseline's name) on held-out failures.

    The failures are drawn from the policy's hash: nobody, least of all a search, has met them.
    Every baseline meets the same ones. Exit 0: proven; 1: not, said as plainly.

    \b
      hms prove latest --topology online-boutique
      hms prove policy.yaml
      hms prove policy.yaml --topology shop.yaml --overlay ours.yaml --json
    """
    from hms.errors import InputError
    from hms.experiments.cli.run import usable_cores
    from hms.experiments.proof.proof import Asked

    if overlays and not topologies:
        raise InputError("--overlay: of what?\n    expected: --topology SCENARIO beside it")
    asked = Asked(
        policy, topologies, tuple(str(path) for path in overlays), scenarios,
        min(request_scenarios, scenarios), safety_runs, min(oracle_scenarios, scenarios), seed,
        against, repeat,
        workers or usable_cores(), " ".join(["hms", *sys.argv[1:]]),
    )  # fmt: skip
    proof = _proven(asked)
    path = out or evidence_file(proof)
    _tell(proof, path, as_json)
    if not proof.passed:
        raise click.exceptions.Exit(1)


def _proven(asked: Asked) -> Proof:
    from hms.experiments.interruption import terminable
    from hms.experiments.progress import show_progress
    from hms.experiments.proof.prove import prove

    with show_progress() as progress, terminable():
        return prove(asked, progress)


def evidence_file(proof: Proof) -> Path:
    """Where evidence goes unless told otherwise: beside the policy, a file for each look."""
    subject = proof.subject
    return subject.folder / f"{subject.stem}evidence-{proof.look.number}.json"


def _tell(proof: Proof, path: Path, as_json: bool) -> None:
    from hms.experiments.proof.evidence import evidence, write_evidence
    from hms.experiments.proof.text import proof_lines
    from hms.experiments.steps.write import json_text

    data = evidence(proof)
    write_evidence(data, path)
    if as_json:
        sys.stdout.write(json_text(data))
        return
    for line in proof_lines(proof):
        click.echo(line)
    click.echo(f"wrote {path}")
