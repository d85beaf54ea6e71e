"""Families of failures that are more than one fault of one kind, as they come in production.

Each is made of plain faults that any engine runs. Magnitudes follow `families.py`: they aim at
failures that break the promise and that healing can end, or at least shorten.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from hms.scenarios.families import RESTARTS_BY_ITSELF
from hms.scenarios.generator.single import draw_fault, pick, struck_replicas, targets
from hms.scenarios.generator.systems import busiest, loaded
from hms.scenarios.model import Fault, Range, Scenario
from hms.scenarios.topology import reachable

Uniform = Callable[[str], float]

ZONES = 3
IN_THE_ZONE = 0.7
"""Share of components that a zone's failure strikes."""
SPREAD_S = Range(0.0, 5.0)
LASTS_S = Range(30.0, 120.0)
NEAR_ITS_LIMIT = Range(0.65, 0.85)
"""Share of its capacity that the busiest component uses where a short trigger is to be enough."""
TRIGGER_S = Range(5.0, 15.0)


@dataclass(frozen=True, slots=True)
class Composed:
    """One family.

    Attributes:
        does: for the documentation.
        needs: what a system must have, for the message where it has not.
        can: whether it has.
        faults: the faults of one incident, (system, start, u); `changes` comes first.
        changes: what else is different in the system; None: nothing.
    """

    does: str
    needs: str
    can: Callable[[Scenario], bool]
    faults: Callable[[Scenario, float, Uniform], list[Fault]]
    changes: Callable[[Scenario, Uniform], Scenario] | None = None


def compose(scenario: Scenario, family: str, start_s: float, u: Uniform) -> Scenario:
    """The scenario with an incident of a composed family in place.

    Raises:
        KeyError: there is no such family.
    """
    made = COMPOSED[family]
    changed = made.changes(scenario, u) if made.changes else scenario
    return replace(changed, faults=(*changed.faults, *made.faults(changed, start_s, u)))


def _services(scenario: Scenario, replicas: int = 1) -> list[str]:
    reached = sorted(reachable(scenario))
    return [name for name in reached if scenario.components[name].replicas >= replicas]


def _deep(scenario: Scenario) -> list[str]:
    """Components that somebody inside calls."""
    reached = reachable(scenario)
    inner = {edge.callee for edge in scenario.edges if edge.caller in reached}
    return sorted(inner & reached)


def _work(u: Uniform, errors: Range, slow: Range) -> tuple[str, dict[str, float]]:
    """Errors, or slower work: kind and parameters."""
    if u("errs") < 0.5:
        return "error", {"share": errors.at(u("share"))}
    return "slow", {"factor": slow.at(u("factor"))}


def _partial(scenario: Scenario, start_s: float, u: Uniform) -> list[Fault]:
    """One replica of several is bad, and its probes pass."""
    name = pick(_services(scenario, 2), u("target"))
    bad = {"error_share": 0.0, "slow_factor": 1.0}
    if u("errs") < 0.5:
        bad["error_share"] = Range(0.5, 1.0).at(u("share"))
    else:
        bad["slow_factor"] = Range(5.0, 20.0).at(u("factor"))
    return [Fault("gray", name, None, 1, start_s, until="restart", parameters=bad)]


def _flapping(scenario: Scenario, start_s: float, u: Uniform) -> list[Fault]:
    """It comes and goes: each time it looks well again."""
    name = pick(_services(scenario), u("target"))
    kind, parameters = _work(u, Range(0.5, 1.0), Range(5.0, 20.0))
    struck = struck_replicas(scenario.components[name].replicas, u("replicas"))
    found = []
    for turn in range(3 + int(u("turns") * 4.0)):
        ill_s = Range(4.0, 15.0).at(u(f"ill {turn}"))
        found.append(
            Fault(kind, name, None, struck, start_s, duration_s=ill_s, parameters=parameters)
        )
        start_s = round(start_s + ill_s + Range(4.0, 15.0).at(u(f"well {turn}")), 3)
    return found


def _cascade(scenario: Scenario, start_s: float, u: Uniform) -> list[Fault]:
    """A component deep below slows down while more load comes: its callers' workers are held."""
    name = pick(_deep(scenario), u("target"))
    lasts_s = LASTS_S.at(u("duration"))
    slow = {"factor": Range(6.0, 25.0).at(u("factor"))}
    more = {"factor": Range(1.2, 1.6).at(u("load"))}
    return [
        Fault("slow", name, None, 0, start_s, duration_s=lasts_s, parameters=slow),
        Fault("load_spike", None, None, 0, start_s, duration_s=lasts_s, parameters=more),
    ]


