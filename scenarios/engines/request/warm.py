"""The engine's machine code, made in this process: it has one door, so there are no halves."""

from typing import Any

from hms.scenarios.machine_code import DOORS, REQUEST


def build() -> bytes:
    """The object file of the engine's doors."""
    from numba import typeof

    from hms.scenarios.code_generation import StateType, bitcode_of, object_of

    doors = list(DOORS[REQUEST].values())
    state = StateType(typeof(example()))
    return object_of((bitcode_of(doors, (), state),), doors)


def example() -> Any:
    """A state of the smallest scenario there is; its types are those of all states."""
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.scenarios.compile import compile_scenario
    from hms.scenarios.engines.request.build import Budget, state_of
    from hms.scenarios.model import Component, Edge, Scenario, Slo, Workload
    from hms.scenarios.policy_tables import tables

    parts = {"outside": Component("outside", kind="client"), "one": Component("one")}
    edges = (Edge("outside", "one"),)
    load = (Workload("one", "outside"),)
    scenario = Scenario("example", 30.0, 0.0, {"one": Slo()}, load, parts, edges)
    policy = tables(HealingPolicy(), scenario)
    return state_of(compile_scenario(scenario), policy, Budget(requests=16), record=False)
