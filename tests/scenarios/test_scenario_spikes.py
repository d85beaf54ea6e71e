"""A load spike of one entry leaves the others' load alone; a spike of all load does not."""

import dataclasses

import numpy as np
import pytest

from hms.scenarios.compile import compile_scenario
from hms.scenarios.model import Edge, Fault, Workload
from hms.scenarios.workload import arrivals_rps

SECONDS = 100
RATES_RPS = {"web": 20.0, "stock": 5.0}


@pytest.fixture
def two_entries(shop):
    """People ask the web, and the stock directly."""
    loads = tuple(Workload(entry, "people", rate_rps=rate) for entry, rate in RATES_RPS.items())
    concrete = shop.midpoint()
    edges = (*concrete.edges, Edge("people", "stock"))
    return dataclasses.replace(
        concrete, workload=loads, edges=edges, horizon_s=float(SECONDS), faults=()
    )


def spike(component, start_s=40.0):
    return Fault(
        "load_spike", component=component, start_s=start_s, duration_s=20.0,
        parameters={"factor": 3.0},
    )


def with_fault(scenario, fault):
    return dataclasses.replace(scenario, faults=(fault,))


def test_a_spike_of_an_entry_is_in_that_entrys_rates_alone(two_entries):
    web, stock = arrivals_rps(with_fault(two_entries, spike("web")), SECONDS)
    assert set(web[40:60]) == {60.0}
    assert set(np.delete(web, range(40, 60))) == {20.0}
    assert set(stock) == {5.0}
    compiled = compile_scenario(with_fault(two_entries, spike("web")), 1)
    assert compiled.faults["value"][0] == 1.0, "the engine's factor is for all load"


def test_a_second_that_it_strikes_in_part_has_the_mean_rate(two_entries):
    web, _ = arrivals_rps(with_fault(two_entries, spike("web", start_s=40.25)), SECONDS)
    assert web[40] == pytest.approx(20.0 * (1.0 + 2.0 * 0.75))
    assert web[60] == pytest.approx(20.0 * (1.0 + 2.0 * 0.25))
    assert web.sum() == pytest.approx(20.0 * (SECONDS + 2.0 * 20.0))


@pytest.mark.parametrize("named", [True, False])
def test_a_spike_of_all_load_is_the_engines_to_the_tick(two_entries, named):
    scenario = two_entries
    if named:  # the only entry is all load
        scenario = dataclasses.replace(scenario, workload=scenario.workload[:1])
    scenario = with_fault(scenario, spike("web" if named else None))
    assert [set(row) for row in arrivals_rps(scenario, SECONDS)] == [
        {load.rate_rps} for load in scenario.workload
    ]
    assert compile_scenario(scenario, 1).faults["value"][0] == 3.0
