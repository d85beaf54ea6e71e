"""Log a run to MLflow: data only, in batches, never in the run's way.

One parent run, children tied to it by tag: `evolve`, one for each compared stack, `replay`.
Everything to be logged is first a small operation (a dict); a tracker does it at once, or, when
the server is away, writes it to a spool file and goes on. `python -m hms.experiments.tracking
SPOOL` sends a spool later; sending twice adds nothing.

MLflow is a view. The run directory is the truth, and needs none of this.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hms.errors import HmsError, MissingError
from hms.experiments.interruption import delayed
from hms.experiments.tracking_uri import artifacts_beside, store_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT = "run"
MOST_PARAMETERS = 15
"""More than that and nobody finds anything in MLflow's table."""

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # MLflow's own 7 retries of 120 s hold a run for minutes when a server goes away
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
}

Operation = dict[str, Any]


def prepare_environment() -> None:
    """Settings that MLflow reads when imported; what the user has set stays, but telemetry."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    logging.getLogger("alembic").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to log.

    Attributes:
        uri: `sqlite:////abs/mlflow.db`, `http://host:port`, ...
        experiment: the MLflow experiment, made when it is not there.
        artifacts: artifact location of a new experiment; "" leaves it to the server.
    """

    uri: str
    experiment: str
    artifacts: str = ""


def local_target(runs: Path, experiment: str, uri: str | None) -> Target:
    """The store of `--tracking-uri`, or the SQLite file among the runs.

    Raises:
        InputError: no store can have this URI.
    """
    folder = runs.resolve()
    chosen = store_uri(uri, folder) if uri is not None else f"sqlite:///{folder / 'mlflow.db'}"
    local = chosen.startswith("sqlite:")
    return Target(chosen, experiment, f"{folder.as_uri()}/mlflow-artifacts" if local else "")


class Store:
    """The MLflow side: does operations, knows which MLflow run each of our names is."""

    def __init__(self, target: Target, runs: Mapping[str, str] | None = None) -> None:
        prepare_environment()
        from mlflow import MlflowClient

        self.target = target
        self.runs = dict(runs or {})
        self._client: MlflowClient = MlflowClient(tracking_uri=target.uri)
        self._experiment = ""

    def do(self, operation: Operation) -> None:
        """Do one operation; MLflow's own errors pass through."""
        kind, name = operation["do"], operation["run"]
        if kind == "begin":
            self._begin(name, operation)
        elif kind == "parameters":
            self._log_parameters(self.runs[name], operation["values"])
        elif kind == "metrics":
            self._log_metrics(self.runs[name], operation["values"])
        elif kind == "artifact":
            self._client.log_artifact(self.runs[name], operation["path"], operation["folder"])
        elif kind == "end":
            self._client.set_terminated(
                self.runs[name], operation["status"], end_time=operation["at_ms"]
            )
        else:
            raise ValueError(f"unknown operation {kind!r}")

    def _begin(self, name: str, operation: Operation) -> None:
        tags = dict(operation["tags"])
        if name != PARENT:
            tags["mlflow.parentRunId"] = self.runs[PARENT]
        run = self._client.create_run(
            self._experiment_id(),
            start_time=operation["at_ms"],
            tags=tags,
            run_name=operation["title"],
        )
        self.runs[name] = run.info.run_id

    def _experiment_id(self) -> str:
        if not self._experiment:
            found = self._client.get_experiment_by_name(self.target.experiment)
            if found is not None:
                self._experiment = str(found.experiment_id)
            else:
                self._experiment = self._client.create_experiment(
                    self.target.experiment, artifact_location=self.target.artifacts or None
                )
        return self._experiment

    def _log_parameters(self, run_id: str, values: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        self._client.log_batch(run_id, params=[Param(k, str(v)) for k, v in values.items()])

    def _log_metrics(self, run_id: str, values: Sequence[Sequence[Any]]) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(key, value, at_ms, step) for key, value, at_ms, step in values]
        self._client.log_batch(run_id, metrics=metrics)


