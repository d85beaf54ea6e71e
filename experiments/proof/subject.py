"""Whom a proof is about: the policy, where it is kept, and whose looks are its own."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hms.evolution.proof.lineage import Kin, kin_of
from hms.experiments.export.sources import find_policy
from hms.experiments.run_directory import PROOF, RUNS, is_unfinished, read_manifest

if TYPE_CHECKING:
    from hms.agents.policy.healing_policy import HealingPolicy

LINEAGE_KEYS = ("id", "policy_sha256", "parents", "lineage", "warm_start", "warm_starts", "start")
"""Parts of a run's manifest that name relatives."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The policy under judgement.

    Attributes:
        name: what it calls itself, else where it was found.
        folder: where evidence goes unless told otherwise.
        stem: what its files beside it begin with, "" in a run's own folder.
        kin: whose looks count.
    """

    policy: HealingPolicy
    name: str
    source: str
    run: Path | None
    folder: Path
    stem: str
    kin: Kin


def subject_of(name: str) -> Subject:
    """The policy that POLICY means, frozen: from here on its hash decides which failures come.

    Raises:
        PolicyError: nothing has this name, or the file is not a valid policy.
        MissingError: the run has no policy yet.
    """
    found = find_policy(name)
    told: list[Any] = []
    if found.run is not None:
        folder, stem = found.run / PROOF, ""
        told = _relatives(found.run)
    elif Path(name).is_file():
        folder, stem = Path(name).parent, Path(name).stem + "."
    else:
        folder, stem = Path(), f"{name}."
    kin = kin_of(found.policy, told)
    return Subject(found.policy, found.name, found.source, found.run, folder, stem, kin)


def runs_folder() -> Path:
    """Where runs, and the log of all looks, are kept."""
    return Path(os.environ.get("HMS_RUNS", RUNS))


def _relatives(run: Path) -> list[Any]:
    if is_unfinished(run) and not (run / "manifest.json").is_file():
        return [run.name]
    manifest = read_manifest(run)
    return [json.loads(json.dumps(manifest[key])) for key in LINEAGE_KEYS if key in manifest]
