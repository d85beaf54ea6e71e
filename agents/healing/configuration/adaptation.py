"""Reading an `AdaptiveConfig`: all of it legal, or none of it applied (6.2).

Sections are the policy's own groups (`{"retry": {"max_attempts": 2}}`), its ladders
(`{"recovery": {"errors": [{"act": "restart"}]}}`), `{"healing": {"shadow": true}}`, and the
specification's `circuit_breaker`, whose two words mean (ADR 0005, section 2):

- `failure_threshold: n`: n failures in a row open; both rates are switched off.
- `reset_timeout: t`: a probe after t seconds, each time: multiplier 1, no jitter, cap at
  least t.

What the same update says of these parameters by their own names goes before. In sections that
are about calls, `{"dependencies": {"db": {…}}}` reaches one dependency.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from hms.agents.healing.configuration.adapted_values import SHADOW, Adaptation
from hms.agents.healing.configuration.config import AdaptiveConfig, is_number
from hms.agents.policy.healing_policy import EdgeParameters, HealingPolicy, Step
from hms.agents.policy.kinds import ISSUE_NAMES, LADDER_STEPS
from hms.agents.policy.parameters import GROUPS, BreakerParameters, Value
from hms.agents.policy.policy_file import read_step
from hms.agents.policy.policy_values import (
    RETRY_ON_PATHS,
    ROWS,
    Path,
    Problem,
    read_retry_on,
    read_value,
    unknown,
)
from hms.errors import ConfigRefused

__all__ = [
    "AHEAD_LONGEST_S", "CIRCUIT_BREAKER", "SOURCE_LONGEST", "Adaptation", "contradictions",
    "placed", "read_adaptation", "timestamp_fault",
]  # fmt: skip

CIRCUIT_BREAKER = "circuit_breaker"
SPOKEN = ("failure_threshold", "reset_timeout")
DEPENDENCIES = "dependencies"
DEPENDENCIES_MAX = 1000
AHEAD_LONGEST_S = 300.0  # a sender whose clock is further ahead is not believed
SOURCE_LONGEST = 200
EDGE_GROUPS = {each.name for each in dataclasses.fields(EdgeParameters)} & set(GROUPS)
SECTIONS = (CIRCUIT_BREAKER, *GROUPS, "recovery", "healing")


def read_adaptation(config: AdaptiveConfig, policy: HealingPolicy, held: Adaptation) -> Adaptation:
    """What the configuration changes.

    Args:
        config: what arrived.
        policy: what holds where nothing was changed.
        held: what was changed before.

    Raises:
        ConfigRefused: names every mistake in it.
    """
    reader = _Reader(policy, held)
    if not isinstance(config.parameters, Mapping):
        reader.say((), f"{config.parameters!r} are no parameters", "section: {parameter: value}")
    else:
        for section, given in config.parameters.items():
            reader.section(section, given)
    found = Adaptation(reader.values, reader.single, reader.recovery)
    if not reader.problems:
        reader.problems = contradictions(policy, held.then(found), found)
    if reader.problems:
        raise ConfigRefused(placed(reader.problems))
    return found


class _Reader:
    """What was read so far, and every mistake."""

    def __init__(self, policy: HealingPolicy, held: Adaptation) -> None:
        self.policy, self.held = policy, held
        self.values: dict[str, Value] = {}
        self.single: dict[str, dict[str, Value]] = {}
        self.recovery: dict[str, tuple[Step, ...]] = {}
        self.problems: list[Problem] = []

    def say(self, place: Path, what: str, expected: str = "") -> None:
        self.problems.append(Problem(place, what, expected))

    def section(self, name: Any, given: Any) -> None:
        place = (str(name),)
        if name not in SECTIONS:
            self.problems.append(unknown(place, "section", name, SECTIONS))
        elif not isinstance(given, Mapping):
            self.say(place, f"{given!r} is no mapping", "parameter: value")
        elif name == "recovery":
            for issue, ladder in given.items():
                self.ladder(issue, ladder)
        elif name == "healing":
            self.healing(given)
        else:
            self.values.update(self.group(name, given, place, ""))
            if name == CIRCUIT_BREAKER or name in EDGE_GROUPS:
                self.each_dependency(name, given.get(DEPENDENCIES, {}), (*place, DEPENDENCIES))

    def each_dependency(self, section: str, given: Any, place: Path) -> None:
        if not isinstance(given, Mapping) or not all(
            isinstance(own, Mapping) for own in given.values()
        ):
            self.say(place, f"{given!r} is not legal here", "a mapping of parameters for each name")
        elif len(given) > DEPENDENCIES_MAX:
            self.say(place, f"{len(given)} dependencies", f"at most {DEPENDENCIES_MAX}")
        else:
            for name, own in given.items():
                found = self.group(section, own, (*place, str(name)), str(name))
                self.single.setdefault(str(name), {}).update(found)

    def healing(self, given: Mapping[Any, Any]) -> None:
        for name, value in given.items():
            place = ("healing", str(name))
            if name != "shadow":
                self.problems.append(unknown(place, "parameter", name, ["shadow"]))
            elif not isinstance(value, bool):
                self.say(place, f"{value!r} is not legal here", "true or false")
            else:
                self.values[SHADOW] = value

    def ladder(self, issue: Any, given: Any) -> None:
        place: Path = ("recovery", str(issue))
        if issue not in ISSUE_NAMES[1:]:
            self.problems.append(unknown(place, "issue", issue, ISSUE_NAMES[1:]))
        elif not isinstance(given, list) or len(given) > LADDER_STEPS:
            self.say(place, "it is no ladder", f"a list of at most {LADDER_STEPS} steps")
        else:
            steps = [read_step(each, (*place, i), self.problems) for i, each in enumerate(given)]
            self.recovery[issue] = tuple(step for step in steps if step is not None)

    def group(
        self, section: str, given: Mapping[Any, Any], place: Path, dependency: str
    ) -> dict[str, Value]:
        """The values of one section by their paths; of a breaker its two spoken words, too."""
        group = "breaker" if section == CIRCUIT_BREAKER else section
        values: dict[str, Value] = {}
        spoken = SPOKEN if section == CIRCUIT_BREAKER else ()
        if "failure_threshold" in given and spoken:
            values.update(self.threshold(given["failure_threshold"], place))
        if "reset_timeout" in given and spoken:
            values.update(self.reset(given["reset_timeout"], place, dependency))
        nested = DEPENDENCIES if not dependency and group in EDGE_GROUPS else None
        known = [row.partition(".")[2] for row in ROWS if row.startswith(f"{group}.")]
        for name, value in given.items():
            at, path = (*place, str(name)), f"{group}.{name}"
            if name in spoken or name == nested:
                continue
            if path == "retry.retry_on":
                values.update(read_retry_on(value, at, self.problems))
            elif path not in ROWS or path in RETRY_ON_PATHS:
                self.problems.append(unknown(at, "parameter", name, [*spoken, *known]))
            else:
                held = read_value(ROWS[path], value, at, self.problems)
                if held is not None:
                    values[path] = held
        return values

    def threshold(self, given: Any, place: Path) -> dict[str, Value]:
        """So many failures in a row, and no rates."""
        at = (*place, "failure_threshold")
        read = read_value(ROWS["breaker.consecutive_failures"], given, at, self.problems)
        if read == 0:
            self.say(at, "0 failures in a row", "a whole number, at least 1")
        if not read:
            return {}
        return {
            "breaker.consecutive_failures": read,
            "breaker.failure_rate": 2.0,
            "breaker.slow_call_rate": 2.0,
        }

    def reset(self, given: Any, place: Path, dependency: str) -> dict[str, Value]:
        """The same open time each time."""
        at = (*place, "reset_timeout")
        open_s = read_value(ROWS["breaker.open_s"], given, at, self.problems)
        if open_s is None:
            return {}
        breaker = self.policy.groups["breaker"]
        cap_s = self.held.of_group("breaker", breaker, dependency).open_max_s
        return {
            "breaker.open_s": open_s,
            "breaker.open_multiplier": 1.0,
            "breaker.jitter_share": 0.0,
            "breaker.open_max_s": max(cap_s, open_s),
        }


def contradictions(
    policy: HealingPolicy, held: Adaptation, changed: Adaptation
) -> list[Problem]:
    """Values each legal, together without meaning, for all and for each dependency.

    Args:
        policy: what holds where nothing was changed.
        held: everything in force.
        changed: what is new in it; only groups that it touches are looked at.
    """
    if not any("breaker." in path for path in changed.paths()):
        return []
    problems: list[Problem] = []
    for name in ("", *held.dependencies):
        breaker: BreakerParameters = held.of_group("breaker", policy.groups["breaker"], name)
        place = (CIRCUIT_BREAKER,) if not name else (CIRCUIT_BREAKER, DEPENDENCIES, name)
        if breaker.open_max_s < breaker.open_s:
            what = f"open_max_s {breaker.open_max_s:g} is below open_s {breaker.open_s:g}"
            problems.append(Problem(place, what, "a cap of at least the first open time"))
        if breaker.window_kind == 0 and breaker.minimum_calls > breaker.window_calls:
            what = f"minimum_calls {breaker.minimum_calls} never fit in {breaker.window_calls}"
            problems.append(Problem(place, what, "at most window_calls"))
    return problems


def timestamp_fault(config: AdaptiveConfig, newest_s: float | None, wall_s: float) -> str:
    """Why this configuration's time rules it out; empty when it does not."""
    if not is_number(config.timestamp):
        return f"timestamp {config.timestamp!r} is no number of seconds"
    if config.timestamp > wall_s + AHEAD_LONGEST_S:
        return f"timestamp is {config.timestamp - wall_s:.0f} s ahead of this machine's time"
    if newest_s is not None and config.timestamp <= newest_s:
        return f"older than, or a repetition of, what `{config.source}` sent before"
    return ""


def placed(problems: Iterable[Problem]) -> list[Problem]:
    """The same mistakes, each naming its place: an update has no lines."""
    found = []
    for each in problems:
        place = ".".join(str(part) for part in each.path)
        what = f"{place}: {each.what}" if place else each.what
        found.append(dataclasses.replace(each, what=what))
    return found
