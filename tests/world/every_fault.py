"""A fault of every kind on the small shop, from 30 to 50 s, bad enough to be seen."""

from hms.scenarios.model import Fault

PARTS = {
    "crash": {"parameters": {"restarts_by_itself": 0.0}},
    "crash_loop": {"parameters": {"up_s": 3.0}},
    "hang": {},
    "gc_pause": {"parameters": {"pause_s": 2.0, "every_s": 4.0}},
    "gray": {"parameters": {"slow_factor": 3.0, "error_share": 0.3}},
    "error": {"parameters": {"share": 0.3}},
    "slow": {"parameters": {"factor": 8.0}},
    "disk_slow": {"parameters": {"factor": 8.0}},
    "cpu_starvation": {"parameters": {"share": 0.9}},
    "capacity": {"parameters": {"cores": 0.1}},
    "pool_exhaustion": {"parameters": {"workers": 63.9}},
    "memory_leak": {"parameters": {"mb_per_s": 4.0, "mb_per_request": 0.05}},
    "misconfiguration": {"parameters": {"share": 0.5}},
    "clock_skew": {"parameters": {"offset_s": -90.0, "tolerated_s": 60.0}},
}
ROADS = {
    "latency": {"added_s": 0.6, "jitter_s": 0.3},
    "loss": {"share": 0.3},
    "partition": {"stale_s": 5.0},
    "dns": {"share": 0.4},
}


def fault_of(kind: str, **changes) -> Fault:
    """A fault of this kind."""
    lasting = {"start_s": 30.0, "duration_s": 20.0}
    if kind in ROADS:
        edge = {"edge": ("front", "basket"), "parameters": ROADS[kind]}
        return Fault(kind, **{**lasting, **edge, **changes})
    if kind == "load_spike":
        return Fault(kind, **{**lasting, "parameters": {"factor": 6.0}, **changes})
    struck = "front" if kind in ("clock_skew", "pool_exhaustion") else "basket"
    return Fault(kind, **{**lasting, "component": struck, **PARTS[kind], **changes})


KINDS = (*PARTS, *ROADS, "load_spike")
"""All that need nothing of the shop; cache_flush and flapping_probe have tests of their own."""
