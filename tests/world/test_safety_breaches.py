"""Acts that must not happen are counted, by both engines alike."""

import dataclasses

import pytest
from small_shop import FAULTS, policy_of

from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines import fluid, request
from hms.scenarios.policy_tables import tables

ENGINES = {"fluid": fluid.run, "request": request.run}
RESTARTS = {"memory": [{"act": "restart", "patience_s": 20.0}]}
EARLY = {"breaker": {"enabled": False}, "detection": {"memory_share": 0.7}, "recovery": RESTARTS}
CAREFUL = policy_of(**EARLY)
CARELESS = policy_of(**EARLY, guard={"bound": False})
LEAK = dataclasses.replace(
    FAULTS["memory_leak"], parameters={"mb_per_s": 1.0}, duration_s=35.0
)


def outcome(engine, shop, policy, replicas, *faults):
    basket = dataclasses.replace(
        shop.components["basket"], replicas=replicas, readiness=None, liveness=None
    )
    parts = {**shop.components, "basket": basket}
    struck = tuple(dataclasses.replace(fault, replicas=0) for fault in faults)
    scenario = dataclasses.replace(shop, components=parts, faults=struck)
    return ENGINES[engine](compile_scenario(scenario, 1), tables(policy, scenario))


@pytest.mark.parametrize("engine", ENGINES)
def test_restarting_the_only_replica_while_clients_are_served_well_is_a_breach(shop, engine):
    careless = outcome(engine, shop, CARELESS, 1, LEAK)
    assert careless.restarts > 0 and careless.breaches > 0
    assert careless.row()[-1] == careless.breaches


@pytest.mark.parametrize("engine", ENGINES)
def test_the_guard_keeps_the_only_replica(shop, engine):
    assert outcome(engine, shop, CAREFUL, 1, LEAK).breaches == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_one_of_three_may_be_restarted_while_the_others_serve(shop, engine):
    careful = outcome(engine, shop, CAREFUL, 3, LEAK)
    assert careful.restarts > 0 and careful.breaches == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_restarting_what_hangs_is_no_breach_though_it_is_the_only_replica(shop, engine):
    steps = {"unresponsive": [{"act": "restart", "patience_s": 20.0}]}
    policy = policy_of(breaker={"enabled": False}, recovery=steps, guard={"bound": False})
    healed = outcome(engine, shop, policy, 1, FAULTS["hang"])
    assert healed.restarts > 0 and healed.breaches == 0
