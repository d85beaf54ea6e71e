"""The first compilation, on two cores: half of it in a second process, through the disk cache.

Compiling takes half a minute on one core and happens once for a version of the engine. The second
process compiles the decisions and what happens around a tick while this one compiles the tick;
what it leaves in the cache folder is then only loaded here.
"""

import subprocess
import sys
from typing import Any

from numba import typeof, types

from hms.scenarios.machine_code import cache_folder

SECOND_HALF = "from hms.scenarios.engines.fluid.warm import second_half; second_half()"
LONGEST_S = 300.0


def is_cold() -> bool:
    """Whether no run was ever compiled for this version of the sources."""
    return not any(cache_folder().rglob("loop.run_to_end*.nbi"))


def warm_up(state: Any) -> None:
    """Compile for states like this one, on two cores if nothing is compiled yet."""
    from hms.scenarios.engines.fluid import loop

    if loop.run_to_end.signatures or loop.advance.signatures or not is_cold():
        return

    other = subprocess.Popen(
        [sys.executable, "-P", "-c", SECOND_HALF], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        loop.advance.compile((typeof(state),))
        other.wait(LONGEST_S)
    finally:
        other.kill()  # whatever it did not compile is compiled here
        other.wait()


def second_half() -> None:
    """What the second process compiles."""
    from hms.scenarios.engines.fluid import decisions, equip, loop

    state = example()
    known = (typeof(state),)
    decisions.decide.compile((*known, types.boolean, types.int64))
    loop.begin.compile(known)
    loop.ticks_to_jump.compile(known)
    decisions.skip.compile((*known, types.int64, types.int64))
    loop.jump.compile((*known, types.int64))
    floats = types.Array(types.float64, 2, "C")
    equip.equip.compile((*known, floats, floats, types.Array(types.float64, 1, "C")))


def example() -> Any:
    """A state of the smallest scenario there is; its types are those of all states."""
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.scenarios.compile import compile_scenario
    from hms.scenarios.engines.fluid.engine import arrays_of
    from hms.scenarios.model import Component, Edge, Scenario, Slo, Workload
    from hms.scenarios.policy_tables import tables

    parts = {"outside": Component("outside", kind="client"), "one": Component("one")}
    edges = (Edge("outside", "one"),)
    load = (Workload("one", "outside"),)
    scenario = Scenario("example", 30.0, 0.0, {"one": Slo()}, load, parts, edges)
    policy, problems = HealingPolicy.parse({"schema": "hms.policy/1"})
    if policy is None:
        raise ValueError(f"the empty policy is refused: {problems}")
    return arrays_of(
        compile_scenario(scenario), tables(policy, scenario), fast_forward=True, record=False
    )
