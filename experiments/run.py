"""The main job: from a system's topology to a policy that production can load.

A list of steps over one job. Whatever ends it, the run directory is either whole under its own
name, or kept as `<id>.interrupted` with a manifest that says how far it came; Ray is stopped and
the MLflow run is closed, as KILLED after Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hms.errors import InputError
from hms.experiments.interruption import terminable, uninterrupted
from hms.experiments.job import Job, Options, Step
from hms.experiments.plan import Budget, ExperimentPlan
from hms.experiments.plan_file import seeded
from hms.experiments.progress import AnyProgress
from hms.experiments.report.closing_table import ClosingTable
from hms.experiments.run_directory import RunDirectory
from hms.experiments.steps.choose import choose_champion
from hms.experiments.steps.compare import compare_stacks
from hms.experiments.steps.evolve import evolve_policies, search_settings
from hms.experiments.steps.keep import write_partial_results
from hms.experiments.steps.replay import replay_champion, stop_hosts
from hms.experiments.steps.scenarios import compile_scenarios
from hms.experiments.steps.topology import read_topology
from hms.experiments.steps.track import away_text, track_run
from hms.experiments.steps.tune import is_asked_to_tune, tune_baselines
from hms.experiments.steps.workers import start_workers
from hms.experiments.steps.write import manifest_facts, write_run
from hms.experiments.tracking import Tracker, local_target

STEPS = (
    Step("topology", "reading the system", read_topology),
    Step("scenarios", "drawing and compiling failures", compile_scenarios),
    Step("workers", "starting Ray, compiling the engine", start_workers),
    Step("evolve", "searching for policies", evolve_policies),
    Step("tune", "tuned baselines at the same budget", tune_baselines),
    Step("choose", "finalists and baselines on validation failures", choose_champion),
    Step("compare", "champion and baselines on held-out failures", compare_stacks),
    Step("replay", "one agent host a component, in virtual time", replay_champion),
    Step("write", "results, pictures, page", write_run),
    Step("track", "logging to MLflow", track_run),
)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run leaves.

    Attributes:
        path: the run directory.
        table: the closing table.
        policy_sha256: the champion's identity.
        seconds: of each step, in order.
        away: why MLflow could not be reached, "" if it was.
    """

    id: str
    path: Path
    table: ClosingTable
    policy_sha256: str
    seconds: dict[str, float]
    away: str


class Interrupted(KeyboardInterrupt):
    """A run was stopped and put in order.

    Attributes:
        cause: Ctrl-C or SIGTERM.
        message: what was being done and what exists now.
    """

    def __init__(self, cause: KeyboardInterrupt, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message


def chosen_budget(plan: ExperimentPlan, wanted: str) -> Budget:
    """The budget of that name or number.

    Raises:
        InputError: it is neither.
    """
    try:
        budget = plan.budget(wanted)
    except ValueError:
        names = ", ".join(plan.budgets)
        raise InputError(
            f"--budget {wanted}\n    expected: {names}, or a whole number of incidents"
        ) from None
    try:
        search_settings(plan.search, budget, ("any",) * budget.train)
    except ValueError as problem:
        raise InputError(f"--budget {wanted}: {problem}") from None
    return budget


def run_experiment(
    plan: ExperimentPlan,
    options: Options,
    progress: AnyProgress,
    resumed: RunDirectory | None = None,
) -> Finished:
    """Run all steps; in `resumed`, a stopped run's folder, what was searched is not done again.

    Raises:
        InputError: the experiment, its scenario or an option is wrong; nothing is left behind.
        Interrupted: Ctrl-C or SIGTERM; what was ready is kept as `<id>.interrupted`.
    """
    if options.seed is not None:
        plan = seeded(plan, options.seed)
    budget = chosen_budget(plan, options.budget)
    target = local_target(options.runs, plan.name, options.tracking_uri)
    started = datetime.now(UTC)
    directory = resumed or RunDirectory.create(options.runs, plan.name, started)
    tracker = Tracker(target, options.runs / "mlflow-spool" / f"{directory.id}.jsonl")
    job = Job(plan, budget, options, started, progress, directory, tracker)
    # Ray prints its warnings to standard output, which is for results
    with redirect_stdout(sys.stderr), terminable(), _put_in_order(job):
        for step in STEPS:
            if step.run is tune_baselines and not is_asked_to_tune(job):
                continue
            job.step = step.name
            progress.begin(step.name, step.doing)
            progress.end(step.run(job))
        job.step = ""
    return Finished(
        id=directory.id,
        path=directory.runs / directory.id,
        table=job.table,
        policy_sha256=job.champion.sha256,
        seconds=dict(progress.timer.seconds),
        away=tracker.away,
    )


@contextmanager
def _put_in_order(job: Job) -> Iterator[None]:
    """Whatever happens: no process, no half-written folder, no MLflow run left open."""
    try:
        yield
    except KeyboardInterrupt as stop:
        with uninterrupted():
            _stop_ray(job)
            message = _keep(job)
            job.tracker.close("KILLED")
        if job.tracker.away:
            message += "\n" + away_text(job)
        raise Interrupted(stop, message) from stop
    except BaseException:
        with uninterrupted():
            _stop_ray(job)
            _discard_or_keep(job)
            job.tracker.close("FAILED")
        raise
    else:
        _stop_ray(job)


def _stop_ray(job: Job) -> None:
    stop_hosts(job)
    if job.cluster is not None:
        job.cluster.stop()
        job.cluster = None


def _keep(job: Job) -> str:
    """Keep what is ready; the sentence that says so."""
    if not job.directory.path.exists():
        whole = job.directory.runs / job.directory.id
        return f"stopped during {job.step}; the run directory is whole: {whole}"
    if not job.history:
        job.directory.discard()
        return f"stopped during {job.step}; nothing was ready yet, nothing is kept"
    written = write_partial_results(job)
    facts = {**manifest_facts(job), "stopped_during": job.step}
    path = job.directory.interrupt(facts)
    files = ", ".join([*written, "manifest.json"])
    return (
        f"stopped during {job.step} after {len(job.history)} generations;"
        f" kept {path} ({files})\n"
        f"go on with: hms run --resume {job.directory.id}"
    )


def _discard_or_keep(job: Job) -> None:
    """After an error: an empty folder goes, results stay."""
    if not job.directory.path.exists():
        return
    if job.history:
        write_partial_results(job)
        job.directory.interrupt({**manifest_facts(job), "failed_during": job.step})
    else:
        job.directory.discard()
