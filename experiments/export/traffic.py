"""What an exporter must know of each edge: settings, replicas, rates, times.

Other stacks count in their own places (per proxy, per replica) and judge by requests in
flight, so their numbers follow from the topology: how many calls a second an edge carries and
how long an attempt takes. Both are means without load and without failures, from the middle of
every range; the report says where they entered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.kinds import SCOPE_REPLICA
from hms.agents.policy.parameters import (
    BreakerParameters,
    ConcurrencyParameters,
    RetryParameters,
    TimeoutParameters,
)
from hms.agents.policy.retry import mean_backoff_s
from hms.scenarios.model import Component, Edge, Scenario
from hms.scenarios.where import component_where, edge_where

HTTP = "http"
GRPC = "grpc"
BYTES = "bytes"
FAMILIES: Mapping[str, str] = {"http": HTTP, "http1": HTTP, "grpc": GRPC, "http2": GRPC}
"""What a proxy sees of a protocol: requests (`http`, `grpc`), or else only bytes."""

USUAL_ERROR_SHARE = 0.01
"""Errors that are normal where the scenario promises nothing."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """One edge with the policy's settings for it.

    Attributes:
        attempt_s: mean time of an attempt, W of docs/export.md, s.
        rate_rps: first attempts, all replicas of the caller together.
        error_share: errors that are normal, from the scenario's promise.
    """

    caller: Component
    callee: Component
    edge: Edge
    breaker: BreakerParameters
    retry: RetryParameters
    timeout: TimeoutParameters
    concurrency: ConcurrencyParameters
    attempt_s: float
    rate_rps: float
    error_share: float

    @property
    def family(self) -> str:
        """HTTP, GRPC or BYTES."""
        return FAMILIES.get(self.edge.protocol, BYTES)

    @property
    def cuts_slow_calls(self) -> bool:
        """Whether slow calls open the breaker, and a proxy can cut them to count them.

        Replicas are not judged by slow calls (policy/outlier.py).
        """
        p = self.breaker
        return (
            p.enabled
            and p.slow_call_rate <= 1.0
            and p.scope != SCOPE_REPLICA
            and self.family != BYTES
        )

    @property
    def call_s(self) -> float:
        """The longest that one attempt may take, s."""
        return self.timeout.call_s if self.timeout.call_s > 0.0 else self.edge.timeout_s

    @property
    def backoff_s(self) -> float:
        """Mean wait before a retry, B of docs/export.md, s; 0 without retries."""
        retries = self.retry.max_attempts - 1
        waits_s = [mean_backoff_s(self.retry, attempt + 1) for attempt in range(retries)]
        return sum(waits_s) / retries if retries > 0 else 0.0


def traffic(policy: HealingPolicy, scenario: Scenario) -> list[Traffic]:
    """Every edge whose caller has an agent, in the scenario's order."""
    world = scenario.midpoint()
    rates_rps = arrival_rates_rps(world)
    responses_s = response_times_s(world)
    promised = [slo.availability for slo in world.slo.values()]
    error_share = 1.0 - min(promised) if promised else USUAL_ERROR_SHARE
    found = []
    for edge in world.edges:
        caller, callee = world.components[edge.caller], world.components[edge.callee]
        if caller.kind == "client":
            continue
        of_edge = policy.for_edge(edge_where(edge, callee))
        of_callee = policy.for_component(component_where(callee))
        answer_s = 2.0 * edge.network_s + responses_s[callee.name]
        call_s = of_edge.timeout.call_s or edge.timeout_s
        found.append(
            Traffic(
                caller,
                callee,
                edge,
                of_edge.breaker,
                of_edge.retry,
                of_edge.timeout,
                of_callee.concurrency,
                attempt_s=min(answer_s, call_s),
                rate_rps=rates_rps[caller.name] * midpoint(edge.calls),
                error_share=error_share,
            )
        )
    return found


def arrival_rates_rps(world: Scenario) -> dict[str, float]:
    """Requests a second at each component, when nothing fails.

    Each pass carries the load one call further, so that as many passes as components settle
    every graph without cycles; in a cycle the later rounds are left out.
    """
    own = dict.fromkeys(world.components, 0.0)
    for load in world.workload:
        own[load.entry] += midpoint(load.rate_rps)
    rates = dict(own)
    for _ in world.components:
        following = dict(own)
        for edge in world.edges:
            if world.components[edge.caller].kind != "client":
                following[edge.callee] += rates[edge.caller] * midpoint(edge.calls)
        rates = following
    return rates


def response_times_s(world: Scenario) -> dict[str, float]:
    """Mean time until each component answers, without queues: its own work and its calls."""
    times_s = {name: midpoint(c.service_time_s) for name, c in world.components.items()}
    own_s = dict(times_s)
    for _ in world.components:
        following_s = dict(own_s)
        parallel_s = dict.fromkeys(own_s, 0.0)
        for edge in world.edges:
            call_s = min(2.0 * edge.network_s + times_s[edge.callee], edge.timeout_s)
            spent_s = call_s * midpoint(edge.calls)
            if edge.mode == "parallel":
                parallel_s[edge.caller] = max(parallel_s[edge.caller], spent_s)
            else:
                following_s[edge.caller] += spent_s
        times_s = {name: following_s[name] + parallel_s[name] for name in own_s}
    return times_s


def midpoint(value: object) -> float:
    """A quantity of a scenario whose ranges were replaced by their middle."""
    if not isinstance(value, int | float):
        raise TypeError(f"a range where a number was expected: {value!r}")
    return float(value)
