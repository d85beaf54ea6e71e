"""One component's agent: a plain object with a self-healing instance of its own.

It observes, decides, and says what it decided; it neither knows Ray nor the physics. What it
is given and what it gives are plain tuples in the declared order of the policy's records.
A repeated call for a tick it has already taken changes nothing and gives the same answer, so
that a message delivered twice leads to one act (key: tick, component).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from hms.agents.healing.configuration.config import HealingLevel, UnifiedHealingConfig
from hms.agents.healing.factory import create_self_healing
from hms.agents.healing.virtual_agent import Row, VirtualAgent
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.kinds import NO_ACTION, SCOPE_REPLICA, SLOTS_PER_COMPONENT

Event: TypeAlias = tuple[int, str, float, float]
"""Entity, rule, value before, value after; the tick is that of the call."""

PHASE, EJECTED, ISSUE, ACT = "phase", "ejected", "issue", "act"
ESCALATED, UNDONE = "escalated", "undone"


@dataclass(frozen=True, slots=True)
class EdgeDescription:
    """One outgoing edge: its number in the engine, its callee, what an override may ask."""

    index: int
    callee: str
    where: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AgentDescription:
    """What an agent must know of its component; `index` is its number in the engine."""

    index: int
    component: str
    kind: str
    criticality: str
    level: str
    edges: tuple[EdgeDescription, ...]


class Split(NamedTuple):
    """Replicas of the own group `slot` became group `new`."""

    slot: int
    new: int


class CalleeSplit(NamedTuple):
    """Replicas of group `slot` behind the own edge number `edge` became group `new`."""

    edge: int
    slot: int
    new: int


class Jump(NamedTuple):
    """Time in which nothing changed; `steady` is an `EdgeObservation` row for each edge."""

    before_s: float
    after_s: float
    steady: list[Row]


class EdgeInput(NamedTuple):
    """What was seen on the own edge number `edge`, with a draw for each decision."""

    edge: int
    observed: Row
    u: float
    outlier_observed: Row | None
    outlier_u: float


class AgentInput(NamedTuple):
    """One tick: what happened since the last one, then what was seen.

    `slots` holds four `SlotObservation` rows once a control period, else None.
    """

    happened: list[Split | CalleeSplit | Jump]
    edges: list[EdgeInput]
    slots: list[Row] | None
    u: float


class AgentOutput(NamedTuple):
    """One tick's decisions: rows of `EdgeGrant`, `OutlierGrant` (both by own edge) and `Act`."""

    grants: list[tuple[int, Row]]
    outlier_grants: list[tuple[int, Row]]
    act: Row | None
    edge_events: list[Event]
    own_events: list[Event]


NOTHING_SEEN = AgentInput([], [], None, 0.0)


@dataclass(slots=True)
class MacAgent:
    """The agent of one component.

    Args:
        description: its component and outgoing edges.
        policy: parameters and ladders, overrides not yet applied.
    """

    description: AgentDescription
    policy: HealingPolicy
    decisions: VirtualAgent = field(init=False)
    _tick: int = -1
    _answer: AgentOutput | None = None

    def __post_init__(self) -> None:
        """Create the component's own self-healing instance at its own level."""
        own = self.description
        healing = create_self_healing(
            UnifiedHealingConfig(own.component, HealingLevel.named(own.level)),
            self.policy,
            kind=own.kind,
            criticality=own.criticality,
        )
        self.decisions = healing.in_virtual_time([(e.callee, e.where) for e in own.edges])

    def step(self, tick: int, now_s: float, dt_s: float, seen: AgentInput) -> AgentOutput:
        """Take one tick's decisions.

        Args:
            tick: the clock's tick; the same one again gives the same answer.
            now_s: start of the tick, seconds since the start of the run.
            dt_s: length of a tick.
            seen: observations up to `now_s`.

        Raises:
            ValueError: the tick lies before one already taken.
        """
        if tick == self._tick and self._answer is not None:
            return self._answer
        if tick < self._tick:
            raise ValueError(f"{self.description.component}: tick {tick} after {self._tick}")
        self._learn(seen, dt_s)
        answer = AgentOutput([], [], None, [], [])
        for edge in seen.edges:
            self._decide_edge(edge, now_s, dt_s, answer)
        if seen.slots is not None:
            act = self._decide_component(seen.slots, now_s, seen.u, answer.own_events)
            answer = answer._replace(act=act)
        self._tick, self._answer = tick, answer
        return answer

    def state(self) -> tuple[list[float], list[float]]:
        """All numbers of the edges' states, then of the own ones, in declared order."""
        edges, *own = self.decisions.state()
        return list(_numbers(edges)), list(_numbers(own))

    def _learn(self, seen: AgentInput, dt_s: float) -> None:
        for each in seen.happened:
            if isinstance(each, Jump):
                self.decisions.skip_dependencies(each.steady, each.before_s, each.after_s, dt_s)
            elif isinstance(each, CalleeSplit):
                self.decisions.split_callee_slot(each.edge, each.slot, each.new)
            else:
                self.decisions.split_slot(each.slot, each.new)

    def _decide_edge(
        self, seen: EdgeInput, now_s: float, dt_s: float, answer: AgentOutput
    ) -> None:
        edge = self.decisions.edges[seen.edge]
        entity = self.description.edges[seen.edge].index
        before = edge.grant.phase
        answer.grants.append((seen.edge, edge.step(seen.observed, now_s, dt_s, seen.u)))
        if edge.grant.phase != before:
            answer.edge_events.append((entity, PHASE, float(before), float(edge.grant.phase)))
        if seen.outlier_observed is None or edge.parameters.breaker.scope != SCOPE_REPLICA:
            return
        out = edge.ejected_mask
        granted = edge.step_outlier(seen.outlier_observed, now_s, dt_s, seen.outlier_u)
        answer.outlier_grants.append((seen.edge, granted))
        if edge.ejected_mask != out:
            answer.edge_events.append((entity, EJECTED, float(out), float(edge.ejected_mask)))

    def _decide_component(
        self, slots: list[Row], now_s: float, u: float, events: list[Event]
    ) -> Row:
        found = self.decisions.detection.issue
        before = list(found)
        row = self.decisions.step_component(slots, now_s, u)
        act, own = self.decisions.act, self.description.index
        for slot in range(SLOTS_PER_COMPONENT):
            if found[slot] != before[slot]:
                entity = own * SLOTS_PER_COMPONENT + slot
                events.append((entity, ISSUE, before[slot], found[slot]))
        if act.undo:
            events.append((own, UNDONE, float(act.undo_issue), float(act.undo_step)))
        if act.escalate:
            events.append((own, ESCALATED, 0.0, float(act.escalate_issue)))
        if act.kind != NO_ACTION:
            entity = own * SLOTS_PER_COMPONENT + act.slot
            events.append((entity, ACT, float(act.issue), float(act.kind)))
        return row


def _numbers(value: Any) -> Iterator[float]:
    """Every number of nested tuples and lists, in order."""
    if isinstance(value, tuple | list):
        for each in value:
            yield from _numbers(each)
    else:
        yield float(value)
