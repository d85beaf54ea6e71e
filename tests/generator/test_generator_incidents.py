"""Generated incidents: sane systems, every family on every topology, the same for everybody."""

import dataclasses
import math

import pytest

from hms.evolution.baselines import load
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.fluid import run
from hms.scenarios.generator import sane
from hms.scenarios.generator.composed import COMPOSED
from hms.scenarios.generator.frozen_split import (
    FROZEN,
    HELD_OUT,
    TEST,
    TRAIN,
    Identity,
    held_out_seed,
)
from hms.scenarios.generator.incidents import EVERY_FAMILY, START_S, draw_incident
from hms.scenarios.generator.systems import BUSY, TOPOLOGIES, draw_system
from hms.scenarios.policy_tables import tables
from hms.scenarios.topology import reachable, utilisation

SEALED = held_out_seed(FROZEN.sha256, "c" * 64, "1")
CELLS = [(topology, family) for topology in TOPOLOGIES for family in EVERY_FAMILY]


def drawn(topology, family, index=0):
    return draw_incident(Identity(TRAIN, topology, family, index), "1")


@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_every_family_strikes_every_topology(family):
    for topology in TOPOLOGIES:
        scenario = drawn(topology, family).scenario
        assert scenario.faults, topology
        reached = reachable(scenario)
        for fault in scenario.faults:
            assert START_S.low <= fault.start_s < scenario.horizon_s
            assert fault.component is None or fault.component in reached
            assert math.isfinite(fault.duration_s) or fault.until
        assert not list(scenario.ranges())


def test_systems_are_well_at_their_load_until_something_breaks():
    """No draw of a hundred had to be thrown away: the load is drawn by what the busiest can do."""
    rejected = [drawn(topology, family).rejected for topology, family in CELLS]
    assert sum(rejected) == 0
    assert len(rejected) == len(TOPOLOGIES) * len(EVERY_FAMILY) == 90


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_busiest_component_uses_a_drawn_share_of_its_capacity(topology):
    busy = max(utilisation(draw_system(topology, lambda _: 0.5)).values())
    assert busy == pytest.approx(BUSY.midpoint, rel=1e-6)


def test_what_is_not_well_by_itself_is_thrown_away():
    healthy = drawn("random-tree", "crash").scenario
    assert sane.is_healthy(healthy)
    crowded = dataclasses.replace(
        healthy,
        workload=tuple(
            dataclasses.replace(load, rate_rps=6.0 * load.rate_rps) for load in healthy.workload
        ),
    )
    assert not sane.is_healthy(crowded)


def test_healthy_means_under_the_platform_baseline():
    platform = load("platform").policy
    scenario = dataclasses.replace(drawn("bookinfo", "crash").scenario, faults=())
    outcome = run(compile_scenario(scenario), tables(platform, scenario))
    assert (outcome.slo_violation_s, outcome.verdict) == (0.0, "recovered")


def test_an_incident_is_the_same_for_everybody_and_none_is_like_another():
    first, again = drawn("random-shared", "cascade"), drawn("random-shared", "cascade")
    assert first == again
    assert drawn("random-shared", "cascade", 1).scenario.edges != first.scenario.edges
    other_seed = draw_incident(first.identity, "2")
    assert other_seed.scenario != first.scenario


def test_test_incidents_do_not_exist_before_a_policy_is_frozen():
    (incident,) = FROZEN.incidents(TEST, 1)
    with pytest.raises(ValueError, match="needs held_out_seed"):
        draw_incident(incident, "1")
    with pytest.raises(ValueError, match="takes no held_out_seed"):
        draw_incident(Identity(TRAIN, "bookinfo", "crash", 0), "1", SEALED)
    sealed = draw_incident(incident, "1", SEALED)
    other = draw_incident(incident, "1", held_out_seed(FROZEN.sha256, "d" * 64, "1"))
    assert sealed.scenario != other.scenario


@pytest.mark.parametrize("part", HELD_OUT)
def test_every_test_set_can_be_drawn(part):
    for incident in FROZEN.incidents(part, 4):
        assert draw_incident(incident, "1", SEALED).scenario.faults


def test_a_zone_takes_a_third_of_many_components_within_seconds():
    scenario = drawn("online-boutique", "correlated_zone").scenario
    starts = [fault.start_s for fault in scenario.faults]
    assert len(scenario.faults) >= 3
    assert max(starts) - min(starts) <= 5.0
    assert {fault.replicas for fault in scenario.faults} == {1}


def test_a_trigger_is_over_by_itself_on_a_system_near_its_limit():
    scenario = drawn("sock-shop", "metastable_trigger").scenario
    assert 0.65 <= max(utilisation(scenario).values()) <= 0.85
    assert all(fault.duration_s <= 15.0 for fault in scenario.faults)


def test_lies_strike_what_everybody_sees():
    scenario = drawn("bookinfo", "bad_telemetry").scenario
    parts = [c for c in scenario.components.values() if c.kind != "client"]
    assert all(2.0 <= c.metric_lag_s <= 15.0 and c.metric_noise >= 0.1 for c in parts)


def test_each_composed_family_says_what_it_does():
    assert all(made.does and made.needs for made in COMPOSED.values())
