"""Today's settings, exactly: for every edge and component what its own groups say.

The baseline `today` squeezes them into one policy with four overrides, which cannot always say
them all. A review must look at, and simulate, each edge as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from hms.agents.policy.healing_policy import EdgeParameters, HealingPolicy, recovery_arrays
from hms.errors import HmsError
from hms.evolution.baselines.stacks import load
from hms.scenarios.compile import engine_order
from hms.scenarios.model import Component, Edge, Scenario
from hms.scenarios.policy_jit import fill
from hms.scenarios.policy_tables import PolicyTables, tables


def edge_settings(edge: Edge) -> EdgeParameters:
    """Breaker, retries and time-outs that the edge's own groups say, else the platform's."""
    groups = _parsed(edge.today).groups
    return EdgeParameters(groups["breaker"], groups["retry"], groups["timeout"])


def component_settings(component: Component) -> HealingPolicy:
    """A policy that holds for this component alone."""
    return _parsed(component.today)


def todays_tables(scenario: Scenario) -> PolicyTables:
    """What the engine runs under today's settings, each edge and component with its own."""
    found = tables(_platform(), scenario)
    names, edges = engine_order(scenario)
    for k, edge in enumerate(edges):
        settings = edge_settings(edge)
        fill(found.breaker[k], settings.breaker)
        fill(found.retry[k], settings.retry)
        found.timeouts[k] = settings.timeout.call_s, settings.timeout.total_s
    for i, name in enumerate(names):
        component = scenario.components.get(name)
        if component is None or component.kind == "client" or not component.today:
            continue
        policy = component_settings(component)
        fill(found.detection[i], policy.groups["detection"])
        fill(found.guard[i], policy.groups["guard"])
        fill(found.recovery[i], recovery_arrays(policy.recovery, policy.groups["verification"]))
        limits = policy.groups["concurrency"]
        found.admission[i] = limits.limit, limits.queue_limit
    return found


@cache
def _platform() -> HealingPolicy:
    return load("platform").policy


def _parsed(today: Mapping[str, Any]) -> HealingPolicy:
    """The platform with these groups instead of its own.

    A group that is named starts from the parameters' defaults, as in a policy file: whoever
    writes `breaker: {open_s: 30}` has a breaker.
    """
    if not today:
        return _platform()
    policy, problems = HealingPolicy.parse({"schema": "hms.policy/1", **today})
    if policy is None:
        raise HmsError(f"today's settings are not valid: {'; '.join(map(str, problems))}")
    platform = _platform().groups
    groups = {name: policy.groups[name] if name in today else platform[name] for name in platform}
    return HealingPolicy({}, groups, policy.recovery, ())
