"""A scenario: components that call each other, their load, what fails, what is promised.

Everything is frozen and in one set of units: seconds, MB, per second, ratios 0 to 1. Files are
read by `scenarios/load.py`, which converts their milliseconds once. docs/world.md defines what the
quantities mean; docs/scenario-format.md is the user's page on them.

A quantity that nobody knows is a `Range`. `Scenario.midpoint` and `Scenario.drawn` give a
concrete scenario, which is what an engine compiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from hms.scenarios.component_parts import Cache, Endpoint, Group, Probe
from hms.scenarios.fault_model import Fault, Selector

__all__ = [
    "ITSELF",
    "Cache",
    "Component",
    "Edge",
    "Endpoint",
    "Fault",
    "Group",
    "Origin",
    "Probe",
    "Range",
    "Scenario",
    "Selector",
    "Slo",
    "Source",
    "Value",
    "Workload",
]

ITSELF = "itself"
"""Key in `origins` under which a component or an edge says where it came from itself."""


@dataclass(frozen=True, slots=True)
class Range:
    """A quantity known only to lie between two bounds, both finite, drawn uniformly.

    Raises:
        ValueError: a bound is not finite, or they are out of order.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"a range needs finite low <= high, not {self.low!r}, {self.high!r}")

    @property
    def midpoint(self) -> float:
        """The mean of both bounds."""
        return self.at(0.5)

    def at(self, u: float) -> float:
        """The value at share `u` of the way, `u` in [0, 1), in at most twelve digits.

        So many digits survive being written in ms and read back as the same seconds.
        """
        value = float(f"{self.low + (self.high - self.low) * u:.12g}")
        return min(max(value, self.low), self.high)


Value = float | Range


@dataclass(frozen=True, slots=True)
class Source:
    """What a `from:` may name: a file or a rule that derived the fact.

    Attributes:
        repository, commit: where the file is from, and which version of it.
        sure: stated (somebody wrote it down), measured, derived (follows by a rule), guessed or
            default.
    """

    file: str = ""
    rule: str = ""
    repository: str = ""
    commit: str = ""
    sure: str = "stated"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one quantity came from.

    Attributes:
        source: a name in the scenario's `sources`; "" for a value written in the file itself.
        line: line in the source's file, 1-based; 0 where there is none.
        sure: stated, measured, derived, guessed or default.
    """

    source: str
    line: int = 0
    sure: str = "stated"


@dataclass(frozen=True, slots=True)
class Component:
    """A service, store or queue of identical replicas, or the client that sends the load.

    Attributes:
        kind: service, store, client or queue. A client has no agent and no faults.
        cores, workers, queue_limit: per replica. A request holds a worker until it answers and
            uses a core for its service time; over `queue_limit` waiting it is refused.
            `cores` may be a fraction of one (a CPU limit).
        service_cv: coefficient of variation of the service time.
        memory_mb: in use when idle; memory_limit_mb: 0 means no limit.
        balancer: round_robin, random or least.
        lb_detect_s: how long a dead replica stays in rotation; None: 1 s where the platform
            restarts it, else for good.
        discipline: fifo, lifo or ps (all at once, the cores shared).
        congestion: service time times 1 + congestion * (busy share of its cores)^3.
        cold_s, cold_factor: after a start its service time is `cold_factor` times as long,
            falling to 1 within `cold_s`.
        metric_lag_s, metric_noise: its agent sees what was `metric_lag_s` ago, times a factor
            drawn evenly from 1 - noise to 1 + noise for each replica, metric and look.
        labels, version: what selectors of faults ask; a group may have its own version.
        groups: replicas that differ, by name; their replicas sum to `replicas`.
        endpoints: weighted routes with their own calls, by name; {}: one route over all edges.
        cache: what answers without its backing store.
        level: basic, advanced or full: how much self-healing the component carries.
        self_restart: kubernetes (probes and restart back-off) or none.
        address: host:port where its callers reach it, "" where unknown.
        today: its present resilience settings in the policy's groups, {} without any.
        origins: by file key (`cores`, `service_time_ms`, ...; `ITSELF` for the component).
    """

    name: str
    kind: str = "service"
    replicas: int = 1
    cores: float = 1.0
    workers: int = 64
    queue_limit: int = 256
    service_time_s: Value = 0.005
    service_cv: float = 1.0
    startup_s: Value = 10.0
    memory_mb: float = 0.0
    memory_limit_mb: float = 0.0
    balancer: str = "round_robin"
    criticality: str = "normal"
    level: str = "full"
    zone: str = ""
    version: str = ""
    self_restart: str = "kubernetes"
    readiness: Probe | None = None
    liveness: Probe | None = None
    address: str = ""
    lb_detect_s: float | None = None
    discipline: str = "fifo"
    congestion: float = 0.0
    cold_s: float = 0.0
    cold_factor: float = 1.0
    metric_lag_s: float = 0.0
    metric_noise: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    cache: Cache | None = None
    today: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """`caller` calls `callee`.

    Attributes:
        protocol: http, grpc, redis, tcp, ... ; "" where unknown. Exports need it.
        calls: mean number of calls for each request of the caller.
        mode: sequential, parallel to the caller's other calls, or publish: nobody waits for
            the answer, and no failure of it fails the request.
        need: hard (no answer: the request fails) or soft (it passes at `fallback_quality`).
        network_s: one way.
        timeout_s: the caller's time-out unless today's settings or a policy give `timeout.call_s`.
        on_cut: what a partition does to calls: lose or queue. Published messages are also
            kept (queue) or lost (lose) while the callee is down or full.
        passes_deadline: the callee knows by when the caller gives up: its own calls for it wait no
            longer, and what still waits for a worker or a core then leaves unserved.
        hedge_after_s: an unanswered call is sent once more after this; 0: never.
        hedges: at most so many such copies.
        today: the edge's present resilience settings in the policy's groups.
    """

    caller: str
    callee: str
    protocol: str = ""
    calls: Value = 1.0
    mode: str = "sequential"
    need: str = "hard"
    fallback_quality: float = 0.9
    network_s: float = 0.001
    timeout_s: float = 2.0
    cancel_on_timeout: bool = False
    passes_deadline: bool = False
    on_cut: str = "queue"
    hedge_after_s: float = 0.0
    hedges: int = 1
    today: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`caller -> callee`, as scenario files write it."""
        return f"{self.caller} -> {self.callee}"


