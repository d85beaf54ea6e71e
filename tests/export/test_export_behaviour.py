"""What the real Envoy does with what we wrote: calls through it, on loopback, counted."""

from __future__ import annotations

import asyncio

import pytest
from export_rows import exported
from loopback import Upstream, call, free_port, proxy

from hms.evolution.baselines.stacks import load
from hms.scenarios.model import Component, Edge, Scenario, Slo, Workload

PATIENT = {
    "breaker.enabled": False,
    "retry.budget_kind": "none",
    "retry.base_s": 0.005,
    "retry.max_s": 0.01,
    "timeout.call_s": 1.0,
}


def pair(port: int, replicas: int = 1) -> Scenario:
    """caller -> callee over HTTP, 100 calls a second of .1 s; the callee on a loopback port."""
    components = {
        "people": Component("people", kind="client"),
        "caller": Component("caller", service_time_s=0.001),
        "callee": Component(
            "callee", service_time_s=0.098, replicas=replicas, address=f"127.0.0.1:{port}"
        ),
    }
    edges = (
        Edge("people", "caller", protocol="http"),
        Edge("caller", "callee", protocol="http", timeout_s=1.0),
    )
    slo = {"caller": Slo()}
    return Scenario(
        "pair", 300.0, 30.0, slo, (Workload("caller", "people", rate_rps=100.0),),
        components, edges,
    )


@pytest.fixture
def through(envoy, tmp_path):
    """Runs `traffic(port of the proxy)` and gives its result."""

    def run(policy, upstream, traffic, replicas=1):
        async def all_of_it():
            port = free_port()
            files, _ = exported(policy, pair(port, replicas))
            async with (
                upstream.listening(port),
                proxy(envoy, files["caller"], tmp_path) as listening,
            ):
                return await asyncio.wait_for(traffic(listening), timeout=20.0)

        return asyncio.run(all_of_it())

    return run


async def one(port):
    return [await call(port)]


async def forty(port):
    return [await call(port) for _ in range(40)]


async def five_then_the_rest(port):
    """The proxy's main thread ejects; under load a sixth call can overtake it."""
    first = [await call(port) for _ in range(5)]
    await asyncio.sleep(0.3)
    return first + [await call(port) for _ in range(35)]


@pytest.mark.parametrize("attempts", [1, 3, 5])
def test_total_failure_costs_exactly_max_attempts(policy, through, attempts):
    upstream = Upstream(503)
    told = through(policy({**PATIENT, "retry.max_attempts": attempts}), upstream, one)
    assert upstream.calls == attempts  # trap 8: Envoy counts repeats, we count calls
    assert told == [503]


def test_outcomes_that_are_not_named_are_not_retried(policy, through):
    upstream = Upstream(500)  # a wrong answer; retry_on_error is off
    through(policy({**PATIENT, "retry.max_attempts": 3}), upstream, one)
    assert upstream.calls == 1


@pytest.mark.parametrize(("retried", "calls"), [(True, 2), (False, 1)])
def test_late_calls_are_cut_and_retried_as_told(policy, through, retried, calls):
    values = {"retry.max_attempts": 2, "timeout.call_s": 0.15, "retry.retry_on_timeout": retried}
    upstream = Upstream(200, delay_s=0.6)
    told = through(policy({**PATIENT, **values}), upstream, one)
    assert told == [504]
    assert upstream.calls == calls


def test_breaker_of_five_in_a_row_lets_five_of_forty_through(policy, through):
    values = {"breaker.consecutive_failures": 5, "breaker.open_s": 30.0, "retry.max_attempts": 1}
    upstream = Upstream(503)
    told = through(policy(values), upstream, five_then_the_rest)
    assert upstream.calls == 5  # no panic (trap 2), no late ejection (trap 3)
    assert told == [503] * 40


@pytest.mark.parametrize(("name", "reach"), [("envoy", {80}), ("envoy-small", {5, 6})])
def test_baselines_eject_as_the_real_one_does(through, name, reach):
    """Two attempts a call. As shipped, 10 % of one host is none (trap 1).

    The fifth failure is the first attempt of a call; its repeat waits a drawn 0 to 25 ms, and one
    drawn near 0 overtakes the proxy's main thread, which ejects.
    """
    upstream = Upstream(503)
    through(load(name).policy, upstream, forty)
    assert upstream.calls in reach


def test_token_budget_bounds_the_load_of_a_total_outage(policy, through):
    """Open loop, all failing: 100 calls a second of .1 s, five attempts, a budget of .2."""
    values = {
        **PATIENT,
        "retry.max_attempts": 5,
        "retry.budget_kind": "tokens",
        "retry.budget_ratio": 0.2,
    }
    upstream = Upstream(503, delay_s=0.1)

    async def open_loop(port):
        tasks = []
        for _ in range(150):
            tasks.append(asyncio.create_task(call(port)))
            await asyncio.sleep(0.01)
        return await asyncio.gather(*tasks)

    told = through(policy(values), upstream, open_loop)
    assert set(told) == {503}
    load_factor = upstream.calls / 150
    assert 1.05 < load_factor < 1.45  # 1.2; with budget_interval it would be 3.75 (trap 6)


def test_limit_refuses_what_is_over_it(policy, through):
    values = {**PATIENT, "concurrency.limit": 10, "concurrency.queue_limit": 5,
              "timeout.call_s": 2.0}
    upstream = Upstream(200, delay_s=0.2)

    async def burst(port):
        return await asyncio.gather(*(call(port) for _ in range(40)))

    told = through(policy(values), upstream, burst)
    assert upstream.calls == told.count(200)
    assert told.count(200) <= 15  # ten at work, five waiting
    assert told.count(503) == 40 - told.count(200)
