"""What is measured, recomputed from the timeline of each second."""

import dataclasses

import numpy as np
import pytest
from small_shop import FAULTS, policy_of

from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import run
from hms.scenarios.model import Edge, Fault, Slo, Workload
from hms.scenarios.policy_tables import tables

PLATFORM = policy_of(breaker={"enabled": False})
WARM_UP_S = 10
PROMISED = 0.99
STABLE_S = 15


def outcome(scenario):
    return run(compile_scenario(scenario, 1), tables(PLATFORM, scenario), record=True)


def down_seconds(result):
    good, bad = result.timeline["good_rps"], result.timeline["bad_rps"]
    down = (good + bad > 0) & (good < PROMISED * (good + bad))
    down[:WARM_UP_S] = False
    return down


def failing(shop, *names):
    return dataclasses.replace(shop, faults=tuple(FAULTS[name] for name in names))


@pytest.mark.parametrize("name", ["error", "latency", "load_spike", "partition"])
def test_downtime_is_the_bad_of_down_seconds_over_the_mean_rate(shop, name):
    result = outcome(failing(shop, name))
    down = down_seconds(result)
    mean_rps = result.timeline["offered_rps"].mean()
    expected = result.timeline["bad_rps"][down].sum() / mean_rps
    assert result.downtime_s == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert result.slo_violation_s == down.sum()


def test_recovery_is_the_first_stable_stretch_after_the_first_down_second(shop):
    """Two failures: the first is recovered from; the second, later one does not move that."""
    early = dataclasses.replace(FAULTS["error"], duration_s=10.0)
    late = dataclasses.replace(FAULTS["latency"], start_s=80.0, duration_s=15.0)
    result = outcome(dataclasses.replace(shop, faults=(early, late)))
    down = down_seconds(result)
    first = int(np.flatnonzero(down)[0])
    stable = next(
        t for t in range(first, len(down)) if not down[t : t + STABLE_S].any()
    )
    assert down[80:].any()
    assert stable < 60
    assert result.recovered
    assert result.time_to_recover_s == stable - first


def test_never_down_recovers_at_once_and_never_well_again_takes_the_rest(shop):
    calm = outcome(shop)
    assert (calm.time_to_recover_s, calm.recovered) == (0.0, True)
    lasting = dataclasses.replace(FAULTS["bad_deploy"], replicas=0)
    lost = outcome(dataclasses.replace(shop, faults=(lasting,)))
    first = int(np.flatnonzero(down_seconds(lost))[0])
    assert not lost.recovered
    assert lost.time_to_recover_s == 120 - first


def test_what_hangs_at_the_horizon_is_bad_in_the_last_second(shop):
    """A stall three seconds before the end: nobody has timed out yet, and yet it is down."""
    stall = dataclasses.replace(FAULTS["hang of all"], component="front", start_s=117.0)
    result = outcome(dataclasses.replace(shop, faults=(stall,)))
    answered_bad = result.timeline["bad_rps"][WARM_UP_S:].sum()
    assert result.bad > answered_bad + 60
    assert result.downtime_s > 1.0
    assert result.slo_violation_s >= 1


def test_without_load_nobody_is_failed(shop):
    idle = dataclasses.replace(
        shop, workload=(dataclasses.replace(shop.workload[0], rate_rps=0.0),)
    )
    result = outcome(idle)
    assert (result.availability, result.downtime_s, result.verdict) == (1.0, 0.0, "recovered")


def test_a_spike_of_one_entry_adds_to_the_load_of_that_entry_alone(shop):
    loads = (Workload("front", "client", rate_rps=60.0), Workload("stock", "client", rate_rps=20.0))
    two = dataclasses.replace(
        shop, workload=loads, edges=(*shop.edges, Edge("client", "stock")),
        slo={"front": Slo(0.99, 0.5), "stock": Slo(0.99, 0.5)},
    )

    def offered(**target):
        spike = Fault(
            "load_spike", start_s=60.0, duration_s=20.0, parameters={"factor": 1.5}, **target
        )
        scenario = dataclasses.replace(two, faults=(spike,))
        policy = tables(policy_of(), scenario)
        return run(compile_scenario(scenario, 1), policy).offered

    all_of_it, of_stock = offered(), offered(component="stock")
    assert all_of_it - of_stock == pytest.approx(0.5 * 60.0 * 20.0, rel=0.01)
