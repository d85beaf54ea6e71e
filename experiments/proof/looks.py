"""The log of looks: a line of JSON for each judgement, before its outcome is known.

Kept twice: beside the policy (in its run's folder, or next to its file), and for all policies
among the runs, so that a copy of a file in another folder finds them. Both are read; a look is
counted once, by its id.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hms.documents import Problem
from hms.errors import InputError
from hms.evolution.proof.lineage import Kin, look_number
from hms.experiments.proof.subject import Subject, runs_folder

FILE = "looks.jsonl"
SCHEMA = "hms.look/1"


@dataclass(frozen=True, slots=True)
class Look:
    """One judgement.

    Attributes:
        number: which look at the lineage it was, from 1.
        draw: which held-out failures of this policy it drew, from 1; `number` unless repeated.
        on: the systems, or `frozen split`.
    """

    id: str
    number: int
    draw: int
    on: tuple[str, ...]
    seed: str
    scenarios: int
    at: str
    kin: Kin

    def to_mapping(self) -> dict[str, Any]:
        """The log's line."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "number": self.number,
            "draw": self.draw,
            "on": list(self.on),
            "seed": self.seed,
            "scenarios": self.scenarios,
            "at": self.at,
            "policy_sha256": self.kin.sha256,
            "kin": sorted(self.kin.names),
            "settings": dict(self.kin.settings),
        }

    @property
    def id_of_draws(self) -> str:
        """Names the bootstrap's streams: equal for a look that is repeated."""
        return f"{self.kin.sha256} {self.draw} {self.seed}"

    def same_failures(self, other: Look) -> bool:
        """Whether both see the same held-out failures of the same policy."""
        return (self.kin.sha256, self.draw, self.on, self.seed, self.scenarios) == (
            other.kin.sha256, other.draw, other.on, other.seed, other.scenarios,
        )  # fmt: skip


def files_of(subject: Subject) -> tuple[Path, ...]:
    """Where the subject's looks are logged: beside it, and among the runs."""
    return subject.folder / f"{subject.stem}{FILE}", runs_folder() / FILE


def earlier_looks(files: Sequence[Path]) -> list[Look]:
    """All looks in these files, each once, in the order of their reading.

    Raises:
        InputError: a line is not one of a log of looks.
    """
    found: dict[str, Look] = {}
    for file in files:
        if file.is_file():
            for look in _read(file):
                found.setdefault(look.id, look)
    return list(found.values())


def take_look(
    subject: Subject, on: tuple[str, ...], seed: str, scenarios: int, repeat: int | None
) -> tuple[Look, int]:
    """Log the next look at the subject's lineage, before anything of it is known.

    Args:
        repeat: draw the failures of this look again; one that is logged is not logged anew.

    Returns:
        The look, and how many looks at the lineage there were before, of any policy.
    """
    files = files_of(subject)
    before = earlier_looks(files)
    number = look_number(subject.kin, [look.kin for look in before])
    look = Look(
        secrets.token_hex(8), number, repeat or number, on, seed, scenarios,
        datetime.now(UTC).isoformat(timespec="seconds"), subject.kin,
    )  # fmt: skip
    if repeat is not None:
        known = [other for other in before if other.same_failures(look)]
        if known:
            return known[0], known[0].number - 1
    for file in files:
        _append(file, look)
    return look, number - 1


def _append(file: Path, look: Look) -> None:
    """Add one line in one write, on disk before it returns."""
    file.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(look.to_mapping(), sort_keys=True) + "\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path) -> Iterator[Look]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            data = json.loads(line)
            if data["schema"] != SCHEMA:
                raise ValueError(data["schema"])
            kin = Kin(data["policy_sha256"], frozenset(data["kin"]), dict(data["settings"]))
            yield Look(
                data["id"], int(data["number"]), int(data["draw"]), tuple(data["on"]),
                data["seed"], int(data["scenarios"]), data["at"], kin,
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            problem = Problem((), f"not a look: {line[:80]}", "a line that `hms prove` wrote")
            problem = type(problem)(problem.path, problem.what, problem.expected, line=number)
            raise InputError([problem], str(file)) from wrong
