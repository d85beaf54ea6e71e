"""The split that counts: which families, systems and seeds may be trained on, frozen and hashed.

A policy is trained on `train`, chosen on `validation`, and judged on `test` sets that nobody has
seen. Two families and two topologies are in no training set at all. Indices of an incident lie in
ranges that do not overlap, and every number of an incident is a hash of its identity: sets are
disjoint by construction. Test incidents do not exist before a policy is frozen: their seed depends
on the policy's hash (`held_out_seed`), so that nobody, least of all a search, meets them earlier.

Change anything here and the hash changes, and with it what any earlier result may be compared with:
`tests/generator/test_generator_split.py` has the hash written down.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hms.scenarios.generator.systems import TOPOLOGIES

VERSION = 1
"""Of the generator: raised when the same identity would give another incident."""

TRAIN, VALIDATION, TEST = "train", "validation", "test"
TEST_FAMILIES = "test_never_trained_families"
TEST_TOPOLOGIES = "test_never_trained_topologies"
TEST_BOTH = "test_never_trained_both"
HELD_OUT = (TEST, TEST_FAMILIES, TEST_TOPOLOGIES, TEST_BOTH)

_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Part:
    """One set: families x topologies x indices `first` to before `end`."""

    families: tuple[str, ...]
    topologies: tuple[str, ...]
    first: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """One incident of the generator."""

    part: str
    topology: str
    family: str
    index: int

    def __str__(self) -> str:
        return f"{self.part}/{self.topology}/{self.family}/{self.index}"


@dataclass(frozen=True, slots=True)
class Split:
    """Parts by name.

    Raises:
        ValueError: two parts share an incident, or a held-out family or topology is trained on.
    """

    parts: Mapping[str, Part]
    version: int = VERSION

    def __post_init__(self) -> None:
        names = list(self.parts)
        for place, name in enumerate(names):
            for other in names[place + 1 :]:
                if _overlap(self.parts[name], self.parts[other]):
                    raise ValueError(f"{name} and {other} share incidents")

    @property
    def sha256(self) -> str:
        """Identity of the split: SHA-256 of its canonical JSON."""
        text = json.dumps(self.to_mapping(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_mapping(self) -> dict[str, Any]:
        """What is hashed, and what a manifest holds."""
        return {
            "version": self.version,
            "parts": {
                name: {
                    "families": list(part.families),
                    "topologies": list(part.topologies),
                    "indices": [part.first, part.end],
                }
                for name, part in self.parts.items()
            },
        }

    def incidents(self, name: str, count: int) -> Iterator[Identity]:
        """The first `count` incidents of a part: families in turn, for each the topologies.

        Raises:
            KeyError: there is no such part.
            ValueError: it has fewer.
        """
        part = self.parts[name]
        cells = [(f, t) for t in part.topologies for f in part.families]
        if count > len(cells) * (part.end - part.first):
            raise ValueError(f"{name} has {len(cells) * (part.end - part.first)} incidents")
        for number in range(count):
            family, topology = cells[number % len(cells)]
            yield Identity(name, topology, family, part.first + number // len(cells))

    def trained(self) -> tuple[set[str], set[str]]:
        """Families and topologies of training and validation."""
        seen = [self.parts[name] for name in (TRAIN, VALIDATION) if name in self.parts]
        families = {family for part in seen for family in part.families}
        return families, {topology for part in seen for topology in part.topologies}


def _overlap(a: Part, b: Part) -> bool:
    indices = a.first < b.end and b.first < a.end
    return indices and bool(set(a.families) & set(b.families)) and bool(
        set(a.topologies) & set(b.topologies)
    )


_FAMILIES = (
    "crash", "hang", "latency", "error", "memory_leak", "load_spike", "bad_deploy", "partial",
    "flapping", "cascade", "correlated_zone", "metastable_trigger", "bad_telemetry",
)  # fmt: skip
_UNSEEN_FAMILIES = ("slow", "partition")
_UNSEEN_TOPOLOGIES = ("sock-shop", "opentelemetry-demo")
_TOPOLOGIES = tuple(name for name in TOPOLOGIES if name not in _UNSEEN_TOPOLOGIES)

FROZEN = Split(
    {
        TRAIN: Part(_FAMILIES, _TOPOLOGIES, 0, 1_000_000),
        VALIDATION: Part(_FAMILIES, _TOPOLOGIES, 1_000_000, 2_000_000),
        TEST: Part(_FAMILIES, _TOPOLOGIES, 2_000_000, 3_000_000),
        TEST_FAMILIES: Part(_UNSEEN_FAMILIES, _TOPOLOGIES, 2_000_000, 3_000_000),
        TEST_TOPOLOGIES: Part(_FAMILIES, _UNSEEN_TOPOLOGIES, 2_000_000, 3_000_000),
        TEST_BOTH: Part(_UNSEEN_FAMILIES, _UNSEEN_TOPOLOGIES, 2_000_000, 3_000_000),
    }
)
"""The split of this version of hms."""


def held_out_seed(split_sha256: str, policy_sha256: str, seed: str, look: int = 0) -> str:
    """The seed of everything drawn in the test sets, which exists once a policy is frozen.

    Args:
        split_sha256: `Split.sha256`.
        policy_sha256: the frozen policy's identity: one gene more or less, other test incidents.
        seed: the experiment's.
        look: 0 for the first judgement of this policy; each further look draws others, and is
            to be counted by whoever judges.

    Returns:
        A text of 32 hexadecimal digits, a seed like any other.

    Raises:
        ValueError: a hash is not one, or the seed holds a separator character.
    """
    for sha256 in (split_sha256, policy_sha256):
        if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
            raise ValueError(f"not a SHA-256: {sha256!r}")
    if _SEPARATOR in seed or look < 0:
        raise ValueError(f"seed {seed!r}, look {look}")
    text = _SEPARATOR.join((split_sha256, policy_sha256, seed, str(look)))
    return hashlib.blake2b(text.encode(), digest_size=16, person=b"hms-held-out").hexdigest()


def keyed_uniform(seed: str, incident: Identity, purpose: str) -> float:
    """A number in [0, 1) with 53 random bits that depends on nothing but the arguments."""
    parts = (seed, incident.part, incident.topology, incident.family, str(incident.index), purpose)
    text = _SEPARATOR.join(parts).encode()
    digest = hashlib.blake2b(text, digest_size=8, person=b"hms-generator").digest()
    return (int.from_bytes(digest, "big") >> 11) * 2.0**-53