def _zone(scenario: Scenario, start_s: float, u: Uniform) -> list[Fault]:
    """A third of the replicas of most components, at (nearly) the same time."""
    sort = u("what")
    lasts_s = LASTS_S.at(u("duration"))
    found = []
    for name in _services(scenario):
        replicas = scenario.components[name].replicas
        here = u(f"in the zone {name}") < (IN_THE_ZONE if replicas > 1 else IN_THE_ZONE / ZONES)
        if not here:
            continue
        at_s = round(start_s + SPREAD_S.at(u(f"spread {name}")), 3)
        struck = math.ceil(replicas / ZONES)
        if sort < 0.5:
            by_itself = float(u("by itself") < RESTARTS_BY_ITSELF)
            own = {"restarts_by_itself": by_itself}
            found.append(Fault("crash", name, None, struck, at_s, until="restart", parameters=own))
        elif sort < 0.75:
            found.append(Fault("hang", name, None, struck, at_s, until="restart"))
        else:
            slow = {"factor": Range(4.0, 15.0).at(u("factor"))}
            found.append(
                Fault("slow", name, None, struck, at_s, duration_s=lasts_s, parameters=slow)
            )
    if found:
        return found
    return [Fault("hang", pick(_services(scenario), u("alone")), None, 1, start_s, until="restart")]


def _near_its_limit(scenario: Scenario, u: Uniform) -> Scenario:
    return loaded(scenario, NEAR_ITS_LIMIT.at(u("near its limit")))


def _trigger(scenario: Scenario, start_s: float, u: Uniform) -> list[Fault]:
    """A few seconds that are over by themselves; what they leave behind may not be."""
    name = busiest(scenario)
    lasts_s = TRIGGER_S.at(u("duration"))
    sort = u("what")
    if sort < 0.4:
        return [Fault("hang", name, None, 0, start_s, duration_s=lasts_s)]
    if sort < 0.7:
        slow = {"factor": Range(3.0, 8.0).at(u("factor"))}
        return [Fault("slow", name, None, 0, start_s, duration_s=lasts_s, parameters=slow)]
    more = {"factor": Range(2.0, 4.0).at(u("factor"))}
    return [Fault("load_spike", None, None, 0, start_s, duration_s=lasts_s, parameters=more)]


def _lies(scenario: Scenario, u: Uniform) -> Scenario:
    """What agents are shown is late and noisy, everywhere."""
    lag_s = Range(2.0, 15.0).at(u("lag"))
    noise = Range(0.1, 0.5).at(u("noise"))
    return replace(
        scenario,
        components={
            name: c if c.kind == "client" else replace(c, metric_lag_s=lag_s, metric_noise=noise)
            for name, c in scenario.components.items()
        },
    )


BEHIND_LIES = ("crash", "hang", "error", "slow")


def _unseen(scenario: Scenario, start_s: float, u: Uniform) -> list[Fault]:
    """A plain fault behind bad telemetry."""
    return [draw_fault(scenario, start_s, pick(BEHIND_LIES, u("kind")), None, u)]


_A_COMPONENT = "a component that the load reaches"
COMPOSED: dict[str, Composed] = {
    "partial": Composed(
        "one replica of several errs or is slow, while its probes pass (gray)",
        f"{_A_COMPONENT}, with two replicas or more",
        lambda scenario: bool(_services(scenario, 2)),
        _partial,
    ),
    "flapping": Composed(
        "errors or slow work that come and go, three to six times",
        _A_COMPONENT,
        lambda scenario: bool(_services(scenario)),
        _flapping,
    ),
    "cascade": Composed(
        "a component deep below slows down while more load comes, so that callers wait",
        "an edge between two components that the load reaches",
        lambda scenario: bool(_deep(scenario)),
        _cascade,
    ),
    "correlated_zone": Composed(
        "a third of the replicas of most components crash, hang or slow down within 5 s",
        _A_COMPONENT,
        lambda scenario: bool(_services(scenario)),
        _zone,
    ),
    "metastable_trigger": Composed(
        "a stall, slowness or spike of 5 to 15 s, on a system at 65 to 85 % of its capacity",
        "a workload",
        lambda scenario: bool(targets(scenario, "load_spike")),
        _trigger,
        _near_its_limit,
    ),
    "bad_telemetry": Composed(
        "a crash, hang, errors or slow work while all metrics are 2 to 15 s late and noisy",
        _A_COMPONENT,
        lambda scenario: bool(_services(scenario)),
        _unseen,
        _lies,
    ),
}
"""Every composed family, by name."""
