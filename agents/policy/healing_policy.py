"""A healing policy: the decoded genome, the file a user exports and loads.

It is data: a value for each parameter, a ladder of acts for each issue, at most four
overrides. Its identity is the SHA-256 of its canonical JSON without `about`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hms.agents.policy.canonical_json import canonical_json
from hms.agents.policy.kinds import ACT_NAMES, ISSUE_NAMES, LADDER_STEPS, TARGET_NAMES
from hms.agents.policy.parameters import (
    GROUPS,
    BreakerParameters,
    ConcurrencyParameters,
    DetectionParameters,
    GuardParameters,
    HealthParameters,
    RecoveryParameters,
    RetryParameters,
    TimeoutParameters,
    Value,
    VerificationParameters,
)
from hms.agents.policy.policy_file import Override, Parts, Step, contradictions, read, write
from hms.agents.policy.policy_values import ROWS, Problem, read_paths

__all__ = [
    "ComponentParameters",
    "EdgeParameters",
    "HealingPolicy",
    "Override",
    "Problem",
    "Step",
]


@dataclass(frozen=True, slots=True)
class EdgeParameters:
    """What holds on one edge, overrides applied."""

    breaker: BreakerParameters
    retry: RetryParameters
    timeout: TimeoutParameters


HEALTH_DEFAULTS = HealthParameters()


@dataclass(frozen=True, slots=True)
class ComponentParameters:
    """What holds for one component, overrides applied."""

    concurrency: ConcurrencyParameters
    detection: DetectionParameters
    guard: GuardParameters
    recovery: RecoveryParameters
    health: HealthParameters = HEALTH_DEFAULTS

    @property
    def verification(self) -> VerificationParameters:
        """How acts are judged; decisions read it with the ladders."""
        return self.recovery.verification


def _defaults() -> dict[str, Any]:
    return {name: record() for name, record in GROUPS.items()}


@dataclass(frozen=True)
class HealingPolicy:
    """Parameters, ladders, overrides. Treat the mappings as read-only.

    Attributes:
        about: free remarks (name, made_by), not part of the identity.
        groups: one parameter record a group: `groups["breaker"].open_s`. A choice is held as
            its index, `off` as the value that is never reached.
        recovery: issue name to ladder; an issue not listed is never acted on.
        overrides: other values for some components or edges; later ones win.
    """

    about: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, Any] = field(default_factory=_defaults)
    recovery: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    _found: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        return hash(self.sha256)

    @classmethod
    def parse(cls, data: Any) -> tuple["HealingPolicy | None", list[Problem]]:
        """A policy from plain data (YAML or JSON), or None and every mistake in it."""
        parts, problems = read(data)
        if problems:
            return None, problems
        return cls(parts.about, parts.groups, parts.recovery, parts.overrides), []

    def parts(self) -> Parts:
        """What the file reader and writer handle."""
        return Parts(self.about, self.groups, self.recovery, self.overrides)

    def to_mapping(self, *, sparse: bool = False) -> dict[str, Any]:
        """The file's form, for YAML or JSON; `sparse` leaves defaults out."""
        return write(self.parts(), sparse=sparse)

    def problems(self) -> list[Problem]:
        """What a file with these values would be refused for; empty for a legal policy."""
        return read(self.to_mapping())[1]

    def canonical_json(self) -> str:
        """RFC 8785, without `about`; every value is written, so defaults may be left out."""
        ladders = {
            issue: tuple(step for step in ladder if step.act != "none")
            for issue, ladder in self.recovery.items()
        }
        acting = {issue: ladder for issue, ladder in ladders.items() if ladder}
        return canonical_json(write(Parts({}, self.groups, acting, self.overrides)))

    @property
    def sha256(self) -> str:
        """The identity, in hexadecimal."""
        if "sha256" not in self._found:
            import hashlib  # 5 ms that a service which never asks need not wait for

            text = self.canonical_json().encode()
            self._found["sha256"] = hashlib.sha256(text).hexdigest()
        return str(self._found["sha256"])

    def value(self, path: str) -> Value:
        """The value at a path such as `breaker.open_s`; a choice as its index.

        Raises:
            KeyError: no parameter has this path.
        """
        if path not in ROWS:
            raise KeyError(path)
        group, name = path.split(".")
        return getattr(self.groups[group], name)  # type: ignore[no-any-return]

    def with_values(self, values: Mapping[str, Any]) -> "HealingPolicy":
        """A copy with other values by path; choices by word, or by index.

        Raises:
            ValueError: an unknown path or an illegal value, all of them named.
        """
        problems: list[Problem] = []
        worded = {path: _word(path, value) for path, value in values.items()}
        held = read_paths(worded, (), problems)
        if problems:
            raise ValueError("; ".join(str(problem) for problem in problems))
        return dataclasses.replace(self, groups=_replaced(self.groups, held))

    def with_ladder(self, issue: str, steps: Sequence[Step]) -> "HealingPolicy":
        """A copy with another ladder for one issue; none: never acted on."""
        recovery = {name: ladder for name, ladder in self.recovery.items() if name != issue}
        if steps:
            recovery[issue] = tuple(steps)
        return dataclasses.replace(self, recovery=recovery)

    def with_overrides(self, overrides: Sequence[Override]) -> "HealingPolicy":
        """A copy with these overrides instead."""
        return dataclasses.replace(self, overrides=tuple(overrides))

    def _groups_at(self, where: Mapping[str, str]) -> dict[str, Any]:
        groups = self.groups
        for each in self.overrides:
            if each.holds(where):
                groups = _replaced(groups, each.set)
        return groups

    def for_edge(self, where: Mapping[str, str]) -> EdgeParameters:
        """What holds on an edge.

        Args:
            where: the callee's kind, criticality, level; edge ("soft", "hard"); protocol.
        """
        key = ("edge", frozenset(where.items()))
        if key not in self._found:
            at = self._groups_at(where)
            self._found[key] = EdgeParameters(at["breaker"], at["retry"], at["timeout"])
        return self._found[key]  # type: ignore[no-any-return]

    def for_component(self, where: Mapping[str, str]) -> ComponentParameters:
        """What holds for a component of this kind, criticality, level."""
        key = ("component", frozenset(where.items()))
        if key not in self._found:
            at = self._groups_at(where)
            ladders = recovery_arrays(self.recovery, at["verification"])
            self._found[key] = ComponentParameters(
                at["concurrency"], at["detection"], at["guard"], ladders, at["health"]
            )
        return self._found[key]  # type: ignore[no-any-return]

    def contradictions(self) -> list[Problem]:
        """Values each legal, together without meaning."""
        return contradictions(self.parts())