@dataclass(frozen=True, slots=True)
class Workload:
    """Load that `client` sends to `entry`.

    Attributes:
        kind: constant, spike, ramp, diurnal, burst or points.
        rate_rps: mean rate; the rate outside the spike, before the ramp. Of a closed loop:
            users / think_s, what they would send if answers took no time.
        parameters: spike: start_s, duration_s, factor. ramp: start_s, duration_s, to_rps.
            diurnal: period_s, amplitude (share of the mean, 0 to 1). burst: every_s, burst_s,
            factor.
        points: of kind points: (t_s, rate) from which on the rate holds, in order of time.
        arrivals: poisson, or regular: evenly spaced.
        users, think_s: a closed loop: (users - in flight) / think_s arrive a second. The
            shape then moves the number of users. think_s 0: an open loop.
    """

    entry: str
    client: str
    kind: str = "constant"
    rate_rps: Value = 50.0
    parameters: Mapping[str, float] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    points: tuple[tuple[float, float], ...] = ()
    users: float = 0.0
    think_s: float = 0.0
    arrivals: str = "poisson"

    @property
    def closed(self) -> bool:
        """Whether the next request waits for an answer."""
        return self.think_s > 0.0


@dataclass(frozen=True, slots=True)
class Slo:
    """What an entry promises: share answered well within `latency_s`, met for `stable_for_s`."""

    availability: float = 0.99
    latency_s: float = 1.0
    stable_for_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One world: topology, load, faults, promise, horizon.

    Attributes:
        slo: by entry component.
        components: by name, in the file's order. The order changes no result.
        expect: assertions on the outcome, such as `recovers_within_s`.
    """

    name: str
    horizon_s: float
    warm_up_s: float
    slo: Mapping[str, Slo]
    workload: tuple[Workload, ...]
    components: Mapping[str, Component]
    edges: tuple[Edge, ...]
    faults: tuple[Fault, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)

    def edge(self, caller: str, callee: str) -> Edge:
        """The edge between two components.

        Raises:
            KeyError: there is none.
        """
        for edge in self.edges:
            if edge.caller == caller and edge.callee == callee:
                return edge
        raise KeyError(f"{caller} -> {callee}")

    def ranges(self) -> Iterator[tuple[str, Range]]:
        """Every quantity that is not known exactly, with its path (`components.x.startup_s`)."""
        for prefix, holder, fields in _holders(self):
            for name in fields:
                value = getattr(holder, name)
                if isinstance(value, Range):
                    yield f"{prefix}.{name}", value

    def midpoint(self) -> Scenario:
        """This scenario with the middle of every range."""
        return self._concrete(lambda _, between: between.midpoint)

    def drawn(self, u: Callable[[str], float]) -> Scenario:
        """This scenario with a value drawn from every range.

        Args:
            u: gives a number in [0, 1) for the path of a quantity. It must depend on the path
                alone: then neither the order of the file nor a new range moves other draws.
        """
        return self._concrete(lambda path, between: between.at(u(path)))

    def _concrete(self, pick: Callable[[str, Range], float]) -> Scenario:
        fixed = {p: _fix(p, holder, fields, pick) for p, holder, fields in _holders(self)}
        return replace(
            self,
            workload=tuple(fixed[f"workload.{i}"] for i in range(len(self.workload))),
            components={name: fixed[f"components.{name}"] for name in self.components},
            edges=tuple(fixed[f"edges.{edge.name}"] for edge in self.edges),
        )


_Holder = TypeVar("_Holder", Component, Edge, Workload)

COMPONENT_VALUES = ("service_time_s", "startup_s")
EDGE_VALUES = ("calls",)
WORKLOAD_VALUES = ("rate_rps",)


def _holders(scenario: Scenario) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """Everything that may hold a range: path, object, names of its range fields."""
    for index, load in enumerate(scenario.workload):
        yield f"workload.{index}", load, WORKLOAD_VALUES
    for name, component in scenario.components.items():
        yield f"components.{name}", component, COMPONENT_VALUES
    for edge in scenario.edges:
        yield f"edges.{edge.name}", edge, EDGE_VALUES


def _fix(
    prefix: str,
    holder: _Holder,
    fields: tuple[str, ...],
    pick: Callable[[str, Range], float],
) -> _Holder:
    """A copy of `holder` with its ranges replaced by picked values."""
    values = {name: getattr(holder, name) for name in fields}
    ranges = {name: value for name, value in values.items() if isinstance(value, Range)}
    if not ranges:
        return holder
    fixed: dict[str, Any] = {n: pick(f"{prefix}.{n}", r) for n, r in ranges.items()}
    return replace(holder, **fixed)
