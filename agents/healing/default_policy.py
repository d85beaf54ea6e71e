"""The policy of an instance: read from a file, or the level's own (4, docs/levels.md)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hms.agents.healing.configuration.config import HealingLevel
from hms.agents.policy.healing_policy import HealingPolicy

FILES = {
    HealingLevel.ADVANCED: "policy-advanced.json",
    HealingLevel.FULL: "policy-full.json",
}


def read_policy(source: Path | str) -> HealingPolicy:
    """The policy in a YAML or JSON file, such as `hms export` writes.

    Args:
        source: the file, or a text of several lines.

    Raises:
        PolicyError: all mistakes in it, with file and line; or there is no such file.
    """
    from hms.documents import read  # PyYAML is loaded when a file is read
    from hms.errors import PolicyError

    return read(source, HealingPolicy.parse, PolicyError)


def policy_of(given: HealingPolicy | Path | str | None, level: HealingLevel) -> HealingPolicy:
    """The policy that is meant: itself, the one in this file, or the level's own."""
    if isinstance(given, Path | str):
        return read_policy(given)
    return given or default_policy(level)


@cache
def default_policy(level: HealingLevel) -> HealingPolicy:
    """The level's policy, shared by all instances: parameters' defaults, acts on nothing.

    Basic acts by registered strategies alone. Advanced starts as Basic does, so that it costs
    as little; what it falls back on, and what Full starts with, is `evolved_policy`.
    """
    return evolved_policy(level) if level is HealingLevel.FULL else HealingPolicy()


@cache
def evolved_policy(level: HealingLevel) -> HealingPolicy:
    """The ladders that this level heals by when an issue is complex.

    Raises:
        ValueError: the file that ships with the library is damaged.
    """
    import json
    from importlib.resources import files

    name = FILES[level]
    text = (files("hms.agents.healing") / "data" / name).read_text(encoding="utf-8")
    found, problems = HealingPolicy.parse(json.loads(text))
    if found is None:
        raise ValueError(f"{name}: " + "; ".join(str(each) for each in problems))
    return found
