"""Small worlds for the request engine, and runs of many seeds with their standard errors."""

import math

from hms.agents.policy.healing_policy import HealingPolicy
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.request import Budget, run
from hms.scenarios.model import Component, Edge, Scenario, Slo, Workload
from hms.scenarios.policy_tables import tables

PATIENT_S = 1e7


def station(name="server", **fields):
    """A plain server: as many workers as cores, nothing is refused."""
    cores = fields.pop("cores", 1)
    plain = {"cores": cores, "workers": cores, "queue_limit": 10**9, "service_time_s": 0.01,
             "self_restart": "none"}  # fmt: skip
    return Component(name, **{**plain, **fields})


def edge(caller, callee, **fields):
    """A call over a network without delay, whose caller waits for ever."""
    return Edge(caller, callee, **{"network_s": 0.0, "timeout_s": PATIENT_S, **fields})


def world(components, edges, rate_rps, horizon_s, *, warm_up_s=0.0, faults=(), latency_s=1e6):
    """Clients that send to the first component."""
    entry = components[0].name
    parts = {"client": Component("client", kind="client")} | {c.name: c for c in components}
    if not any(e.caller == "client" for e in edges):
        edges = (edge("client", entry), *edges)
    return Scenario(
        "world", horizon_s, warm_up_s, {entry: Slo(latency_s=latency_s)},
        (Workload(entry, "client", rate_rps=rate_rps),), parts, tuple(edges), tuple(faults),
    )  # fmt: skip


def queue(load, cores=1, horizon_s=300.0, **fields):
    """One station whose service takes 10 ms, under `load` of its cores."""
    server = station(cores=cores, **fields)
    return world((server,), (), load * cores / 0.01, horizon_s, warm_up_s=20.0)


def ran(scenario, seed=0, policy=None, budget=None, record=False):
    """One run."""
    told = tables(policy or HealingPolicy(), scenario)
    compiled = compile_scenario(scenario, seed)
    return run(compiled, told, record=record, budget=budget or Budget())


def seeds(scenario, count, policy=None, first=0):
    """As many runs as seeds."""
    return [ran(scenario, seed, policy) for seed in range(first, first + count)]


def mean_and_error(values):
    """The mean and its standard error."""
    mean = math.fsum(values) / len(values)
    spread = math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)
    return mean, math.sqrt(spread / len(values))


def agrees(values, expected, errors=3.0):
    """Whether the mean lies within so many standard errors of what is expected."""
    mean, error = mean_and_error(values)
    return abs(mean - expected) <= errors * error
