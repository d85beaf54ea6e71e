"""A system as the rules look at it: topology, rates, and today's settings on every edge."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hms.agents.policy.healing_policy import EdgeParameters
from hms.agents.policy.parameters import ConcurrencyParameters, RetryParameters
from hms.agents.policy.retry import longest_wait_s
from hms.experiments.check.places import Places
from hms.experiments.todays_settings import component_settings, edge_settings
from hms.scenarios import topology
from hms.scenarios.model import Component, Edge, Range, Scenario


@dataclass(frozen=True)
class System:
    """A scenario under its settings of today.

    Attributes:
        scenario: with its ranges.
        places: where its settings stand.
    """

    scenario: Scenario
    places: Places

    @cached_property
    def middle(self) -> Scenario:
        """The scenario with the middle of every range."""
        return self.scenario.midpoint()

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Edges that the load reaches, clients' edges among them, by name; at midpoints."""
        reached = topology.reachable(self.middle)
        clients = {(load.client, load.entry) for load in self.middle.workload}
        kept = (
            edge
            for edge in self.middle.edges
            if edge.caller in reached or (edge.caller, edge.callee) in clients
        )
        return tuple(sorted(kept, key=lambda edge: edge.name))

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Components that the load reaches, by name; at midpoints."""
        reached = sorted(topology.reachable(self.middle))
        return tuple(self.middle.components[name] for name in reached)

    @cached_property
    def own_edges(self) -> tuple[Edge, ...]:
        """Edges whose caller is part of the system."""
        return tuple(edge for edge in self.edges if not self.is_client(edge))

    @cached_property
    def visits(self) -> Mapping[str, float]:
        """Calls to each component for one request of the load."""
        return topology.visits_per_request(self.middle)

    @cached_property
    def offered_rps(self) -> float:
        """Requests per second of all loads."""
        return math.fsum(topology.middle(load.rate_rps) for load in self.middle.workload)

    @cached_property
    def needed(self) -> frozenset[str]:
        """Components without whose answer some request of the load fails."""
        found = {load.entry for load in self.middle.workload}
        ahead = sorted(found)
        while ahead:
            name = ahead.pop()
            for edge in self.calls_of(name):
                if topology.is_hard(edge) and edge.callee not in found:
                    found.add(edge.callee)
                    ahead.append(edge.callee)
        return frozenset(found)

    def promised_s(self, name: str) -> float:
        """The shortest latency that an entry promises whose requests may reach a component."""
        found, ahead = {name}, [name]
        while ahead:
            for edge in self.callers_of(ahead.pop()):
                if edge.caller not in found:
                    found.add(edge.caller)
                    ahead.append(edge.caller)
        promises = (slo.latency_s for entry, slo in self.middle.slo.items() if entry in found)
        return min(promises, default=math.inf)

    def is_client(self, edge: Edge) -> bool:
        """Whether people or a load generator make these calls."""
        return self.middle.components[edge.caller].kind == "client"

    def calls_of(self, name: str) -> list[Edge]:
        """The calls that a component makes."""
        return [edge for edge in self.edges if edge.caller == name]

    def callers_of(self, name: str) -> list[Edge]:
        """The calls that reach a component."""
        return [edge for edge in self.edges if edge.callee == name]

    def rate_rps(self, edge: Edge) -> float:
        """First attempts a second, all replicas of the caller together, at midpoints."""
        if self.is_client(edge):
            loads = (w for w in self.middle.workload if w.entry == edge.callee)
            return math.fsum(topology.middle(w.rate_rps) for w in loads if w.client == edge.caller)
        each = topology.mean_calls(self.middle.components[edge.caller], edge)
        return float(self.offered_rps * self.visits[edge.caller] * each)

    def at(self, edge: Edge) -> EdgeParameters:
        """Today's settings on an edge."""
        return edge_settings(edge)

    def admission(self, component: Component) -> ConcurrencyParameters:
        """Today's admission of a component."""
        return component_settings(component).groups["concurrency"]  # type: ignore[no-any-return]

    def attempts(self, edge: Edge) -> int:
        """Calls in all that a failing call may become; the client's are one."""
        return 1 if self.is_client(edge) else self.at(edge).retry.max_attempts

    def call_s(self, edge: Edge) -> float:
        """The time-out of one attempt."""
        settings = self.at(edge).timeout
        call_s = edge.timeout_s
        if not self.is_client(edge) and settings.call_s > 0.0:
            call_s = settings.call_s
        if not self.is_client(edge) and settings.total_s > 0.0:
            call_s = min(call_s, settings.total_s)
        return call_s

    def longest_s(self, edge: Edge) -> float:
        """The longest that a caller waits, its retries and their waits included."""
        if edge.mode == "publish":
            return 0.0
        if self.is_client(edge):
            return edge.timeout_s
        settings = self.at(edge)
        attempts = settings.retry.max_attempts if settings.retry.retry_on_timeout else 1
        longest = attempts * self.call_s(edge) + waits_s(settings.retry, attempts)
        total_s = settings.timeout.total_s
        return min(longest, total_s) if total_s > 0.0 else longest

    def timeout_is_guess(self, edge: Edge) -> bool:
        """Whether nobody wrote the edge's time-out down."""
        group = edge.today.get("timeout", {})
        if "call_s" in group or "total_s" in group:
            return self.places.is_guess(edge, "timeout")
        return self.places.is_guess(edge, "timeout_ms")

    def queue_limit(self, component: Component) -> tuple[int, str]:
        """Requests that may wait in one replica, and the file's key that says so."""
        stated = self.admission(component).queue_limit
        if stated >= 0:
            return min(stated, component.queue_limit), "concurrency"
        return component.queue_limit, "queue_limit"

    def servers(self, component: Component) -> float:
        """Requests in service at once in one replica; a fraction of a core serves like one."""
        return max(1.0, math.ceil(component.cores))

    def service_s(self, component: Component) -> float:
        """Mean CPU time of one request at midpoints."""
        return topology.middle(component.service_time_s)

    def busy(self, component: Component) -> float:
        """Share of its capacity that a component uses at the mean rate."""
        return topology.utilisation(self.middle)[component.name]

    def is_range(self, name: str, field: str) -> bool:
        """Whether a component's quantity is known only as a range."""
        return isinstance(getattr(self.scenario.components[name], field), Range)


def waits_s(retry: RetryParameters, attempts: int) -> float:
    """The longest waits between so many attempts, together."""
    return math.fsum(longest_wait_s(retry, k) for k in range(1, attempts))


def change_component(name: str, **values: Any) -> dict[str, Any]:
    """A partial scenario that changes keys of one component."""
    return {"components": {name: values}}


def change_edge(edge: Edge, **values: Any) -> dict[str, Any]:
    """A partial scenario that changes keys of one edge; a group keeps its other settings."""
    entry = {
        key: {**edge.today.get(key, {}), **value} if isinstance(value, dict) else value
        for key, value in values.items()
    }
    return {"edges": {edge.name: entry}}
