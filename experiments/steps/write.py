"""Step 8: the run directory. Results, policy, pictures, page, manifest; then its name."""

from __future__ import annotations

import io
import json
import math
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

import hms
from hms.documents import dump_yaml
from hms.experiments.job import Job
from hms.experiments.outcome_frame import validation_points
from hms.experiments.report import palette
from hms.experiments.report.page import ReportData, Timeline, draw_pictures, render_page
from hms.experiments.resume import forget_search
from hms.experiments.steps.inputs import budget_word
from hms.experiments.steps.second_opinion import opinion

if TYPE_CHECKING:
    import pandas as pd

    from hms.evolution.individual import Individual
    from hms.evolution.search import SearchResult

VERSIONS = ("ray", "deap", "numpy", "pandas", "numba", "mlflow", "networkx", "pyarrow")


def write_run(job: Job) -> str:
    """Write every file and rename the folder."""
    write_results(job)
    text = dump_yaml(job.champion.to_mapping(sparse=True))
    job.directory.write("policy.yaml", text)
    for name, log in job.replayed.logs.items():
        job.directory.write(f"events/{name}", log)
    job.progress.expect(3.0)
    job.progress.advance(1.0, "pictures and page")
    data = report_data(job)
    svgs = {
        name: palette.write_picture(figure, job.directory.path / "pictures", name)
        for name, figure in draw_pictures(data).items()
    }
    job.directory.write("report.html", render_page(data, svgs))
    job.progress.advance(2.0, "manifest")
    forget_search(job)
    path = job.directory.finish({**manifest_facts(job), **_result_facts(job)})
    return str(path)


def write_results(job: Job) -> None:
    """Every frame as Parquet."""
    write_frame(job, "generations", history_frame(job))
    write_frame(
        job, "front", front_frame(job.search, job.plan.search.objectives, job.finalists)
    )
    write_frame(job, "validation", job.validation)
    write_frame(job, "held_out", job.held_out)
    write_frame(job, "replay", job.replayed.seconds)
    write_frame(job, "components", job.replayed.components)
    write_frame(job, "acts", job.replayed.acts)


def history_frame(job: Job) -> pd.DataFrame:
    """The search's history."""
    import pandas as pd

    return pd.DataFrame(job.history)


def front_frame(
    found: SearchResult, objectives: Sequence[str], finalists: Sequence[Individual] = ()
) -> pd.DataFrame:
    """The front and the finalists with their training objectives and their policies."""
    import pandas as pd

    places = {one.sha256: place for place, one in enumerate(finalists)}
    front = {one.sha256 for one in found.front}
    rows = []
    for one in found.population:
        if one.sha256 in front or one.sha256 in places:
            rows.append(
                {
                    "policy_sha256": one.sha256,
                    "on_front": one.sha256 in front,
                    "finalist": places.get(one.sha256, -1) + 1,
                    **dict(zip(objectives, one.values, strict=True)),
                    "born": one.born,
                    "policy": one.policy.canonical_json(),
                }
            )
    return pd.DataFrame(rows)


def write_frame(job: Job, name: str, frame: pd.DataFrame) -> None:
    """One frame as Parquet, below `results/`."""
    stream = io.BytesIO()
    frame.to_parquet(stream, index=False)
    job.directory.write(f"results/{name}.parquet", stream.getvalue())


def manifest_facts(job: Job) -> dict[str, Any]:
    """What the manifest says of any run, finished or not."""
    return {
        "name": job.plan.name,
        "hms": hms.__version__,
        "started": job.started.astimezone(UTC).isoformat(timespec="seconds"),
        "command": job.options.command,
        "seed": job.seed,
        "budget": {"name": job.budget.name, **job.budget.to_mapping()},
        "interval": {
            "resamples": job.plan.compare.resamples,
            "level": job.plan.compare.level,
        },
        "incidents_spent": dict(job.spent),
        "split": _split(job),
        "sets": {name: list(found.ids) for name, found in getattr(job, "sets", {}).items()},
        "workers": job.options.workers,
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {"system": sys.platform, "kind": platform.machine()},
        "seconds": {name: round(s, 2) for name, s in job.progress.timer.seconds.items()},
    }


def _split(job: Job) -> dict[str, Any]:
    """Which failures may be trained on; the generator's own split beside the experiment's."""
    from hms.scenarios.generator.frozen_split import FROZEN
    from hms.scenarios.split import split_facts

    topology = getattr(job, "topology", None)
    plan = job.plan.failures
    facts = split_facts(
        plan.families, plan.never_trained, job.budget.sizes,
        topology.name if topology is not None else "", job.seed,
    )  # fmt: skip
    return {**facts, "generator_sha256": FROZEN.sha256}


def _result_facts(job: Job) -> dict[str, Any]:
    gate = job.table.gate
    replayed = job.replayed
    return {
        "policy_sha256": job.champion.sha256,
        "choice": {
            "reason": job.choice.reason,
            "best_baseline": job.choice.best_baseline,
            "request_by_request": opinion(job.engines) if job.engines else "",
        },
        "footnotes": dict(job.footnotes),
        "result": {
            "sentence": gate.sentence,
            "passed": gate.passed,
            "best_baseline": gate.best_baseline,
            "loses_on": [
                {"set": loss.set, "family": loss.family, "to": loss.baseline, "sure": loss.sure}
                for loss in job.table.weak.losses
            ],
            "never_recovers": [each.incident for each in job.table.weak.never_recovered],
        },
        "replay": {
            "incident": replayed.incident,
            "hosts": replayed.hosts,
            "equal_logs": replayed.equal,
            "faults": [[label, start, _finite(end)] for label, start, end in replayed.faults],
            "slo": replayed.slo,
        },
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in VERSIONS}


def report_data(job: Job) -> ReportData:
    """All that the page shows."""
    shown = job.replayed
    return ReportData(
        id=job.directory.id,
        name=job.plan.name,
        started=f"{job.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        version=hms.__version__,
        budget=f"{job.budget.name} ({job.budget.incidents:,} incidents)",
        seed=job.seed,
        table=job.table,
        results=job.held_out,
        points=validation_points(job.validation),
        generations=history_frame(job),
        policy=job.champion,
        choice=". ".join(
            [job.choice.reason, *(opinion(found) for found in [job.engines] if found)]
        ),
        choice_rival=job.choice.best_baseline,
        timeline=Timeline(shown.incident, shown.seconds, shown.acts, shown.faults, shown.slo),
        command=reproduce_command(job),
        facts=_page_facts(job),
    )


def reproduce_command(job: Job) -> str:
    """What to type to get the same run from its own folder."""
    return f"hms run experiment.yaml --budget {budget_word(job)}   # in this run's folder"


def _page_facts(job: Job) -> Mapping[str, str]:
    versions = ", ".join(f"{name} {text}" for name, text in _versions().items())
    return {
        "policy": f"policy.yaml, SHA-256 {job.champion.sha256}",
        "replay": _replay_fact(job),
        "python": f"{platform.python_version()} on {sys.platform} {platform.machine()}",
        "packages": versions,
        "typed": job.options.command or "–",
    }


def _replay_fact(job: Job) -> str:
    shown = job.replayed
    verdict = "the same event log, byte for byte" if shown.equal else "another event log"
    return f"{shown.incident} on {shown.hosts} agent hosts: {verdict} as the compiled engine's"


def json_text(data: Mapping[str, Any]) -> str:
    """One JSON document for `--json`."""
    return json.dumps(data, indent=1, allow_nan=False) + "\n"
