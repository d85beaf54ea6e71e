"""Chooses what manifests never say of the load: who sends it, where to, and how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hms.scenarios.importers.findings import Findings
from hms.scenarios.importers.scenario_sources import RANGES
from hms.scenarios.load_parts import edge_ends
from hms.scenarios.model import Origin, Range, Scenario
from hms.scenarios.topology import capacity_rps, visits_per_request

_SELDOM = 40
_MOST_LOOKED_AT = 1000
"""Candidates for the entry: each is looked at by a walk over all that it reaches."""


def workload(data: Mapping[str, Any], findings: Findings) -> list[dict[str, Any]]:
    """Who sends load where: the clients found, else people outside who use the entry."""
    calls = [ends for ends in map(edge_ends, data["edges"]) if ends is not None]
    components = data["components"]
    clients = [name for name, entry in components.items() if is_client(entry)]
    loads = [(caller, callee) for caller, callee in calls if caller in clients]
    rate = {"is": 1.0, "from": RANGES}
    if loads:
        return [{"entry": entry, "client": name, "rate_rps": rate} for name, entry in loads]
    if not calls:  # no name can be used; reading the scenario says so
        return []
    entry = _entry(calls, list(components), findings)
    findings.say(f"no load generator found: people outside are taken to use `{entry}`")
    return [{"entry": entry, "rate_rps": rate}]


def is_client(entry: Any) -> bool:
    """Whether a component of a scenario file only sends load."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    return (kind.get("is") if isinstance(kind, dict) else kind) == "client"


def _entry(calls: Sequence[tuple[str, str]], names: Sequence[str], findings: Findings) -> str:
    """The component that people use: it faces outside or is called by nobody, and reaches most."""
    callees_of: dict[str, list[str]] = {}
    for caller, callee in calls:
        callees_of.setdefault(caller, []).append(callee)
    called = {callee for _, callee in calls}
    exposed = [n for n in names if n in findings.components and findings.components[n].exposed]
    callers = [name for name in names if name in callees_of]
    roots = [name for name in callers if name not in called]
    candidates = [n for n in exposed if n in callees_of] or roots or callers
    place = {name: index for index, name in enumerate(names)}
    most = candidates[:_MOST_LOOKED_AT]
    return max(most, key=lambda name: (len(_below(name, callees_of)), -place[name]))


def _below(name: str, callees_of: Mapping[str, Sequence[str]]) -> set[str]:
    """All that a component calls, directly or not."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        new = set(callees_of.get(ahead.pop(), ())) - found
        found |= new
        ahead.extend(new)
    return found


def with_rate(scenario: Scenario, busiest: Range) -> Scenario:
    """The scenario at a rate that uses the given share of its busiest component.

    The shares hold at the middle of all other ranges. Where calls multiply along a deep path,
    draws differ more than the shares allow for: then the upper rate is lowered, until at most
    one draw in forty is overloaded before anything fails.
    """
    most_rps = _most_rps(scenario) / len(scenario.workload)
    low, high = busiest.low * most_rps, busiest.high * most_rps
    high = min(high, max(low, _seldom_overloaded_rps(scenario, low)))
    low, high = (float(f"{rate:.2g}") for rate in (low, high))
    rate = Range(low, high) if high > low else low
    origins = {"rate_rps": Origin(RANGES, 0, "guessed")}
    loads = [replace(load, rate_rps=rate, origins=origins) for load in scenario.workload]
    return replace(scenario, workload=tuple(loads))


def _most_rps(scenario: Scenario) -> float:
    """What all loads together may offer before the busiest component is full, at midpoints."""
    visits = visits_per_request(scenario)
    return min(
        capacity_rps(scenario.components[name]) / visit
        for name, visit in visits.items()
        if visit > 0.0 and scenario.components[name].kind != "client"
    )


def _seldom_overloaded_rps(scenario: Scenario, low: float) -> float:
    """The upper rate of each load at which one draw in forty is overloaded.

    A draw at u of the way from `low` to the upper rate r is, where low + u (r - low) is above
    what that draw bears.
    """
    from hms.scenarios.importers.headroom import full_rps, uniforms

    bears_rps = full_rps(scenario) / len(scenario.workload)
    u = uniforms("rate").clip(min=1e-9)
    upper = sorted(low + (bears_rps - low) / u)
    return float(upper[len(upper) // _SELDOM - 1])
