"""Which incidents belong to training, validation and the held-out sets.

An incident is identified by (split, family, index) and all its random numbers are hashes of
that identity and the experiment's seed. Two splits therefore never share an incident, and
neither the size of a set nor the order of work moves any other incident.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

TRAIN = "train"
VALIDATION = "validation"
HELD_OUT = "held_out"
NEVER_TRAINED = "held_out_never_trained"
SPLITS = (TRAIN, VALIDATION, HELD_OUT, NEVER_TRAINED)

_SEPARATOR = "\x1f"  # refused in every id and family, so that no two identities read alike


@dataclass(frozen=True, slots=True, order=True)
class IncidentId:
    """One incident of an experiment."""

    split: str
    family: str
    index: int

    def __str__(self) -> str:
        return f"{self.split}/{self.family}/{self.index}"

    def seed(self, seed: str) -> int:
        """The seed of the engine's random numbers for this incident, 63 bits."""
        return int.from_bytes(keyed_bytes(seed, self, "engine"), "big") >> 1


@dataclass(frozen=True, slots=True)
class SplitSizes:
    """How many incidents each set has (docs/formats.md, `budgets`)."""

    train: int
    validation: int
    held_out: int
    held_out_never_trained: int


def keyed_bytes(seed: str, incident: IncidentId, purpose: str) -> bytes:
    """Eight bytes that depend on nothing but the arguments (BLAKE2b)."""
    parts = (seed, incident.split, incident.family, str(incident.index), purpose)
    if any(_SEPARATOR in part for part in parts):
        raise ValueError("a seed or an id holds a separator character")
    text = _SEPARATOR.join(parts).encode("utf-8")
    return hashlib.blake2b(text, digest_size=8, person=b"hms-incident").digest()


def keyed_uniform(seed: str, incident: IncidentId, purpose: str) -> float:
    """A number in [0, 1) with 53 random bits, keyed like `keyed_bytes`."""
    return (int.from_bytes(keyed_bytes(seed, incident, purpose), "big") >> 11) * 2.0**-53


def list_incidents(
    families: Sequence[str], never_trained: Sequence[str], sizes: SplitSizes
) -> list[IncidentId]:
    """All incidents of an experiment, split by split.

    Families take turns, so that their counts in a set differ by at most one.

    Raises:
        ValueError: a family is in both lists, or a set has incidents and no family.
    """
    both = set(families) & set(never_trained)
    if both:
        raise ValueError(f"trained and never trained at once: {', '.join(sorted(both))}")
    incidents: list[IncidentId] = []
    for split in SPLITS:
        names = never_trained if split == NEVER_TRAINED else families
        incidents.extend(take_turns(split, names, getattr(sizes, split)))
    return incidents


def split_facts(
    families: Sequence[str], never_trained: Sequence[str], sizes: SplitSizes, topology: str,
    seed: str,
) -> dict[str, Any]:  # fmt: skip
    """What a manifest holds of an experiment's split: who is in which set, and its SHA-256.

    With the version of hms it says which incidents there are: results of two runs may be compared
    where the hashes are equal.
    """
    facts = {
        "topology": topology, "families": list(families), "never_trained": list(never_trained),
        "sizes": {name: getattr(sizes, name) for name in SPLITS}, "seed": seed,
    }  # fmt: skip
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return {**facts, "sha256": hashlib.sha256(text.encode("utf-8")).hexdigest()}


def take_turns(split: str, families: Sequence[str], count: int) -> Iterable[IncidentId]:
    """`count` incidents of one split, families in turn.

    Raises:
        ValueError: there is no family to take.
    """
    if count and not families:
        raise ValueError(f"{split} has {count} incidents and no family of faults")
    return [
        IncidentId(split, families[number % len(families)], number // len(families))
        for number in range(count)
    ]
