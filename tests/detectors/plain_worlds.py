"""Small worlds of the acceptance rows, built in memory: a client, a server, one behind it."""

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


def hotos(rate_rps: float, more: int = 1, slots: int = 30, horizon_s: float = 400.0) -> Outcome:
    """Bronson et al. (HotOS'21): 10 a second and slot, 1 s time-out, a stall of 10 s."""
    stall = Fault("hang", component="server", start_s=20.0, duration_s=10.0)
    scenario = through(
        server(cores=slots, service_cv=0.0), rate_rps=rate_rps, horizon_s=horizon_s,
        faults=(stall,), latency_s=5.0,
    )
    return simulate(scenario, retries(more))


def half_capacity(chosen: HealingPolicy) -> Outcome:
    """70/s on a capacity of 100/s, half of which is lost for five seconds."""
    lost = Fault(
        "capacity", component="server", start_s=5.0, duration_s=5.0, parameters={"cores": 5.0}
    )
    scenario = through(
        server(cores=10), rate_rps=70, horizon_s=60, faults=(lost,), latency_s=6.0
    )
    return simulate(scenario, chosen)


def failing(share: float) -> tuple[Fault, ...]:
    """Errors of the server from the first moment on."""
    return (Fault("error", component="server", start_s=0.0, parameters={"share": share}),)


ALWAYS = {"retry_on": ["refused", "unavailable", "error", "timeout"]}
