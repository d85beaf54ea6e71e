"""`hms run`: from a system's topology to a policy that production can load."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hms.experiments.job import Options
    from hms.experiments.plan import ExperimentPlan
    from hms.experiments.resume import Resumed
    from hms.experiments.run import Finished
    from hms.experiments.run_directory import RunDirectory


def usable_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@click.command(name="run", short_help="Evolve a healing policy, compare it, replay it, write it.")
@click.argument("experiment", required=False)
@click.option("--resume", "stopped", metavar="RUN", help="Go on with a run that was stopped.")
@click.option(
    "--budget",
    metavar="small|standard|large|N",
    help="Simulated incidents that the search may spend.  [default: small]",
)
@click.option("--seed", help="Instead of the experiment file's.")
@click.option(
    "--out",
    "runs",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for run directories.  [default: $HMS_RUNS or runs]",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    help="Ray tasks at once; no result depends on it.  [default: cores]",
)
@click.option(
    "--import",
    "manifests",
    nargs=2,
    metavar="kubernetes|compose DIR",
    help="Read the system from manifests instead of the experiment's scenario.",
)
@click.option("--tracking-uri", help="MLflow store.  [default: mlflow.db among the runs]")
@click.option("--ray-address", default="", help="An existing Ray cluster, host:port.")
@click.option("--require-gate", is_flag=True, help="Exit 1 unless the champion is better.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
def command(
    experiment: str | None,
    stopped: str | None,
    budget: str | None,
    seed: str | None,
    runs: Path | None,
    workers: int | None,
    manifests: tuple[str, str] | None,
    tracking_uri: str | None,
    ray_address: str,
    require_gate: bool,
    as_json: bool,
) -> None:
    """Evolve a healing policy for EXPERIMENT: a file, or the name of a shipped one.

    Results go to stdout, progress to stderr. Ctrl-C keeps what is ready and says what that is.

    \b
      hms run online-boutique
      hms run shop.yaml --budget standard --seed 7
      hms run online-boutique --import kubernetes ./manifests
      hms run --resume 20261124T101530Z-online-boutique
    """
    from hms.experiments.job import Options
    from hms.experiments.run_directory import RUNS

    folder = runs if runs is not None else Path(os.environ.get("HMS_RUNS", RUNS))
    resumed = None
    if stopped is not None:
        _alone(experiment=experiment, budget=budget, seed=seed, manifests=manifests or None)
        resumed = _reopened(stopped, folder)
    options = Options(
        budget=resumed.budget if resumed else budget or "small",
        seed=seed,
        runs=resumed.directory.runs if resumed else folder,
        workers=workers or usable_cores(),
        tracking_uri=tracking_uri,
        ray_address=ray_address,
        command=" ".join(["hms", *sys.argv[1:]]),
    )
    plan = resumed.plan if resumed else planned(experiment, manifests)
    finished = run_shown(plan, options, resumed.directory if resumed else None)
    report(finished, as_json)
    if require_gate and not finished.table.gate.passed:
        from hms.errors import GateRefused

        raise GateRefused(f"--require-gate: {finished.table.gate.sentence}")


def _alone(**given: object) -> None:
    """Refuse what a resumed run has already.

    Raises:
        InputError: something else was given.
    """
    from hms.errors import InputError

    for name, value in given.items():
        if value is not None:
            word = {"experiment": "EXPERIMENT", "manifests": "--import"}.get(name, f"--{name}")
            raise InputError(f"--resume: {word} is the run's own\n    expected: --resume RUN alone")


def _reopened(stopped: str, folder: Path) -> Resumed:
    from hms.experiments.resume import resume
    from hms.experiments.run_directory import resolve_run

    return resume(resolve_run(stopped, folder))


def planned(experiment: str | None, manifests: tuple[str, str] | None) -> ExperimentPlan:
    """The plan, with the user's manifests instead of its scenario if there are any."""
    from hms.experiments.plan_file import import_instead, load_plan

    if experiment is None:
        raise click.UsageError("Missing argument 'EXPERIMENT', or --resume RUN.")
    plan = load_plan(experiment)
    return import_instead(plan, *manifests) if manifests else plan


def run_shown(
    plan: ExperimentPlan, options: Options, resumed: RunDirectory | None = None
) -> Finished:
    """Run it with progress on stderr; an interruption says what exists and ends the process."""
    from hms.experiments.interruption import exit_code
    from hms.experiments.progress import show_progress
    from hms.experiments.run import Interrupted, run_experiment

    try:
        with show_progress() as progress:
            return run_experiment(plan, options, progress, resumed)
    except Interrupted as stopped:
        click.echo(stopped.message, err=True)
        sys.exit(exit_code(stopped.cause))


def report(finished: Finished, as_json: bool) -> None:
    """Print what came out, and what to do next."""
    from hms.experiments.report.closing_text import print_closing
    from hms.experiments.steps.write import json_text

    if as_json:
        sys.stdout.write(json_text(result_mapping(finished)))
        return
    print_closing(finished.table, sys.stdout)
    total_s = sum(finished.seconds.values())
    spent = ", ".join(f"{name} {seconds:.0f}" for name, seconds in finished.seconds.items())
    click.echo(f"{total_s:.0f} s in all: {spent}")
    click.echo(
        f"wrote {finished.path}; next: hms export {finished.id} --to hms,envoy -o exported"
    )


def result_mapping(finished: Finished) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "id": finished.id,
        "path": str(finished.path),
        "policy_sha256": finished.policy_sha256,
        "seconds": finished.seconds,
        "tracking_away": finished.away,
        **finished.table.to_mapping(),
    }
