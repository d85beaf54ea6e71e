"""The engine's machine code, made on two cores: half of it is lowered by a second process.

It happens once for a version of the sources. Most of the time is numba's, in Python, so a thread
would not help; the second process hands its half over as LLVM bitcode, and all is linked and
optimised here.
"""

import subprocess
import sys
from typing import Any

from hms.scenarios.machine_code import DOORS, FLUID, Door
from hms.scenarios.object_code import sealed, unsealed

FIRST = ("advance", "run_to_end")
"""Half of the time: the tick itself."""

SECOND_HALF = "from hms.scenarios.engines.fluid.warm import second_half; second_half()"
LONGEST_S = 300.0


def build() -> bytes:
    """The object file of all doors."""
    other = subprocess.Popen(
        [sys.executable, "-P", "-c", SECOND_HALF], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    try:
        from numba import typeof

        from hms.scenarios.code_generation import bitcode_of, object_of

        state = typeof(example())
        first, second = halves()
        half = bitcode_of(first, second, state)
        told, _ = other.communicate(timeout=LONGEST_S)
        rest = unsealed(told)
        if rest is None:  # it was killed, or there was no room for it
            rest = bitcode_of(second, first, state)
        return object_of((half, rest), DOORS[FLUID].values())
    finally:
        other.kill()
        other.wait()


def halves() -> tuple[list[Door], list[Door]]:
    """The engine's doors, by the process that lowers them."""
    first = [door for name, door in DOORS[FLUID].items() if name in FIRST]
    return first, [door for name, door in DOORS[FLUID].items() if name not in FIRST]


def second_half() -> None:
    """What the second process does: its bitcode on stdout."""
    from numba import typeof

    from hms.scenarios.code_generation import bitcode_of

    state = typeof(example())
    first, second = halves()
    sys.stdout.buffer.write(sealed(bitcode_of(second, first, state)))


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
