"""Values that hold instead of the policy's: what was changed at run time, and by whom (6.2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hms.agents.policy.healing_policy import (
    ComponentParameters,
    HealingPolicy,
    Step,
    recovery_arrays,
)
from hms.agents.policy.kinds import ISSUE_NAMES
from hms.agents.policy.parameters import GROUPS, Value
from hms.agents.policy.policy_file import read_step, write_step
from hms.agents.policy.policy_values import ROWS, Problem, read_value, write_value

SHADOW = "healing.shadow"
"""The one path that is no policy's: decide, and record what was decided, but do not act."""

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Adaptation:
    """Values by path that hold instead of the policy's, for all or for one dependency.

    Attributes:
        values: for all, by path such as `breaker.open_s`.
        dependencies: for one, by its name.
        recovery: ladders by issue.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    dependencies: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    recovery: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)

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
        return Adaptation(
            {**self.values, **newer.values},
            {name: values for name, values in single.items() if values},
            {**self.recovery, **newer.recovery},
        )

    def of_group(self, group: str, held: P, dependency: str = "") -> P:
        """A parameter record with the values that hold for this dependency."""
        if not self.values and not self.dependencies:
            return held
        changed = {**self.values, **self.dependencies.get(dependency, {})}
        own = {
            path.partition(".")[2]: value
            for path, value in changed.items()
            if path.partition(".")[0] == group
        }
        return dataclasses.replace(held, **own) if own else held  # type: ignore[type-var]

    def of_groups(self, held: P, dependency: str = "") -> P:
        """A record of parameter groups (of an edge, of a component) with what holds there."""
        named = {each.name for each in dataclasses.fields(held)} & set(GROUPS)  # type: ignore[arg-type]
        own = {name: self.of_group(name, getattr(held, name), dependency) for name in named}
        return dataclasses.replace(held, **own)  # type: ignore[type-var]

    def of_component(self, policy: HealingPolicy, where: Mapping[str, str]) -> ComponentParameters:
        """What holds for a component of this description, ladders and verification included."""
        held = self.of_groups(policy.for_component(where))
        verification = self.of_group("verification", held.verification)
        if not self.recovery and verification is held.verification:
            return held
        ladders = recovery_arrays({**policy.recovery, **self.recovery}, verification)
        return dataclasses.replace(held, recovery=ladders)

    @property
    def shadow(self) -> bool | None:
        """Whether acts are only decided; None if nothing was said."""
        said = self.values.get(SHADOW)
        return None if said is None else bool(said)

    def paths(self) -> set[str]:
        """Everything it says, by path; of one dependency as `db: breaker.open_s`."""
        single = {f"{name}: {path}" for name, own in self.dependencies.items() for path in own}
        return {*self.values, *single, *(f"recovery.{issue}" for issue in self.recovery)}

    def to_json(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "values": dict(self.values),
            "dependencies": {name: dict(own) for name, own in self.dependencies.items()},
            "recovery": {
                issue: [write_step(step, sparse=True) for step in ladder]
                for issue, ladder in self.recovery.items()
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], problems: list[Problem]) -> Adaptation:
        """The inverse of `to_json`; what this version takes for no legal value is a problem."""
        return cls(
            _legal(data.get("values", {}), problems),
            {
                name: _legal(own, problems)
                for name, own in data.get("dependencies", {}).items()
            },
            {
                issue: _ladder(issue, steps, problems)
                for issue, steps in data.get("recovery", {}).items()
            },
        )


def in_order(layers: Iterable[Adaptation]) -> Adaptation:
    """All of them as one, the last on top."""
    found = Adaptation()
    for layer in layers:
        found = found.then(layer)
    return found


def _legal(values: Mapping[str, Any], problems: list[Problem]) -> dict[str, Value]:
    held: dict[str, Value] = {}
    for path, value in values.items():
        if path == SHADOW and isinstance(value, bool):
            held[path] = value
        elif path not in ROWS:
            problems.append(Problem((path,), f"unknown parameter `{path}`"))
        else:
            row = ROWS[path]
            index = not row.choices or value in range(len(row.choices))
            written = write_value(row, value) if index else value
            read = read_value(row, written, (path,), problems)
            if read is not None:
                held[path] = read
    return held


def _ladder(issue: str, steps: Any, problems: list[Problem]) -> tuple[Step, ...]:
    if issue not in ISSUE_NAMES or not isinstance(steps, list):
        problems.append(Problem(("recovery", issue), f"{issue!r} is no issue with steps"))
        return ()
    read = [read_step(step, ("recovery", issue, i), problems) for i, step in enumerate(steps)]
    return tuple(step for step in read if step is not None)


def _without(values: Mapping[str, Value], named: Mapping[str, Value]) -> dict[str, Value]:
    return {path: value for path, value in values.items() if path not in named}
