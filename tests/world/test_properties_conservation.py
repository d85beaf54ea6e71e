"""What arrives is served, fails, is dropped or is in the system: random systems, any fault."""

import dataclasses
import math

import numpy as np
import pytest
from every_fault import KINDS, fault_of
from hypothesis import given, settings
from hypothesis import strategies as st
from small_shop import policy_of, service

from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid.engine import state_of
from hms.scenarios.engines.fluid.loop import run_to_end
from hms.scenarios.engines.fluid.telemetry import telemetry_of
from hms.scenarios.model import Component, Edge, Scenario, Slo, Workload
from hms.scenarios.policy_tables import tables

RETRYING = policy_of(
    breaker={"failure_rate": 0.5, "minimum_calls": 10}, retry={"max_attempts": 3},
    timeout={"call_s": 0.7},
)  # fmt: skip


@st.composite
def systems(draw) -> Scenario:
    """The small shop's names, with other edges, numbers, loads and one fault."""
    part = st.fixed_dictionaries(
        {
            "replicas": st.integers(1, 4),
            "cores": st.sampled_from([0.5, 1.0, 2.0]),
            "workers": st.sampled_from([2, 16, 64]),
            "queue_limit": st.sampled_from([0, 5, 256]),
            "service_time_s": st.floats(0.001, 0.02),
            "service_cv": st.sampled_from([0.0, 1.0, 2.0]),
        }
    )
    names = ("front", "stock", "basket", "store")
    parts = {name: service(name, **draw(part)) for name in names}
    pairs = [("front", "stock"), ("front", "basket"), ("basket", "store"), ("stock", "store")]
    way = st.fixed_dictionaries(
        {
            "calls": st.sampled_from([0.5, 1.0, 2.5]),
            "need": st.sampled_from(["hard", "soft"]),
            "cancel_on_timeout": st.booleans(),
            "on_cut": st.sampled_from(["lose", "queue"]),
        }
    )
    edges = [Edge("client", "front", timeout_s=5.0), *(Edge(*ends, **draw(way)) for ends in pairs)]
    load = Workload("front", "client", rate_rps=draw(st.floats(5.0, 120.0)))
    fault = fault_of(draw(st.sampled_from(KINDS)), start_s=10.0)
    return Scenario(
        "random", 45.0, 5.0, {"front": Slo(0.99, 0.5)}, (load,),
        {"client": Component("client", kind="client"), **parts}, tuple(edges), (fault,),
    )  # fmt: skip


def balance(scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """Of each component: arrived minus all that became of it, and what arrived."""
    compiled = compile_scenario(scenario, 1)
    state = state_of(compiled, tables(RETRYING, scenario), fast_forward=False, record=True)
    run_to_end(state)
    seen = telemetry_of(compiled, state).components
    arrived = seen.arrivals.sum(axis=0)
    left = seen.refused.sum(axis=0) + seen.ok.sum(axis=0) + seen.failed.sum(axis=0)
    parts = state.comps
    return arrived - left - parts["lost"] - parts["abandoned"] - parts["present"], arrived


@given(systems())
@settings(max_examples=25)
def test_what_arrived_was_served_failed_dropped_or_is_there(scenario):
    missing, arrived = balance(scenario)
    assert np.abs(missing).max() <= 1e-6 * max(1.0, float(arrived.max()))


@pytest.mark.soak
@given(systems())
@settings(max_examples=3_000)
def test_so_it_is_for_many_more(scenario):
    missing, arrived = balance(scenario)
    assert np.abs(missing).max() <= 1e-6 * max(1.0, float(arrived.max()))


@given(systems(), st.integers(2, 5))
@settings(max_examples=15)
def test_more_cores_never_do_worse_alone(scenario, times):
    """One component without retries, time-outs or limits, overloaded by 30 %."""
    front = dataclasses.replace(
        scenario.components["front"], cores=1.0, replicas=1, workers=100_000, queue_limit=1_000_000
    )
    rate_rps = 1.3 / float(front.service_time_s)
    load = (dataclasses.replace(scenario.workload[0], rate_rps=rate_rps),)

    def good(cores: float) -> float:
        parts = {"client": scenario.components["client"]}
        parts["front"] = dataclasses.replace(front, cores=cores)
        alone = dataclasses.replace(
            scenario, components=parts, edges=scenario.edges[:1], workload=load, faults=()
        )
        compiled = compile_scenario(alone, 1)
        state = state_of(compiled, tables(RETRYING, alone), fast_forward=True, record=False)
        run_to_end(state)
        return float(state.world["total_good"][0])

    found = [good(1.0), good(float(times)), good(2.0 * times)]
    assert found[0] <= found[1] * (1 + 1e-6) <= found[2] * (1 + 1e-6) ** 2  # time jumps over calm
    assert math.isfinite(found[2])
