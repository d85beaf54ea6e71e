"""The policy that an instance of each level has when it is given none (4, docs/levels.md)."""

from __future__ import annotations

from functools import cache

from hms.agents.healing.configuration.config import HealingLevel
from hms.agents.policy.healing_policy import HealingPolicy

FILES = {
    HealingLevel.ADVANCED: "policy-advanced.json",
    HealingLevel.FULL: "policy-full.json",
}


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
