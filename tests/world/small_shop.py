"""A small shop, a policy from groups, and a fault of every kind."""

from hms.agents.policy.healing_policy import HealingPolicy
from hms.scenarios.model import Component, Fault, Probe

PROBE = Probe("http", period_s=5.0, timeout_s=1.0, failures=3)


def service(name, **fields):
    """A service of three replicas on the platform."""
    plain = {
        "replicas": 3, "service_time_s": 0.01, "startup_s": 8.0, "memory_mb": 64.0,
        "memory_limit_mb": 128.0, "readiness": PROBE, "liveness": PROBE,
    }
    return Component(name, **{**plain, **fields})


def policy_of(**groups):
    """A policy with these groups, defaults elsewhere."""
    parsed, problems = HealingPolicy.parse({"schema": "hms.policy/1", **groups})
    assert parsed is not None, problems
    return parsed


FAULTS = {
    "crash": Fault("crash", component="basket", replicas=1, start_s=30.0, until="restart"),
    "hang": Fault("hang", component="basket", replicas=1, start_s=30.0, until="restart"),
    "hang of all": Fault("hang", component="stock", start_s=30.0, until="restart"),
    "error": Fault(
        "error", component="basket", replicas=2, start_s=30.0, duration_s=40.0,
        parameters={"share": 0.6},
    ),
    "slow": Fault(
        "slow", component="stock", start_s=30.0, duration_s=40.0, parameters={"factor": 30.0}
    ),
    "latency": Fault(
        "latency", edge=("front", "basket"), start_s=30.0, duration_s=40.0,
        parameters={"added_s": 1.5},
    ),
    "memory_leak": Fault(
        "memory_leak", component="basket", start_s=30.0, duration_s=60.0,
        parameters={"mb_per_s": 4.0},
    ),
    "load_spike": Fault(
        "load_spike", start_s=30.0, duration_s=30.0, component="front", parameters={"factor": 5.0}
    ),
    "partition": Fault(
        "partition", edge=("basket", "store"), start_s=30.0, duration_s=20.0,
        parameters={"stale_s": 30.0},
    ),
    "bad_deploy": Fault(
        "bad_deploy", component="basket", replicas=2, start_s=30.0, until="roll_back",
        parameters={"error_share": 0.8, "slow_factor": 3.0},
    ),
}
