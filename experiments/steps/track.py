"""Step 9: MLflow. What was compared, what was replayed, and the run's files as artifacts."""

from __future__ import annotations

from pathlib import Path

from hms.experiments.job import Job
from hms.experiments.report.closing_table import CHAMPION, Row, Section
from hms.experiments.run_directory import MANIFEST
from hms.experiments.tracking import PARENT

TRACKED_FILES = ("policy.yaml", "report.html", "experiment.yaml", MANIFEST)


def begin_tracking(job: Job) -> None:
    """Begin the parent run: parameters, and tags for code version and seeds."""
    import hms
    from hms.scenarios.machine_code import source_hash

    plan, budget = job.plan, job.budget
    tags = {
        "hms.version": hms.__version__,
        "hms.sources": source_hash(),
        "hms.seed": plan.seed,
        "hms.run": job.directory.id,
    }
    job.tracker.begin(PARENT, job.directory.id, tags)
    job.tracker.parameters(
        PARENT,
        {
            "experiment": plan.name,
            "seed": plan.seed,
            "budget": budget.name,
            "incidents": budget.incidents,
            "train": budget.train,
            "validation": budget.validation,
            "held_out": budget.held_out,
            "held_out_never_trained": budget.held_out_never_trained,
            "algorithm": plan.search.algorithm,
            "engine": plan.search.engine,
            "population": plan.search.population,
            "incidents_per_genome": plan.search.incidents_per_genome,
            "objectives": ", ".join(plan.search.objectives),
            "workers": job.options.workers,
        },
    )


def track_run(job: Job) -> str:
    """Log the comparison, the replay and the files; close the parent run."""
    tracker, table = job.tracker, job.table
    for row in table.held_out.rows:
        name = f"compare/{row.stack}"
        tracker.begin(name, name, {"hms.kind": "stack", "hms.stack": row.stack})
        tracker.metrics(name, _metrics(row))
        if table.never_trained is not None:
            never = table.never_trained.row(row.stack)
            tracker.metrics(name, {f"never_trained.{k}": v for k, v in _metrics(never).items()})
        tracker.end(name)
    tracker.begin("replay", "replay", {"hms.kind": "replay", "hms.incident": job.replayed.incident})
    tracker.metrics(
        "replay", {"hosts": job.replayed.hosts, "equal_logs": float(job.replayed.equal)}
    )
    tracker.end("replay")
    tracker.metrics(PARENT, _result(job, table.held_out))
    _artifacts(job, job.directory.runs / job.directory.id)
    tracker.close("FINISHED")
    if tracker.away:
        job.progress.say(away_text(job))
        return f"MLflow is away; kept in {tracker.spool}"
    return tracker.target.uri


def away_text(job: Job) -> str:
    """What to say when the tracking store did not answer: what was kept, how to send it."""
    tracker = job.tracker
    return (
        f"MLflow at {tracker.target.uri} did not answer ({tracker.away});\n"
        f"    kept: {tracker.spool}\n"
        f"    send it later: python -m hms.experiments.tracking {tracker.spool}"
    )


def _artifacts(job: Job, run: Path) -> None:
    for name in TRACKED_FILES:
        job.tracker.artifact(PARENT, run / name)
    for picture in sorted((run / "pictures").glob("*")):
        job.tracker.artifact(PARENT, picture, "pictures")


def _metrics(row: Row) -> dict[str, float]:
    found = {
        "downtime_s": row.downtime_s,
        "cvar_s": row.cvar_s,
        "availability": row.availability,
        "time_to_recover_s": row.time_to_recover_s,
        "not_recovered": row.not_recovered,
        "disruption_s": row.disruption_s,
        "restarts": row.restarts,
    }
    for name, interval in (
        ("champion_minus_it.downtime_s", row.downtime_difference),
        ("champion_minus_it.disruption_s", row.disruption_difference),
    ):
        if interval is not None:
            found |= {
                name: interval.mean,
                f"{name}.low": interval.low,
                f"{name}.high": interval.high,
            }
    return found


def _result(job: Job, section: Section) -> dict[str, float]:
    gate = job.table.gate
    found = {f"held_out.{key}": value for key, value in _metrics(section.row(CHAMPION)).items()}
    found |= {
        "gate.passed": float(gate.passed),
        "gate.downtime_difference_s": gate.downtime_s.mean,
        "gate.downtime_difference_s.low": gate.downtime_s.low,
        "gate.downtime_difference_s.high": gate.downtime_s.high,
    }
    found |= {f"seconds.{name}": spent for name, spent in job.progress.timer.seconds.items()}
    return found
