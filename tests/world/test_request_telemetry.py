"""What monitoring would show of single requests, held against what is counted elsewhere."""

import dataclasses

import numpy as np
import pytest
from small_shop import FAULTS, policy_of

from hms.scenarios.compile import compile_scenario
from hms.scenarios.detectors.examination import Promise, examine
from hms.scenarios.engines.request.engine import run
from hms.scenarios.policy_tables import tables

RETRIES = policy_of(retry={"max_attempts": 2})


def recorded(shop, name, policy=RETRIES, **options):
    scenario = dataclasses.replace(shop, faults=(FAULTS[name],))
    return run(compile_scenario(scenario, 1), tables(policy, scenario), record=True, **options)


@pytest.mark.parametrize("name", ["error", "latency", "partition"])
def test_every_request_and_every_call_is_accounted_for(shop, name):
    seen = recorded(shop, name).telemetry
    parts, edges = seen.components, seen.edges
    left = (parts.arrivals - parts.refused - parts.ok - parts.failed).sum(axis=0)
    assert np.abs(left - parts.present[-1])[~seen.client].max() <= 1e-9
    called = (edges.calls - edges.ok - edges.failed - edges.late).sum(axis=0)
    assert np.abs(called - edges.in_flight[-1]).max() <= 1e-9
    assert (parts.own_errors <= parts.failed).all()
    assert (edges.retries <= edges.calls).all()


def test_time_worked_over_requests_worked_on_is_the_service_time(shop):
    seen = recorded(shop, "error").telemetry
    stock = seen.place("stock")
    worked = seen.components.worked[:, stock].sum()
    assert seen.components.busy_s[:, stock].sum() / worked == pytest.approx(0.01, rel=0.05)


def test_good_answers_of_the_entries_are_the_timelines(shop):
    outcome = recorded(shop, "latency")
    assert (outcome.telemetry.edges.good.sum(axis=1) == outcome.timeline["good_rps"]).all()


def test_lost_calls_are_those_that_never_arrive(shop):
    seen = recorded(shop, "partition").telemetry
    cut = seen.pairs.index(("basket", "store"))
    lost = seen.edges.lost[:, cut]
    assert lost[:30].sum() == 0.0
    assert (lost[31:49] == seen.edges.calls[31:49, cut]).all()


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("error", "basket"), ("slow", "stock"), ("latency", "front -> basket"),
        ("partition", "basket -> store"), ("hang of all", "stock"),
    ],
)
def test_detectors_cannot_tell_which_engine_ran(shop, name, cause):
    found = examine(recorded(shop, name).telemetry, Promise(0.95), shop.warm_up_s)
    assert found.cause.name == cause
    assert 30 <= found.cause.since_s <= 33


def test_an_unwatched_run_has_no_series(shop):
    compiled, policy = compile_scenario(shop, 1), tables(RETRIES, shop)
    plain, watched = run(compiled, policy), run(compiled, policy, record=True)
    assert plain.telemetry is None
    assert (plain.row() == watched.row()).all()
