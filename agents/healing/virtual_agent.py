"""The decisions of one component stepped from outside, in virtual time (docs/formats.md).

A simulator hands in what was observed and gets what is granted, as plain tuples in the declared
order of the policy's records (`EdgeObservation`, `EdgeGrant`, …), so that they travel between
processes without a codec. The states are the policy's own records and the functions are the
policy's own functions: nothing is decided here.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from hms.agents.policy.breaker import BreakerState
from hms.agents.policy.component import Act, step_component
from hms.agents.policy.dependency import (
    EdgeGrant,
    EdgeObservation,
    skip_dependency,
    step_dependency,
)
from hms.agents.policy.detection import DetectionState, SlotObservation, copy_slot
from hms.agents.policy.guard import GuardState
from hms.agents.policy.healing_policy import ComponentParameters, EdgeParameters
from hms.agents.policy.kinds import SLOTS_PER_COMPONENT
from hms.agents.policy.outlier import (
    OutlierGrant,
    OutlierObservation,
    OutlierState,
    split_outlier,
    step_outlier,
)
from hms.agents.policy.recovery import RecoveryState
from hms.agents.policy.retry import RetryState

if TYPE_CHECKING:
    from hms.agents.healing.invariants import VirtualCheck

ALL_USED = [1.0] * SLOTS_PER_COMPONENT

Row: TypeAlias = tuple[Any, ...]
"""The values of one record in declared order; an array is a list."""


@dataclass(slots=True)
class EdgeDecisions:
    """One outgoing edge: its parameters, its states, and what it was last granted."""

    parameters: EdgeParameters
    dependency: str = ""
    breaker: BreakerState = field(default_factory=BreakerState)
    retry: RetryState = field(default_factory=RetryState)
    outlier: OutlierState = field(default_factory=OutlierState)
    grant: EdgeGrant = field(default_factory=EdgeGrant)
    outlier_grant: OutlierGrant = field(default_factory=lambda: OutlierGrant([*ALL_USED], -1))
    check: VirtualCheck | None = None

    def step(self, observed: Row, now_s: float, dt_s: float, u: float) -> Row:
        """One tick of breaker and retry budget; the grant's values."""
        step_dependency(
            self.breaker, self.retry, self.parameters.breaker, self.parameters.retry,
            EdgeObservation(*observed), self.grant, now_s, dt_s, u,
        )
        if self.check is not None:
            self.check.edge(self, None, now_s)
        return row(self.grant)

    def step_outlier(self, observed: Row, now_s: float, dt_s: float, u: float) -> Row:
        """One tick of the ejection of single replicas; the grant's values."""
        seen = OutlierObservation(*observed)
        step_outlier(
            self.outlier, self.parameters.breaker, seen, self.outlier_grant, now_s, dt_s, u
        )
        if self.check is not None:
            self.check.edge(self, seen, now_s)
        return row(self.outlier_grant)

    def skip(self, steady: Row, before_s: float, after_s: float, dt_s: float) -> None:
        """Jump over a steady flow of so much a tick."""
        skip_dependency(
            self.breaker, self.retry, self.parameters.breaker, self.parameters.retry,
            EdgeObservation(*steady), before_s, after_s, dt_s,
        )

    @property
    def ejected_mask(self) -> int:
        """Which groups of replicas are out, as bits."""
        shares = self.outlier_grant.share
        return sum(1 << slot for slot, share in enumerate(shares) if share <= 0.0)

    def state(self) -> tuple[Row, Row, Row]:
        """Breaker, retry and outlier state, nested as they are declared."""
        return row(self.breaker), row(self.retry), row(self.outlier)


@dataclass(slots=True)
class VirtualAgent:
    """All decisions of one component: its outgoing edges and itself.

    Args:
        component: detection, guard and ladders.
        edges: parameters of each outgoing edge, in the order of the observations.
        acts: whether it may act; without, illness is seen and nothing done (6.1).
        component_id: for messages.
    """

    component: ComponentParameters
    edges: Sequence[EdgeDecisions]
    acts: bool = True
    detection: DetectionState = field(default_factory=DetectionState)
    recovery: RecoveryState = field(default_factory=RecoveryState)
    guard: GuardState = field(default_factory=GuardState)
    act: Act = field(default_factory=Act)
    component_id: str = ""
    check: VirtualCheck | None = None

    def __post_init__(self) -> None:
        """Under HMS_CHECK=1 the invariants are looked at after each step (CONTRIBUTING.md, 8)."""
        if os.environ.get("HMS_CHECK") == "1":
            from hms.agents.healing.invariants import VirtualCheck

            self.check = VirtualCheck(self.component_id)
            for edge in self.edges:
                edge.check = self.check

    def step_dependencies(
        self, observations: Sequence[Row], now_s: float, dt_s: float, u: Sequence[float]
    ) -> list[Row]:
        """One tick of every edge: results up to `now_s` in, grants until `now_s + dt_s` out.

        Args:
            observations: an `EdgeObservation` row for each edge.
            now_s: start of the tick, seconds since the start of the run.
            dt_s: length of the tick.
            u: a number in [0, 1) for each edge.

        Returns:
            An `EdgeGrant` row for each edge.
        """
        return [
            edge.step(observed, now_s, dt_s, drawn)
            for edge, observed, drawn in zip(self.edges, observations, u, strict=True)
        ]

    def step_component(self, slots: Sequence[Row], now_s: float, u: float) -> Row:
        """One control period.

        Args:
            slots: a `SlotObservation` row for each of the four groups of replicas.
            now_s: seconds since the start of the run.
            u: a number in [0, 1).

        Returns:
            An `Act` row.
        """
        if not self.acts:
            return row(Act())
        step_component(
            self.detection, self.recovery, self.guard,
            self.component.detection, self.component.guard, self.component.recovery,
            [SlotObservation(*values) for values in slots], self.act, now_s, u,
        )
        if self.check is not None:
            self.check.agent(self, now_s)
        return row(self.act)

    def skip_dependencies(
        self, steady: Sequence[Row], before_s: float, after_s: float, dt_s: float
    ) -> None:
        """The simulator jumped: each edge passes over its steady flow, a row of it each."""
        for edge, flow in zip(self.edges, steady, strict=True):
            edge.skip(flow, before_s, after_s, dt_s)

    def split_slot(self, slot: int, new: int) -> None:
        """Replicas of this component's group `slot` became group `new`."""
        copy_slot(self.detection, slot, new)

    def split_callee_slot(self, edge: int, slot: int, new: int) -> None:
        """Replicas behind an outgoing edge, of group `slot`, became group `new`."""
        split_outlier(self.edges[edge].outlier, slot, new)

    def state(self) -> tuple[list[tuple[Row, Row, Row]], Row, Row, Row]:
        """Each edge's states, then detection, recovery and guard, as nested tuples."""
        own = row(self.detection), row(self.recovery), row(self.guard)
        return ([edge.state() for edge in self.edges], *own)


_FIELDS: dict[type[Any], tuple[str, ...]] = {}


def row(record: Any) -> Row:
    """A policy record's values in declared order; nested records as tuples, arrays copied."""
    kind = type(record)
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(each.name for each in dataclasses.fields(kind))
    values: list[Any] = []
    for name in names:
        value = getattr(record, name)
        if isinstance(value, list):
            values.append(list(value))
        elif dataclasses.is_dataclass(value):
            values.append(row(value))
        else:
            values.append(value)
    return tuple(values)
