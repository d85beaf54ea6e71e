"""The folder of a run: built under a temporary name, hashed, renamed when it is whole.

    runs/.<id>.partial        while the run is under way
    runs/<id>                 finished: manifest.json names the SHA-256 of every other file
    runs/<id>.interrupted     stopped before its end: what was ready, with a manifest that says so

An id is the UTC start and the experiment's name, `20261124T101530Z-online-boutique`. No file is
ever written in place: temporary name, fsync, rename (`hms.documents.write_whole`).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hms.documents import Problem, nearest, write_whole
from hms.errors import InputError, ManifestError, MissingError

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = "hms.run/1"
RUNS = "runs"
"""Where runs go and are looked for, below the current folder, unless `--out` says otherwise."""

PROOF = "proof"
"""Folder for the looks at a run's policy, and their evidence."""

PARTIAL = re.compile(r"\.(?P<id>.+)\.partial")
INTERRUPTED = ".interrupted"


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """One run's folder while it is being built.

    Attributes:
        id: `<UTC>-<name>`.
        runs: the folder that holds all runs.
        path: where the files are now: `runs/.<id>.partial`.
        lock: open descriptor of the folder, locked while a process works in it.
    """

    id: str
    runs: Path
    path: Path
    lock: int = -1

    @classmethod
    def create(cls, runs: Path, name: str, started: datetime) -> RunDirectory:
        """Make the folder of a new run; two runs of one second get different ids."""
        runs.mkdir(parents=True, exist_ok=True)
        stem = f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{name}"
        for number in range(1, 1000):
            run_id = stem if number == 1 else f"{stem}-{number}"
            path = runs / f".{run_id}.partial"
            if (runs / run_id).exists() or (runs / f"{run_id}{INTERRUPTED}").exists():
                continue
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return cls(run_id, runs, path, _locked(path))
        raise MissingError(f"{runs}: a thousand runs called {stem} exist; use another --out")

    def write(self, name: str, content: bytes | str) -> Path:
        """Write one file whole, below the run's folder."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, content)
        return target

    def finish(self, facts: Mapping[str, Any]) -> Path:
        """Hash every file, write the manifest, give the folder its name."""
        return self._close(self.runs / self.id, {"status": "finished", **facts})

    def interrupt(self, facts: Mapping[str, Any]) -> Path:
        """Keep what is ready as `<id>.interrupted`, with a manifest that says why it ends."""
        target = self.runs / f"{self.id}{INTERRUPTED}"
        return self._close(target, {"status": "interrupted", **facts})

    def discard(self) -> None:
        """Delete the folder of a run that came to nothing."""
        shutil.rmtree(self.path)
        self._release()

    def _release(self) -> None:
        if self.lock >= 0:
            os.close(self.lock)

    def _close(self, target: Path, facts: Mapping[str, Any]) -> Path:
        remove_half_written(self.path)
        manifest = {
            "schema": MANIFEST_SCHEMA,
            "id": self.id,
            **facts,
            "files": file_hashes(self.path),
        }
        self.write(MANIFEST, json.dumps(manifest, indent=1, allow_nan=False) + "\n")
        os.replace(self.path, target)
        sync_folder(self.runs)
        self._release()
        return target


def reopen(run: Path) -> RunDirectory:
    """The folder of a run that was interrupted or killed, to work in again.

    Raises:
        InputError: a process works in it.
    """
    partial = PARTIAL.fullmatch(run.name)
    lock = _locked(run)
    run_id = partial["id"] if partial else run.name.removesuffix(INTERRUPTED)
    path = run.parent / f".{run_id}.partial"
    if path != run:
        os.replace(run, path)
        sync_folder(run.parent)
    remove_half_written(path)
    return RunDirectory(run_id, run.parent, path, lock)


def _locked(path: Path) -> int:
    """A descriptor of the folder with an exclusive lock, which ends with the process.

    Raises:
        InputError: another process holds it.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise InputError(
            f"{path}: another process works in it\n    expected: a run that has ended"
        ) from None
    return descriptor


