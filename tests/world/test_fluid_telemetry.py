"""What monitoring would show of a run, held against what the engine counts elsewhere."""

import dataclasses

import numpy as np
import pytest
from small_shop import FAULTS, policy_of

from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import run
from hms.scenarios.policy_tables import tables
from hms.scenarios.telemetry import COMPONENT_COLUMNS, EDGE_COLUMNS

RETRIES = policy_of(retry={"max_attempts": 2})
OBSERVED = ("hang of all", "error", "latency", "partition")
RESTARTED = "hang of all"  # by its platform: what was in it is lost


def recorded(scenario, **options):
    return run(compile_scenario(scenario, 1), tables(RETRIES, scenario), record=True, **options)


def failing(shop, name):
    return dataclasses.replace(shop, faults=(FAULTS[name],))


@pytest.mark.parametrize("name", OBSERVED)
def test_what_comes_is_refused_answered_or_still_there(shop, name):
    seen = recorded(failing(shop, name), fast_forward=False).telemetry
    parts = seen.components
    answered = parts.ok + parts.failed
    left = (parts.arrivals - parts.refused - answered).sum(axis=0) - parts.present[-1]
    assert left[~seen.client].min() > -1e-6
    assert (left[~seen.client].max() < 1e-6) == (name != RESTARTED)
    assert (parts.own_errors <= parts.failed + 1e-9).all()
    stock = seen.place("stock")
    assert (parts.ready[:, stock].min() == 0.0) == (name == RESTARTED)


@pytest.mark.parametrize("name", OBSERVED)
def test_every_call_is_answered_late_or_in_flight(shop, name):
    edges = recorded(failing(shop, name), fast_forward=False).telemetry.edges
    left = (edges.calls - edges.ok - edges.failed - edges.late).sum(axis=0) - edges.in_flight[-1]
    assert np.abs(left).max() < 1e-6
    assert (edges.retries <= edges.calls + 1e-9).all()
    assert (edges.lost <= edges.calls + 1e-9).all()


def test_time_worked_over_requests_worked_on_is_the_service_time(shop):
    seen = recorded(failing(shop, "slow")).telemetry
    parts, stock = seen.components, seen.place("stock")
    served = parts.worked[:, stock]
    assert parts.busy_s[25, stock] / served[25] == pytest.approx(0.01, rel=0.01)
    assert parts.busy_s[31, stock] / served[31] == pytest.approx(0.3, rel=0.01)


def test_good_answers_of_the_entries_are_the_timelines(shop):
    outcome = recorded(failing(shop, "latency"))
    good = outcome.telemetry.edges.good.sum(axis=1)
    assert np.allclose(good, outcome.timeline["good_rps"])


def test_a_jump_leaves_no_gap_in_the_series(shop):
    fast = recorded(failing(shop, "error")).telemetry
    full = recorded(failing(shop, "error"), fast_forward=False).telemetry
    for name in COMPONENT_COLUMNS:
        jumped, ran = getattr(fast.components, name), getattr(full.components, name)
        assert np.allclose(jumped, ran, atol=0.05, rtol=0.02), name
    for name in EDGE_COLUMNS:
        jumped, ran = getattr(fast.edges, name), getattr(full.edges, name)
        assert np.allclose(jumped, ran, atol=0.3, rtol=0.02), name


def test_watching_changes_nothing_and_an_unwatched_run_has_no_series(shop):
    scenario = failing(shop, "error")
    compiled, policy = compile_scenario(scenario, 1), tables(RETRIES, scenario)
    plain, watched = run(compiled, policy), run(compiled, policy, record=True)
    assert plain.telemetry is None
    assert (plain.row() == watched.row()).all()