@dataclass(slots=True)
class Tracker:
    """What the steps of a run call. Never raises because a server is away.

    Attributes:
        spool: the file that takes what could not be logged.
        away: why logging stopped; "" while it works.
        open: names of MLflow runs that have begun and not ended.
    """

    target: Target
    spool: Path
    away: str = ""
    open: list[str] = field(default_factory=list)
    _store: Store | None = None
    _known_runs: dict[str, str] = field(default_factory=dict)

    def begin(self, run: str, title: str, tags: Mapping[str, str]) -> None:
        """Begin an MLflow run; every one but PARENT is its child."""
        self.open.append(run)
        self._do({"do": "begin", "run": run, "title": title, "tags": dict(tags)}, at=True)

    def parameters(self, run: str, values: Mapping[str, Any]) -> None:
        """Log what a run was started with.

        Raises:
            ValueError: more than 15: they belong into the experiment file, an artifact.
        """
        if len(values) > MOST_PARAMETERS:
            raise ValueError(f"{len(values)} parameters; MLflow's table is read by people")
        texts = {key: str(value) for key, value in values.items()}
        self._do({"do": "parameters", "run": run, "values": texts})

    def metrics(self, run: str, values: Mapping[str, float], step: int = 0) -> None:
        """Log one batch of numbers; what is not finite is left out."""
        at_ms = time.time_ns() // 1_000_000
        batch = [
            [key, float(value), at_ms, step]
            for key, value in values.items()
            if math.isfinite(value)
        ]
        self._do({"do": "metrics", "run": run, "values": batch})

    def artifact(self, run: str, path: Path, folder: str = "") -> None:
        """Log one file: text, a table or a picture, never a pickle."""
        name = {"path": str(path.resolve()), "folder": folder or None}
        self._do({"do": "artifact", "run": run, **name})

    def end(self, run: str, status: str = "FINISHED") -> None:
        """End one MLflow run."""
        if run in self.open:
            self.open.remove(run)
            self._do({"do": "end", "run": run, "status": status}, at=True)

    def close(self, status: str) -> None:
        """End every run still open, children first; then try a spool once more."""
        for run in reversed(list(self.open)):
            self.end(run, status)
        if self.away and self.spool.exists():
            try:
                send_spool(self.spool)
            except _store_errors() as error:
                self.away = str(error)
            else:
                self.away = ""

    def _do(self, operation: Operation, at: bool = False) -> None:
        if at:
            operation["at_ms"] = time.time_ns() // 1_000_000
        if not self.away:
            try:
                with delayed():
                    if self._store is None:
                        self._store = Store(self.target)
                    self._store.do(operation)
            except _store_errors() as error:
                self.away = f"{type(error).__name__}: {error}".splitlines()[0][:200]
                self._known_runs = dict(self._store.runs) if self._store is not None else {}
            else:
                return
        self._to_spool(operation)

    def _to_spool(self, operation: Operation) -> None:
        self.spool.parent.mkdir(parents=True, exist_ok=True)
        lines = []
        if not self.spool.exists():
            lines.append({**_target_mapping(self.target), "runs": self._known_runs})
        lines.append(operation)
        with self.spool.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(line) + "\n" for line in lines)


def send_spool(spool: Path, uri: str | None = None) -> int:
    """Send what a run could not log; the number of operations sent. The file goes when done.

    Args:
        spool: what a run left.
        uri: another store than the one that did not answer; as for `--tracking-uri`.

    Raises:
        MissingError: no such file.
        InputError: no store can have this URI.
    """
    if not spool.is_file():
        raise MissingError(f"no spool {spool}: nothing is waiting to be sent")
    head, *operations = _read_lines(spool)
    target = Target(head["uri"], head["experiment"], head["artifacts"])
    if uri is not None:
        elsewhere = store_uri(uri)
        target = Target(elsewhere, head["experiment"], artifacts_beside(elsewhere))
    store = Store(target, head["runs"])
    for operation in operations:
        # a run begun in an earlier, failed sending is gone on with, not begun again
        if operation["do"] == "begin" and operation["run"] in store.runs:
            continue
        store.do(operation)
        if operation["do"] == "begin":
            _write_lines(spool, [{**head, "runs": store.runs}, *operations])
    spool.unlink()
    return len(operations)


def _store_errors() -> tuple[type[Exception], ...]:
    """What MLflow raises when its store does not answer or refuses."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, RequestException, SQLAlchemyError, OSError)


def _target_mapping(target: Target) -> dict[str, str]:
    return {"uri": target.uri, "experiment": target.experiment, "artifacts": target.artifacts}


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    from hms.documents import write_whole

    write_whole(path, "".join(json.dumps(line) + "\n" for line in lines))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m hms.experiments.tracking SPOOL [TRACKING-URI]")
    try:
        sent = send_spool(Path(sys.argv[1]), *sys.argv[2:])
    except HmsError as told:
        print(told, file=sys.stderr)
        sys.exit(told.exit_code)
    print(f"sent {sent} operations")
