"""The specification's vocabulary in Python: what a self-healing instance says and is told.

Sections 3.1, 5.2, 6.2 and 7 of the specification. Its milliseconds and percent stop at this
file (`HealthMetrics`); every decision below works in seconds and ratios.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from hms.agents.policy.kinds import ISSUE_NAMES

if TYPE_CHECKING:
    from hms.agents.healing.actions import HealingAction
    from hms.agents.healing.calls.guard import Guard
    from hms.agents.healing.configuration.config import AdaptiveConfig

ISSUE_KINDS = ISSUE_NAMES[1:]
"""The closed set of kinds of issue, shared with the genome and the policy file."""


@dataclass(frozen=True, slots=True)
class HealthStatus:
    """How well a component is; one of `Healthy`, `Degraded`, `Critical`, `Failed`."""

    severity: ClassVar[int] = 0

    @property
    def is_healthy(self) -> bool:
        """Whether nothing needs healing."""
        return self.severity == 0


@dataclass(frozen=True, slots=True)
class Healthy(HealthStatus):
    """Normal operation."""


@dataclass(frozen=True, slots=True)
class Degraded(HealthStatus):
    """Operating with reduced capability."""

    severity: ClassVar[int] = 1
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Critical(HealthStatus):
    """At risk of failure."""

    severity: ClassVar[int] = 2
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failed(HealthStatus):
    """No longer functioning."""

    severity: ClassVar[int] = 3
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HealthMetrics:
    """One report of a component, in the specification's units (7.2).

    Attributes:
        cpu_usage_percent: processor use, 0 to 100 a core.
        memory_usage_mb: resident memory in MB.
        response_time_ms: mean response time in milliseconds.
        error_rate_percent: share of requests answered wrong, 0 to 100.
        throughput_rps: requests answered a second.
        custom: further numbers by name, in units of the component's own.
    """

    cpu_usage_percent: float = 0.0
    memory_usage_mb: float = 0.0
    response_time_ms: float = 0.0
    error_rate_percent: float = 0.0
    throughput_rps: float = 0.0
    custom: Mapping[str, float] = field(default_factory=dict)

    @property
    def error_share(self) -> float:
        """Share of requests answered wrong, 0 to 1."""
        return self.error_rate_percent / 100.0

    @property
    def response_s(self) -> float:
        """Mean response time in seconds."""
        return self.response_time_ms / 1000.0

    @property
    def says_custom_alone(self) -> bool:
        """Whether there are custom metrics and nothing else in it."""
        return bool(self.custom) and not (
            self.cpu_usage_percent or self.memory_usage_mb or self.response_time_ms
            or self.error_rate_percent or self.throughput_rps
        )


class RecoveryLevel(IntEnum):
    """How disruptive a strategy is; lower levels are tried first."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong with a component, with the context that a strategy may need (2.4).

    Attributes:
        kind: one of `ISSUE_KINDS`.
        severity: the health status' severity, 1 (degraded) to 3 (failed).
        evidence: the numbers that led to this verdict.
        since_s: when it began, on the instance's clock.
        dependency_states: phase of each guarded dependency's breaker by name, and after a
            comma what the dependency, a neighbour, says of itself ("closed, says it is unwell").

    Raises:
        ValueError: no such kind or severity.
    """

    kind: str
    severity: int
    evidence: str
    since_s: float
    dependency_states: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a kind that no ladder, strategy or reader would know."""
        if self.kind not in ISSUE_KINDS:
            raise ValueError(f"{self.kind!r} is no kind of issue: {', '.join(ISSUE_KINDS)}")
        if self.severity not in (1, 2, 3):
            raise ValueError(f"severity is {self.severity!r}, not 1, 2 or 3")


@runtime_checkable
class RecoveryStrategy(Protocol):
    """A way to recover from some issues (5.2)."""

    def name(self) -> str:
        """The name under which attempts are recorded."""
        ...

    def can_handle(self, issue: Issue) -> bool:
        """Whether this strategy applies to `issue`."""
        ...

    async def recover(self, issue: Issue) -> HealingAction:
        """Act on `issue` and say what was done; raising means that it failed."""
        ...

    def priority(self) -> int:
        """Within one level, higher comes first."""
        ...

    def level(self) -> RecoveryLevel:
        """How disruptive the strategy is."""
        ...


class Supervisor(Protocol):
    """Whoever watches over several components (10.1); what it raises is counted, no more."""

    def health(self, component_id: str, status: HealthStatus) -> None:
        """A component says how it is, once a round of its loop."""
        ...

    def escalate(self, component_id: str, issue: Issue, attempts: tuple[str, ...]) -> None:
        """A component cannot heal itself; told once an illness."""
        ...

    def guidance(self) -> AdaptiveConfig | None:
        """A configuration for the component that asks, None if there is nothing to say."""
        ...


@runtime_checkable
class SelfHealing(Protocol):
    """What every implementation offers, whatever its level (3.1)."""

    async def initialize(self) -> None:
        """Make the instance ready; calling it again changes nothing."""
        ...

    async def check_health(self) -> HealthStatus:
        """Say how well the component is, without changing anything."""
        ...

    async def heal(self) -> HealingAction:
        """Take at most one action, `NoAction` while healthy."""
        ...

    async def health_metrics(self) -> HealthMetrics:
        """The latest accepted report; zeros before the first."""
        ...

    async def apply_config(self, config: AdaptiveConfig) -> None:
        """Take over a configuration, all of it or nothing."""
        ...

    def report(self, metrics: HealthMetrics) -> bool:
        """Hand in a report; False when it was refused."""
        ...

    def guard(self, dependency: str) -> Guard:
        """Protect calls to `dependency`: decorator or context manager, sync or async."""
        ...