def _word(path: str, value: Any) -> Any:
    row = ROWS.get(path)
    if row is None or not row.choices or isinstance(value, bool | str):
        return value
    return row.choices[int(value)] if value in range(len(row.choices)) else value


def _replaced(groups: Mapping[str, Any], held: Mapping[str, Value]) -> dict[str, Any]:
    changed = dict(groups)
    for path, value in held.items():
        group, name = path.split(".")
        changed[group] = dataclasses.replace(changed[group], **{name: value})
    return changed


def recovery_arrays(
    recovery: Mapping[str, Sequence[Step]], verification: VerificationParameters | None = None
) -> RecoveryParameters:
    """Ladders as the arrays that decisions read; what is not there stays zero: no act."""
    arrays = RecoveryParameters(verification=verification or VerificationParameters())
    for issue, ladder in recovery.items():
        for at, step in enumerate(ladder):
            i = ISSUE_NAMES.index(issue) * LADDER_STEPS + at
            arrays.act[i] = float(ACT_NAMES.index(step.act))
            arrays.patience_s[i] = step.patience_s
            arrays.cool_down_s[i] = step.cool_down_s
            arrays.delay_first_s[i] = step.delay_first_s
            arrays.delay_multiplier[i] = step.delay_multiplier
            arrays.delay_max_s[i] = step.delay_max_s
            arrays.delay_reset_s[i] = step.delay_reset_s
            arrays.amount[i], arrays.target[i] = _amount_and_target(step)
    return arrays


def _amount_and_target(step: Step) -> tuple[float, float]:
    if step.act == "adjust":
        return step.value, float(TARGET_NAMES.index(step.target))
    if step.act == "scale":
        return float(step.replicas), 0.0
    if step.act == "fallback":
        return step.duration_s, 0.0
    if step.act == "custom":
        return 0.0, 0.0 if step.name == "roll_back" else -1.0
    return 0.0, 0.0
