"""Which files an importer reads, and by what name a scenario cites them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from hms.documents import Problem, nearest
from hms.errors import ManifestError

YAML_SUFFIXES = (".yaml", ".yml", ".json")
_GENERIC = frozenset(
    {
        "kubernetes",
        "k8s",
        "kube",
        "deploy",
        "deployment",
        "manifests",
        "release",
        "compose",
        "docker-compose",
        "platform",
        "base",
    }
)
_SKIPPED = frozenset({"node_modules", "__pycache__"})


def list_files(paths: Sequence[str | Path], suffixes: Sequence[str] = YAML_SUFFIXES) -> list[Path]:
    """The files, and all files below the folders with a suffix, in the order of their names.

    Raises:
        ManifestError: a path does not exist, or a folder has no such files.
    """
    found: list[Path] = []
    problems: list[Problem] = []
    for path in map(Path, paths):
        files = sorted(_below(path, suffixes)) if path.is_dir() else [path]
        if not path.exists():
            siblings = path.parent.iterdir() if path.parent.is_dir() else ()
            near = nearest(path.name, [sibling.name for sibling in siblings])
            problems.append(Problem((), f"{path} does not exist", "a file or a folder", near))
        elif not files:
            what = f"{path} has no {', '.join(suffixes)} files"
            problems.append(Problem((), what, "a folder with manifests"))
        found.extend(file for file in files if file not in found)
    if problems:
        raise ManifestError(problems, None)
    return found


def system_name(path: str | Path) -> str:
    """A system's name: the nearest folder that says more than `kubernetes` or `deploy`."""
    resolved = Path(path).resolve()
    folders = [resolved, *resolved.parents] if resolved.is_dir() else list(resolved.parents)
    named = [f.name for f in folders if f.name and f.name.lower() not in _GENERIC]
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", named[0] if named else resolved.stem)[:64]
    return slug or "system"


def _below(folder: Path, suffixes: Sequence[str]) -> Iterable[Path]:
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") or part in _SKIPPED for part in file.parts)
        if file.suffix in suffixes and file.is_file() and not hidden:
            yield file


def cited_as(file: Path, paths: Sequence[str | Path]) -> str:
    """The name by which a scenario cites a file: never a path of this machine.

    It is the path as it was given if that was relative; for a file below a folder given by an
    absolute path, the path below that folder; else the bare name.
    """
    if not file.is_absolute() and ".." not in file.parts:
        return file.as_posix()
    for folder in map(Path, paths):
        if folder.is_dir() and file.is_relative_to(folder):
            return file.relative_to(folder).as_posix()
    return file.name
