"""The dependency graph of a scenario: order, cycles, visits, critical paths, blast radius.

Edges point from caller to callee. A cycle is legal; the edges that close one are found by a
depth-first walk from the entries in the order of names, so that the order of a file changes
nothing.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hms.scenarios.model import Component, Edge, Range, Scenario, Value

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """A chain of hard edges from an entry, and its mean time without queueing in seconds."""

    names: tuple[str, ...]
    time_s: float


def graph(scenario: Scenario) -> nx.DiGraph[str]:
    """The scenario as a graph: nodes carry `component`, edges carry `edge`."""
    import networkx as nx  # .4 s, and an engine needs `order` only

    result: nx.DiGraph[str] = nx.DiGraph()
    for name, component in scenario.components.items():
        result.add_node(name, component=component)
    for edge in scenario.edges:
        result.add_edge(edge.caller, edge.callee, edge=edge)
    return result


def middle(value: Value) -> float:
    """A quantity's value, or the middle of its range."""
    return value.midpoint if isinstance(value, Range) else value


def is_hard(edge: Edge) -> bool:
    """Whether a request fails with this call; a published message fails nobody."""
    return edge.need == "hard" and edge.mode != "publish"


def mean_calls(component: Component, edge: Edge) -> float:
    """Mean calls on an edge for one request of its caller, over endpoints and cache hits."""
    calls = middle(edge.calls)
    if component.endpoints:
        total = sum(route.weight for route in component.endpoints.values())
        routes = component.endpoints.values()
        calls = sum(r.weight * r.calls.get(edge.callee, 0.0) for r in routes) / total
    if component.cache is not None and component.cache.backing == edge.callee:
        calls *= 1.0 - component.cache.hit_rate
    return calls


def cycles(scenario: Scenario) -> list[tuple[str, ...]]:
    """Groups of components that call each other in a circle, each sorted by name."""
    import networkx as nx

    groups = nx.strongly_connected_components(graph(scenario))
    return sorted(tuple(sorted(group)) for group in groups if len(group) > 1)


def closing_edges(scenario: Scenario) -> list[tuple[str, str]]:
    """Edges without which there is no cycle; they deliver one tick later (docs/world.md)."""
    calls: dict[str, list[str]] = {name: [] for name in scenario.components}
    for edge in scenario.edges:
        calls[edge.caller].append(edge.callee)
    callees = {edge.callee for edge in scenario.edges}
    done: set[str] = set()
    closing: list[tuple[str, str]] = []
    # Callers nobody calls first: a cycle is then closed by the edge that leads back up.
    for start in sorted(calls, key=lambda name: (name in callees, name)):
        _walk(start, calls, done, closing)
    return sorted(closing)


def _walk(
    start: str, calls: Mapping[str, list[str]], done: set[str], closing: list[tuple[str, str]]
) -> None:
    """Depth-first from `start` without recursion; notes edges back into the open path."""
    if start in done:
        return
    done.add(start)
    path = [start]
    on_path = {start}
    ahead = [iter(sorted(calls[start]))]
    while path:
        callee = next(ahead[-1], None)
        if callee is None:
            on_path.discard(path.pop())
            ahead.pop()
        elif callee in on_path:
            closing.append((path[-1], callee))
        elif callee not in done:
            done.add(callee)
            path.append(callee)
            on_path.add(callee)
            ahead.append(iter(sorted(calls[callee])))


def order(scenario: Scenario) -> list[str]:
    """Components, callers before callees, else by name; edges that close a cycle do not count."""
    pairs = {(edge.caller, edge.callee) for edge in scenario.edges} - set(closing_edges(scenario))
    callees: dict[str, list[str]] = {name: [] for name in scenario.components}
    callers = dict.fromkeys(scenario.components, 0)
    for caller, callee in pairs:
        callees[caller].append(callee)
        callers[callee] += 1
    ready = sorted(name for name, count in callers.items() if count == 0)
    ordered = []
    while ready:
        ordered.append(heapq.heappop(ready))
        for callee in callees[ordered[-1]]:
            callers[callee] -= 1
            if callers[callee] == 0:
                heapq.heappush(ready, callee)
    return ordered


def evenly_spaced(scenario: Scenario) -> set[str]:
    """Components whose requests come evenly spaced, as long as nothing is retried.

    An entry of one regular load and nothing else; and what such a component calls exactly once,
    if nobody else does and its own service takes always the same time.
    """
    incoming: dict[str, list[Edge]] = {name: [] for name in scenario.components}
    for edge in scenario.edges:
        incoming[edge.callee].append(edge)
    found: set[str] = set()
    for name in order(scenario):
        loads = [load for load in scenario.workload if load.entry == name]
        inner = [e for e in incoming[name] if scenario.components[e.caller].kind != "client"]
        if len(loads) == 1 and not inner:
            even = loads[0].arrivals == "regular"
        else:
            even = not loads and len(inner) == 1 and _passes_on(inner[0], scenario, found)
        if even:
            found.add(name)
    return found


