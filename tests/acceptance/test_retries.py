"""The algebra of retries and of retry budgets. docs/world.md, acceptance table."""

from itertools import pairwise

import pytest
from worlds import last, policy, retries, server, simulate, through

from hms.scenarios.model import Edge, Fault

ALWAYS = {"retry_on": ["refused", "unavailable", "error", "timeout"]}


def failing(share):
    return (Fault("error", component="server", start_s=0.0, parameters={"share": share}),)


def calls_rps(outcome, name):
    return outcome.timeline["ok_rps"][-20:, outcome.components.index(name)].mean() + (
        outcome.timeline["bad_out_rps"][-20:, outcome.components.index(name)].mean()
    )


@pytest.mark.parametrize(("share", "count"), [(0.5, 3), (0.2, 2), (0.9, 4)])
def test_attempts_and_final_failures_of_independent_failures(share, count):
    scenario = through(
        server(cores=1000, service_time_s=0.01), rate_rps=50, horizon_s=60, faults=failing(share)
    )
    outcome = simulate(scenario, retries(count, **ALWAYS))
    attempts = (1 - share ** (count + 1)) / (1 - share)
    assert calls_rps(outcome, "server") / 50 == pytest.approx(attempts, rel=0.01)
    failed = last(outcome, "bad_rps") / 50
    assert failed == pytest.approx(share ** (count + 1), rel=0.02, abs=1e-4)


@pytest.mark.parametrize(("retried", "layers", "expected"), [(3, 3, 64.0), (2, 5, 243.0)])
def test_nested_retries_multiply(retried, layers, expected):
    names = [f"layer{k}" for k in range(layers - 1)] + ["server"]
    chain = [server(n, cores=10**5, service_time_s=1e-4) for n in names]
    edges = tuple(
        Edge(a, b, timeout_s=5.0, network_s=0.0) for a, b in pairwise(names)
    )
    scenario = through(
        *chain, rate_rps=10, horizon_s=60, edges=edges, faults=failing(1.0), timeout_s=20.0,
        latency_s=20.0,
    )
    outcome = simulate(scenario, retries(retried, **ALWAYS))
    assert calls_rps(outcome, "server") / 10 == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("share", "expected"), [(0.1, 0.0989), (0.2, 0.0870), (0.5, 0.0526)])
def test_a_token_budget_bounds_retries(share, expected):
    scenario = through(
        server(cores=1000, service_time_s=0.01), rate_rps=200, horizon_s=120, faults=failing(share)
    )
    chosen = policy(
        retry={"max_attempts": 4, "base_s": 0.0, "jitter_kind": "none", "budget_kind": "tokens",
               "budget_ratio": 0.1, "budget_max": 10, **ALWAYS},
    )
    outcome = simulate(scenario, chosen)
    retried = calls_rps(outcome, "server") / 200 - 1
    assert retried == pytest.approx(expected, rel=0.02)
