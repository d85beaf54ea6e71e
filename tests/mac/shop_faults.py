"""Every fault on the small shop, at times and places that keep its agents busy."""

from __future__ import annotations

import dataclasses
import math

from hms.scenarios.model import Fault, Scenario

FAULTS = {
    "crash": Fault("crash", "cart", None, 1, 20.0, math.inf, "restart", {}),
    "hang": Fault("hang", "store", None, 1, 20.0, math.inf, "restart", {}),
    "latency": Fault("latency", None, ("front", "ads"), 0, 20.0, 30.0, "", {"added_s": 0.7}),
    "error": Fault("error", "cart", None, 1, 20.0, 30.0, "", {"share": 0.6}),
    "slow": Fault("slow", "price", None, 0, 20.0, 25.0, "", {"factor": 8.0}),
    "memory_leak": Fault(
        "memory_leak", "price", None, 1, 15.0, math.inf, "restart", {"mb_per_s": 3.0}
    ),
    "load_spike": Fault("load_spike", None, None, 0, 20.0, 20.0, "", {"factor": 4.0}),
    "partition": Fault("partition", None, ("cart", "store"), 0, 20.0, 15.0, "", {"stale_s": 60.0}),
    "bad_deploy": Fault(
        "bad_deploy", "cart", None, 0, 20.0, math.inf, "roll_back",
        {"error_share": 0.5, "slow_factor": 1.5},
    ),
}


def struck(scenario: Scenario, *kinds: str) -> Scenario:
    """The scenario with these faults."""
    return dataclasses.replace(scenario, faults=tuple(FAULTS[kind] for kind in kinds))
