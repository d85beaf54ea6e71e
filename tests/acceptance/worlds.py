"""Small worlds for the acceptance rows: a client, a server, sometimes one behind it."""

from typing import Any

from hms.agents.policy.healing_policy import HealingPolicy
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import run
from hms.scenarios.model import Component, Edge, Fault, Scenario, Slo, Workload
from hms.scenarios.outcome import Outcome
from hms.scenarios.policy_tables import tables

UNBOUNDED = 10**9


def policy(**groups: Any) -> HealingPolicy:
    """A policy with the breaker off unless told, and these groups."""
    data = {"schema": "hms.policy/1", "breaker": {"enabled": False}, **groups}
    parsed, problems = HealingPolicy.parse(data)
    assert parsed is not None, problems
    return parsed


def retries(count: int, budget_ratio: float | None = None, **more: Any) -> HealingPolicy:
    """So many immediate retries on time-out, with a token budget of ten or none."""
    retry: dict[str, Any] = {"max_attempts": count + 1, "base_s": 0.0, "jitter_kind": "none"}
    retry |= {"budget_kind": "none", **more}
    if budget_ratio is not None:
        retry |= {"budget_kind": "tokens", "budget_ratio": budget_ratio, "budget_max": 10}
    return policy(retry=retry)


def server(name: str = "server", **fields: Any) -> Component:
    """A plain M/G/c server: as many workers as one could want, nobody restarts it."""
    plain: dict[str, Any] = {
        "workers": UNBOUNDED, "queue_limit": UNBOUNDED, "service_time_s": 0.1, "service_cv": 1.0,
        "self_restart": "none",
    }
    return Component(name, **{**plain, **fields})


def through(
    *components: Component, rate_rps: float, horizon_s: float, edges: tuple[Edge, ...] = (),
    faults: tuple[Fault, ...] = (), timeout_s: float = 1.0, load: dict[str, Any] | None = None,
    latency_s: float = 1.0, network_s: float = 0.0,
) -> Scenario:
    """client -> gateway -> first component -> …; the gateway is free and carries the policy."""
    gateway = Component(
        "gateway", cores=10**4, workers=UNBOUNDED, queue_limit=UNBOUNDED, service_time_s=1e-6,
        service_cv=0.0, self_restart="none",
    )
    first = Edge("gateway", components[0].name, timeout_s=timeout_s, network_s=network_s)
    parts = {c.name: c for c in (Component("client", kind="client"), gateway, *components)}
    return Scenario(
        "row", horizon_s, 0.0, {"gateway": Slo(0.95, latency_s)},
        (Workload("gateway", "client", rate_rps=rate_rps, **(load or {})),), parts,
        (Edge("client", "gateway", timeout_s=30.0, network_s=0.0), first, *edges), faults,
    )


def simulate(scenario: Scenario, chosen: HealingPolicy, **options: Any) -> Outcome:
    """One recorded run."""
    return run(compile_scenario(scenario), tables(chosen, scenario), record=True, **options)


def last(outcome: Outcome, column: str, seconds: int = 20) -> float:
    """The mean of the timeline's last seconds."""
    return float(outcome.timeline[column][-seconds:].mean())
