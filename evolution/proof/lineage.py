"""Whose looks count as whose: a policy, its parents, its siblings and its near copies.

Every judgement on held-out failures is a look, and enough looks find luck. A policy's hash alone
would let anybody buy a fresh first look by changing a setting that does nothing. So looks count for
a whole lineage. Two policies are of one lineage if they name each other or a common parent or run
(baselines, which every search starts from, tie nobody), if they decode to the same behaviour, or
if they differ in a few settings only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.baselines.stacks import load, names
from hms.evolution.genome import Space

NAME = re.compile(r"\b(?:[0-9a-f]{64}|\d{8}T\d{6}Z-[a-z0-9-]+)\b")
"""What ties policies: a policy's SHA-256 or a run's id."""
NEAR_SETTINGS = 4
"""Policies that differ in at most so many settings are copies of each other."""


@dataclass(frozen=True, slots=True)
class Kin:
    """What is known of a policy's family.

    Attributes:
        sha256: the policy's.
        names: hashes and run ids of itself, its phenotype, its parents and its run.
        settings: every setting by path, as text.
    """

    sha256: str
    names: frozenset[str]
    settings: Mapping[str, str]

    def of_one_lineage(self, other: Kin) -> bool:
        """Whether a look at one is a look at the other."""
        if self.sha256 == other.sha256 or self.names & other.names:
            return True
        return differing(self.settings, other.settings) <= NEAR_SETTINGS


def kin_of(policy: HealingPolicy, told: Iterable[Any] = ()) -> Kin:
    """The policy's kin.

    Args:
        told: further data that names parents, runs or warm starts (parts of a run's manifest);
            the policy's `about` is read in any case.
    """
    sha256 = policy.sha256
    found = set(_named(policy.about))
    for each in told:
        found |= set(_named(each))
    found = (found - _baselines()) | {sha256, phenotype(policy)}
    return Kin(sha256, frozenset(found), flat(policy.to_mapping()))


def phenotype(policy: HealingPolicy) -> str:
    """SHA-256 of what a genome nearest to the policy decodes to: unused settings do not count."""
    space = Space()
    return space.decode(space.encode(policy)).sha256


def flat(data: Any, path: str = "") -> dict[str, str]:
    """Every leaf of a policy's mapping by its path, without `about`."""
    if isinstance(data, Mapping):
        found: dict[str, str] = {}
        for key, value in data.items():
            if path or key != "about":
                found |= flat(value, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(data, Sequence) and not isinstance(data, str):
        found = {}
        for place, value in enumerate(data):
            found |= flat(value, f"{path}[{place}]")
        return found
    return {path: repr(data)}


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    """How many settings differ, those that only one has included."""
    return sum(one.get(path) != other.get(path) for path in {*one, *other})


def look_number(kin: Kin, before: Iterable[Kin]) -> int:
    """Which look at this lineage the next one is, from 1.

    Args:
        before: the policy of each earlier look, of whatever lineage, one for each look.
    """
    return 1 + sum(kin.of_one_lineage(other) for other in before)


def _named(data: Any) -> list[str]:
    if isinstance(data, str):
        return NAME.findall(data)
    if isinstance(data, Mapping):
        return [name for each in (*data.keys(), *data.values()) for name in _named(each)]
    if isinstance(data, Sequence):
        return [name for each in data for name in _named(each)]
    return []


@cache
def _baselines() -> frozenset[str]:
    """Hashes that every search starts from, and what they decode to."""
    policies = [load(name).policy for name in names()]
    return frozenset({policy.sha256 for policy in policies} | {phenotype(p) for p in policies})
