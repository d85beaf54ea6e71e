"""What an `AdaptiveConfig` changes: all of it legal, or none of it applied (6.2).

Sections are the policy's own groups (`{"retry": {"max_attempts": 2}}`) and the specification's
`circuit_breaker`, whose two words mean (ADR 0005, section 2):

- `failure_threshold: n`: n failures in a row open; both rates are switched off.
- `reset_timeout: t`: a probe after t seconds, each time: multiplier 1, no jitter, cap at
  least t.

What the same update says of these parameters by their own names goes before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hms.agents.healing.config import AdaptiveConfig, is_number, one_line
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import GROUPS, BreakerParameters, Value
from hms.agents.policy.policy_values import ROWS, Problem, read_value, unknown
from hms.errors import ConfigRefused

CIRCUIT_BREAKER = "circuit_breaker"
SPOKEN = ("failure_threshold", "reset_timeout")
AHEAD_LONGEST_S = 300.0  # a sender whose clock is further ahead is not believed
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Adaptation:
    """Values by path that hold instead of the policy's, for all or for one dependency."""

    values: Mapping[str, Value] = field(default_factory=dict)
    dependencies: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    def then(self, newer: Adaptation) -> Adaptation:
        """This one with a newer one on top; what reaches all replaces what reached one."""
        names = {*self.dependencies, *newer.dependencies}
        single = {
            name: {
                **_without(self.dependencies.get(name, {}), newer.values),
                **newer.dependencies.get(name, {}),
            }
            for name in sorted(names)
        }
        return Adaptation({**self.values, **newer.values}, single)

    def of_group(self, group: str, held: P, dependency: str = "") -> P:
        """A parameter record with the values that hold for this dependency."""
        changed = {**self.values, **self.dependencies.get(dependency, {})}
        own = {
            path.partition(".")[2]: value
            for path, value in changed.items()
            if path.partition(".")[0] == group
        }
        return dataclasses.replace(held, **own) if own else held  # type: ignore[type-var]


def read_adaptation(config: AdaptiveConfig, policy: HealingPolicy, held: Adaptation) -> Adaptation:
    """What the configuration changes.

    Args:
        config: what arrived.
        policy: what holds where nothing was changed.
        held: what was changed before.

    Raises:
        ConfigRefused: names every mistake in it.
    """
    problems: list[Problem] = []
    values: dict[str, Value] = {}
    single: dict[str, dict[str, Value]] = {}
    for section, given in config.parameters.items():
        place = (str(section),)
        if section != CIRCUIT_BREAKER and section not in GROUPS:
            problems.append(unknown(place, "section", section, [CIRCUIT_BREAKER, *GROUPS]))
        elif not isinstance(given, Mapping):
            problems.append(Problem(place, f"{given!r} is no mapping", "parameter: value"))
        elif section == CIRCUIT_BREAKER:
            values.update(_read_breaker(given, place, policy, held, "", problems))
            for name, own in _dependencies(given, place, problems).items():
                where = (*place, "dependencies", name)
                single[name] = _read_breaker(own, where, policy, held, name, problems)
        else:
            values.update(_read_group(str(section), given, place, problems))
    if not problems:
        held_then = held.then(Adaptation(values, single))
        problems = _contradictions(policy, held_then)
    if problems:
        raise ConfigRefused("\n".join(one_line(problem) for problem in problems))
    return Adaptation(values, single)


def _dependencies(
    given: Mapping[str, Any], place: tuple[str, ...], problems: list[Problem]
) -> dict[str, Mapping[str, Any]]:
    found = given.get("dependencies", {})
    if isinstance(found, Mapping) and all(isinstance(own, Mapping) for own in found.values()):
        return {str(name): own for name, own in found.items()}
    expected = "a mapping of parameters for each name"
    problems.append(Problem((*place, "dependencies"), f"{found!r} is not legal here", expected))
    return {}


def _read_group(
    group: str, given: Mapping[str, Any], place: tuple[str, ...], problems: list[Problem]
) -> dict[str, Value]:
    values: dict[str, Value] = {}
    known = [path.partition(".")[2] for path in ROWS if path.startswith(f"{group}.")]
    for name, value in given.items():
        if name not in known:
            problems.append(unknown((*place, str(name)), "parameter", name, known))
            continue
        path = f"{group}.{name}"
        held = read_value(ROWS[path], value, (*place, str(name)), problems)
        if held is not None:
            values[path] = held
    return values


def _read_breaker(
    given: Mapping[str, Any],
    place: tuple[str, ...],
    policy: HealingPolicy,
    held: Adaptation,
    dependency: str,
    problems: list[Problem],
) -> dict[str, Value]:
    """The breaker's section: the specification's two words, then the parameters' own names."""
    values: dict[str, Value] = {}
    if "failure_threshold" in given:
        at = (*place, "failure_threshold")
        row = ROWS["breaker.consecutive_failures"]
        threshold = given["failure_threshold"]
        read = read_value(row, threshold, at, problems)
        if read == 0:
            problems.append(Problem(at, "0 failures in a row", "a whole number, at least 1"))
        elif read is not None:
            off: dict[str, Value] = {"breaker.failure_rate": 2.0, "breaker.slow_call_rate": 2.0}
            values.update({"breaker.consecutive_failures": read, **off})
    if "reset_timeout" in given:
        at = (*place, "reset_timeout")
        open_s = read_value(ROWS["breaker.open_s"], given["reset_timeout"], at, problems)
        if open_s is not None:
            cap_s = held.of_group("breaker", policy.groups["breaker"], dependency).open_max_s
            values.update({
                "breaker.open_s": open_s,
                "breaker.open_multiplier": 1.0,
                "breaker.jitter_share": 0.0,
                "breaker.open_max_s": max(cap_s, open_s),
            })
    own = {k: v for k, v in given.items() if k not in (*SPOKEN, "dependencies")}
    values.update(_read_group("breaker", own, place, problems))
    return values


def _contradictions(policy: HealingPolicy, held: Adaptation) -> list[Problem]:
    """Values each legal, together without meaning, for all and for each dependency."""
    problems: list[Problem] = []
    for name in ("", *held.dependencies):
        breaker: BreakerParameters = held.of_group("breaker", policy.groups["breaker"], name)
        place = (CIRCUIT_BREAKER,) if not name else (CIRCUIT_BREAKER, "dependencies", name)
        if breaker.open_max_s < breaker.open_s:
            what = f"open_max_s {breaker.open_max_s:g} is below open_s {breaker.open_s:g}"
            problems.append(Problem(place, what, "a cap of at least the first open time"))
        if breaker.window_kind == 0 and breaker.minimum_calls > breaker.window_calls:
            what = f"minimum_calls {breaker.minimum_calls} never fit in {breaker.window_calls}"
            problems.append(Problem(place, what, "at most window_calls"))
    return problems


def _without(values: Mapping[str, Value], named: Mapping[str, Value]) -> dict[str, Value]:
    return {path: value for path, value in values.items() if path not in named}


def timestamp_fault(config: AdaptiveConfig, newest_s: float | None, wall_s: float) -> str:
    """Why this configuration's time rules it out; empty when it does not."""
    if not is_number(config.timestamp):
        return f"timestamp {config.timestamp!r} is no number of seconds"
    if config.timestamp > wall_s + AHEAD_LONGEST_S:
        return f"timestamp is {config.timestamp - wall_s:.0f} s ahead of this machine's time"
    if newest_s is not None and config.timestamp <= newest_s:
        return f"older than, or a repetition of, what `{config.source}` sent before"
    return ""
