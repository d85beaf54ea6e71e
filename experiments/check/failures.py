"""The failures in which a setting shows what it is worth."""

from __future__ import annotations

from hms.experiments.check.findings import Trial
from hms.experiments.check.system import System
from hms.scenarios.model import Component, Edge, Fault

STALL_S = 10.0
"""As in HotOS 2021 (Bronson et al.): too short for a probe, long enough for a storm of retries."""
LASTS_S = 60.0
OVERLOAD_S = 30.0
OVERLOADED = 1.5
"""Share of its capacity that an overloaded component is asked for."""
MOST_RUSH = 10.0


def crash(component: Component) -> Trial:
    """One replica ends, and the platform starts it again."""
    by_itself = {"restarts_by_itself": 1.0}
    fault = Fault("crash", component.name, replicas=1, until="restart", parameters=by_itself)
    return Trial(f"crash of {component.name}", fault)


def stall(name: str) -> Trial:
    """All replicas answer nothing for ten seconds."""
    return Trial(f"{STALL_S:.0f} s stall of {name}", Fault("hang", name, duration_s=STALL_S))


def hang(name: str, replicas: int = 0) -> Trial:
    """Replicas answer nothing until somebody restarts them; at most a minute."""
    which = "a replica of " if replicas else ""
    return Trial(f"hang of {which}{name}", Fault("hang", name, None, replicas, 0.0, LASTS_S))


def endless_hang(component: Component) -> Trial:
    """One replica answers nothing until it is restarted."""
    which = "a replica of " if component.replicas > 1 else ""
    fault = Fault("hang", component.name, replicas=1, until="restart")
    return Trial(f"hang of {which}{component.name}", fault)


def wrong_answers(name: str, replicas: int) -> Trial:
    """A replica answers every request with an error for a minute."""
    fault = Fault("error", name, None, replicas, 0.0, LASTS_S, parameters={"share": 1.0})
    return Trial(f"bad replica of {name}", fault)


def rush(system: System, component: Component) -> Trial:
    """Load for half a minute that is half as much again as a component can serve.

    Unlike a slow replica, it is not cured by a restart.
    """
    busy = max(system.busy(component), 1e-3)
    factor = round(min(MOST_RUSH, max(1.5, OVERLOADED / busy)), 1)
    fault = Fault("load_spike", duration_s=OVERLOAD_S, parameters={"factor": factor})
    return Trial(f"{OVERLOAD_S:.0f} s of {factor:g} × the load", fault)


def overload(system: System, component: Component) -> Trial:
    """Slower for half a minute, whatever is restarted: half as much again comes as it can serve."""
    busy = max(system.busy(component), 1e-3)
    factor = round(max(1.5, OVERLOADED / busy), 1)
    fault = Fault(
        "disk_slow", component.name, None, 0, 0.0, OVERLOAD_S, parameters={"factor": factor}
    )
    return Trial(f"{OVERLOAD_S:.0f} s overload of {component.name}", fault)


def too_late(system: System, edge: Edge) -> Trial:
    """Every answer on an edge comes after its time-out, from a callee whose probes pass."""
    return slow_answers(edge, round(1.5 * system.call_s(edge), 3))


def slow_answers(edge: Edge, added_s: float) -> Trial:
    """Every answer on an edge comes later, for a minute."""
    fault = Fault(
        "latency", edge=(edge.caller, edge.callee), duration_s=LASTS_S,
        parameters={"added_s": added_s},
    )  # fmt: skip
    return Trial(f"slow answers of {edge.callee}", fault)
