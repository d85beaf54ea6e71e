"""What the systems are made of: parts of ours, and the figures of a run of either."""

from hms.agents.policy.healing_policy import HealingPolicy
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.request import run
from hms.scenarios.model import Component, Edge, Scenario, Slo, Workload
from hms.scenarios.policy_tables import tables

OURS, SIMPY = {}, {}
PATIENT_S = 1e6
NO_BREAKER = {"breaker": {"enabled": False}}


def ours(function):
    OURS[function.__name__.removeprefix("our_")] = function
    return function


def simpy_model(function):
    SIMPY[function.__name__.removeprefix("simpy_")] = function
    return function


def part(name, mean_s=0.01, **fields):
    plain = {"cores": 1, "workers": 10**9, "queue_limit": 10**9, "self_restart": "none"}
    return Component(name, service_time_s=mean_s, **{**plain, **fields})


def edge(caller, callee, **fields):
    return Edge(caller, callee, **{"network_s": 0.0, "timeout_s": PATIENT_S, **fields})


TO_SERVER = edge("client", "server")


def outcome(seed, horizon_s, rate_rps, parts, edges, faults=(), **groups):
    """Run a system of ours; the client calls the first part."""
    entry = parts[0].name
    if edges[0].caller != "client":
        edges = (edge("client", entry), *edges)
    scenario = Scenario(
        "oracle", horizon_s, 0.0, {entry: Slo(latency_s=PATIENT_S)},
        (Workload(entry, "client", rate_rps=rate_rps),),
        {"client": Component("client", kind="client")} | {p.name: p for p in parts},
        tuple(edges), tuple(faults),
    )  # fmt: skip
    policy, problems = HealingPolicy.parse({"schema": "hms.policy/1", **NO_BREAKER, **groups})
    assert policy is not None, problems
    return run(compile_scenario(scenario, seed), tables(policy, scenario))


def figures(o, *names):
    """What to compare, of a run of ours."""
    sketch = next(iter(o.latencies.values()))
    ended = o.served + o.failed + o.dropped
    inner = [counts for (caller, _), counts in o.calls.items() if caller != "client"]
    told = {
        "ok": o.served / ended,
        "mean_s": next(iter(o.mean_latency_s.values())),
        "p95_s": sketch.quantile(0.95) if sketch.n else 0.0,
        "attempts": sum(c["made"] for c in inner) / max(sum(c["first"] for c in inner), 1),
        "opened": float(sum(c["opened"] for c in inner)),
    }
    return {name: told[name] for name in names}


def seen(world, *names, inner=()):
    """The same of a SimPy run."""
    told = {"ok": world.ok_share, "attempts": 0.0, "opened": 0.0}
    if world.times:
        told |= {"mean_s": world.mean_s, "p95_s": world.quantile_s(0.95)}
    if inner:
        told["attempts"] = sum(c.made for c in inner) / sum(c.first for c in inner)
        told["opened"] = float(sum(c.breaker.opened for c in inner if c.breaker))
    return {name: told[name] for name in names}


def to(server):
    return lambda: server