def _passes_on(edge: Edge, scenario: Scenario, even: set[str]) -> bool:
    caller = scenario.components[edge.caller]
    return edge.caller in even and edge.calls == 1.0 and caller.service_cv == 0.0


def reachable(scenario: Scenario) -> set[str]:
    """Components that the load reaches, entries among them, clients not."""
    import networkx as nx

    everything = graph(scenario)
    found: set[str] = set()
    for load in scenario.workload:
        found |= {load.entry} | nx.descendants(everything, load.entry)
    return {name for name in found if scenario.components[name].kind != "client"}


def visits_per_request(scenario: Scenario) -> dict[str, float]:
    """Mean calls to each component for one request of the load, at the middle of ranges.

    Several entries count by their share of the offered rate. Edges that close a cycle are left
    out: what they add depends on how often the circle is run, which no topology states.
    """
    visits = dict.fromkeys(scenario.components, 0.0)
    offered_rps = sum(middle(load.rate_rps) for load in scenario.workload)
    for load in scenario.workload:
        share = middle(load.rate_rps) / offered_rps if offered_rps > 0.0 else 0.0
        visits[load.entry] += share * middle(scenario.edge(load.client, load.entry).calls)
    closing = set(closing_edges(scenario))
    outgoing: dict[str, list[Edge]] = {}
    for edge in scenario.edges:
        outgoing.setdefault(edge.caller, []).append(edge)
    for name in order(scenario):
        if scenario.components[name].kind == "client":
            continue
        for edge in outgoing.get(name, ()):
            if (edge.caller, edge.callee) not in closing:
                calls = mean_calls(scenario.components[name], edge)
                visits[edge.callee] += visits[name] * calls
    return visits


def capacity_rps(component: Component) -> float:
    """Requests per second that all replicas serve at most, at the middle of the service time.

    A fraction of a core is already in the measured service time: 0.2 cores serve like one.
    """
    servers = max(1.0, math.ceil(component.cores)) * component.replicas
    return servers / middle(component.service_time_s)


def utilisation(scenario: Scenario) -> dict[str, float]:
    """Share of its capacity that each component uses at the mean rate, at midpoints."""
    offered_rps = sum(middle(load.rate_rps) for load in scenario.workload)
    visits = visits_per_request(scenario)
    return {
        name: offered_rps * visits[name] / capacity_rps(component)
        for name, component in scenario.components.items()
        if component.kind != "client"
    }


def critical_paths(scenario: Scenario) -> list[CriticalPath]:
    """For each entry, the chain of hard edges that takes longest, slowest entry first."""
    import networkx as nx

    hard = graph(scenario)
    soft = [(e.caller, e.callee) for e in scenario.edges if not is_hard(e)]
    hard.remove_edges_from(soft + closing_edges(scenario))
    time_s: dict[str, float] = {}
    following: dict[str, str] = {}
    for name in reversed(list(nx.lexicographical_topological_sort(hard))):
        component: Component = hard.nodes[name]["component"]
        own_s = 0.0 if component.kind == "client" else middle(component.service_time_s)
        below_s = 0.0
        for callee in sorted(hard.successors(name)):
            edge: Edge = hard.edges[name, callee]["edge"]
            call_s = middle(edge.calls) * (time_s[callee] + 2.0 * edge.network_s)
            if call_s > below_s:
                below_s, following[name] = call_s, callee
        time_s[name] = own_s + below_s
    entries = sorted({load.entry for load in scenario.workload})
    paths = [CriticalPath(_follow(entry, following), time_s[entry]) for entry in entries]
    return sorted(paths, key=lambda path: (-path.time_s, path.names))


def _follow(start: str, following: Mapping[str, str]) -> tuple[str, ...]:
    names = [start]
    while names[-1] in following:
        names.append(following[names[-1]])
    return tuple(names)


def blast_radius(scenario: Scenario, name: str) -> set[str]:
    """Components that cannot answer when `name` is down: its callers over hard edges, theirs, …

    Raises:
        KeyError: there is no such component.
    """
    import networkx as nx

    if name not in scenario.components:
        raise KeyError(name)
    hard = graph(scenario)
    hard.remove_edges_from([(e.caller, e.callee) for e in scenario.edges if not is_hard(e)])
    above = nx.ancestors(hard, name)
    return {caller for caller in above if scenario.components[caller].kind != "client"}