def remove_half_written(folder: Path) -> None:
    """Delete the hidden temporary files that a killed writer may have left."""
    for path in folder.rglob(".*"):
        if path.is_file():
            path.unlink()


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but the manifest, by its name relative to the folder, sorted.

    What `hms prove` adds to a finished run is no part of it.
    """
    return {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST and folder / PROOF not in path.parents
    }


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_manifest(run: Path) -> dict[str, Any]:
    """The manifest of a finished or interrupted run.

    Raises:
        MissingError: the run has none; it is still under way, or was killed.
        ManifestError: it is not one of ours.
    """
    path = run / MANIFEST
    if not path.is_file():
        raise MissingError(f"{run} has no {MANIFEST}: the run is under way, or was killed")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ManifestError([Problem((), f"not JSON: {error}")], str(path)) from error
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if schema != MANIFEST_SCHEMA:
        finding = Problem((), f"unknown manifest schema {schema!r}", expected=MANIFEST_SCHEMA)
        raise ManifestError([finding], str(path))
    return dict(manifest)


def changed_files(run: Path) -> list[str]:
    """Names of files that are missing, added or no longer what the manifest's hashes say."""
    written = read_manifest(run)["files"]
    present = file_hashes(run)
    return sorted(
        name for name in {*written, *present} if written.get(name) != present.get(name)
    )


def resolve_run(name: str, runs: Path | None = None) -> Path:
    """The folder that RUN means: a path, an id, the beginning of one id, or `latest`.

    `latest` is the newest finished run. An id also finds `<id>.interrupted` and `.<id>.partial`.
    Runs are looked for in `runs`, else in `$HMS_RUNS`, else in `./runs`.

    Raises:
        MissingError: no such run; the message names the nearest, or says how to make one.
    """
    if name != "latest" and (Path(name) / MANIFEST).is_file():
        return Path(name).resolve()
    folder = runs if runs is not None else Path(os.environ.get("HMS_RUNS", RUNS))
    found = list_runs(folder)
    if name == "latest":
        finished = [path for path in found.values() if not is_unfinished(path)]
        if finished:
            return finished[-1].resolve()
        raise MissingError(_no_such_run(name, folder, found))
    matches = [key for key in found if key == name] or [k for k in found if k.startswith(name)]
    if len(matches) == 1 and name:
        return found[matches[0]].resolve()
    if len(matches) > 1 and name:
        raise MissingError(f"{name} may be any of {', '.join(matches)} in {folder}")
    if Path(name).is_dir() and name:
        raise MissingError(f"{name} is a folder, but not a run: it has no {MANIFEST}")
    raise MissingError(_no_such_run(name, folder, found))


def list_runs(folder: Path) -> dict[str, Path]:
    """Run ids in this folder and where each is, oldest first; a finished run wins its id."""
    found: dict[str, Path] = {}
    if not folder.is_dir():
        return found
    for path in sorted(folder.iterdir(), key=lambda p: is_unfinished(p)):
        partial = PARTIAL.fullmatch(path.name)
        if path.is_dir() and partial is not None:
            found.setdefault(partial["id"], path)
        elif path.is_dir() and (path / MANIFEST).is_file():
            found.setdefault(path.name.removesuffix(INTERRUPTED), path)
    return dict(sorted(found.items()))


def is_unfinished(path: Path) -> bool:
    """Whether a run's folder says that it did not come to its end."""
    return path.name.endswith(INTERRUPTED) or PARTIAL.fullmatch(path.name) is not None


def _no_such_run(name: str, folder: Path, found: Mapping[str, Path]) -> str:
    if not found:
        return (
            f"no run in {folder}{os.sep}: `hms run EXPERIMENT.yaml` makes one,"
            " --out or HMS_RUNS names another folder"
        )
    if name == "latest":
        return f"no finished run in {folder}{os.sep}, only {', '.join(found)}"
    near = nearest(name, found)
    hint = f"nearest: {near}" if near else f"there are: {', '.join(list(found)[-5:])}"
    return f"no run `{name}` in {folder}{os.sep}; {hint}"
