"""A generated system must be well before anything breaks: else it teaches nothing about healing."""

from __future__ import annotations

from dataclasses import replace

from hms.agents.policy.healing_policy import HealingPolicy
from hms.scenarios.compile import compile_scenario
from hms.scenarios.model import Scenario
from hms.scenarios.policy_tables import tables

HORIZON_S = 60.0
"""Long enough to see a queue that grows."""
PLATFORM = {
    "schema": "hms.policy/1", "breaker": {"enabled": False}, "retry": {"max_attempts": 1},
    "guard": {"bound": False},
}  # fmt: skip
"""The platform alone, as the baseline of that name: probes and restarts, no breaker, no act."""


def is_healthy(system: Scenario) -> bool:
    """Whether the system without faults keeps its promise, under the platform alone."""
    from hms.scenarios.engines.fluid import run

    policy, problems = HealingPolicy.parse(PLATFORM)
    if policy is None:
        raise ValueError(f"the platform's policy is refused: {problems}")
    horizon_s = min(system.horizon_s, system.warm_up_s + HORIZON_S)
    truthful = {  # nobody acts on metrics here: that they lie changes nothing
        name: replace(component, metric_lag_s=0.0, metric_noise=0.0)
        for name, component in system.components.items()
    }
    calm = replace(system, faults=(), horizon_s=horizon_s, components=truthful)
    outcome = run(compile_scenario(calm), tables(policy, calm))
    return outcome.slo_violation_s <= 0.0 and outcome.verdict == "recovered"
