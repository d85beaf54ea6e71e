"""A policy's parameters as records, one for each edge and component of a topology."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import (
    BreakerParameters,
    DetectionParameters,
    GuardParameters,
    RecoveryParameters,
    RetryParameters,
)
from hms.scenarios.compile import engine_order
from hms.scenarios.model import Scenario
from hms.scenarios.policy_jit import dtype_of, fill
from hms.scenarios.where import component_where, edge_where

Records = npt.NDArray[np.void]
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PolicyTables:
    """Rows in the engine's order of edges and components; edges of clients keep the defaults.

    Attributes:
        breaker, retry: records of shape (edges,).
        timeouts: call_s and total_s, shape (edges, 2); 0 where the policy says nothing.
        admission: limit (0: the scenario's) and queue_limit (-1), shape (components, 2).
        detection, guard, recovery: records of shape (components,).
    """

    breaker: Records
    retry: Records
    timeouts: Array
    admission: Array
    detection: Records
    guard: Records
    recovery: Records


def tables(policy: HealingPolicy, scenario: Scenario) -> PolicyTables:
    """The policy for every edge and component of the scenario's topology."""
    names, edges = engine_order(scenario)
    breaker = np.zeros(len(edges), dtype_of(BreakerParameters))
    retry = np.zeros(len(edges), dtype_of(RetryParameters))
    timeouts = np.zeros((len(edges), 2))
    for k, edge in enumerate(edges):
        callee = scenario.components[edge.callee]
        found = policy.for_edge(edge_where(edge, callee))
        fill(breaker[k], found.breaker)
        fill(retry[k], found.retry)
        timeouts[k] = found.timeout.call_s, found.timeout.total_s
    count = len(names)
    detection = np.zeros(count, dtype_of(DetectionParameters))
    guard = np.zeros(count, dtype_of(GuardParameters))
    recovery = np.zeros(count, dtype_of(RecoveryParameters))
    admission = np.zeros((count, 2))
    admission[:, 1] = -1.0
    for i, name in enumerate(names):
        if name not in scenario.components or scenario.components[name].kind == "client":
            continue
        part = policy.for_component(component_where(scenario.components[name]))
        fill(detection[i], part.detection)
        fill(guard[i], part.guard)
        fill(recovery[i], part.recovery)
        admission[i] = part.concurrency.limit, part.concurrency.queue_limit
    return PolicyTables(breaker, retry, timeouts, admission, detection, guard, recovery)
