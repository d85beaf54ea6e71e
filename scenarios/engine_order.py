"""In which order an engine has components and edges, and which route each edge belongs to.

Callers before callees, ties by name, so that the order of a file changes nothing. Clients come
first; each workload is one client with one edge. Of a component's edges those that publish are
last; with endpoints each endpoint has edges of its own, one after another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hms.scenarios import topology
from hms.scenarios.model import Component, Edge, Scenario

PUBLISH = "publish"
CLIENT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Route:
    """An edge as an engine has it.

    Attributes:
        origin: (caller, callee) as the file names them.
        weight: share of the caller's requests that come this way.
        start: whether it is the first call of an endpoint.
    """

    edge: Edge
    origin: tuple[str, str]
    weight: float = 1.0
    start: bool = False


def client_name(index: int, scenario: Scenario) -> str:
    """The engine's name of a workload's client."""
    load = scenario.workload[index]
    same = sum(1 for other in scenario.workload if other.client == load.client)
    name = load.client or "outside"
    return name if same == 1 and name != load.entry else f"{name}#{index}"


def engine_order(scenario: Scenario) -> tuple[list[str], list[Edge]]:
    """Names of components and edges in the engine's order; a workload's edge comes first."""
    names, routes = engine_routes(scenario)
    return names, [route.edge for route in routes]


def engine_routes(scenario: Scenario) -> tuple[list[str], list[Route]]:
    """The same with the route of each edge."""
    clients = [client_name(i, scenario) for i in range(len(scenario.workload))]
    names = [n for n in topology.order(scenario) if scenario.components[n].kind != "client"]
    place = {name: i for i, name in enumerate(names)}
    own: dict[str, list[Edge]] = {name: [] for name in names}
    by_name: dict[tuple[str, str], Edge] = {}
    for edge in scenario.edges:
        by_name[edge.caller, edge.callee] = edge
        if edge.caller in place and edge.callee in place:
            own[edge.caller].append(edge)
    routes = [_client_route(scenario, i, client, by_name) for i, client in enumerate(clients)]
    for name in names:
        own[name].sort(key=lambda e: (e.mode == PUBLISH, e.callee))
        routes += _routes(scenario.components[name], own[name])
    return clients + names, routes


def _client_route(
    scenario: Scenario, index: int, client: str, by_name: dict[tuple[str, str], Edge]
) -> Route:
    load = scenario.workload[index]
    ends = (load.client, load.entry)
    edge = by_name.get(ends)
    if edge is None:
        return Route(Edge(client, load.entry, timeout_s=CLIENT_TIMEOUT_S), ends)
    return Route(replace(edge, caller=client, calls=1.0), ends)


def _routes(component: Component, edges: list[Edge]) -> Iterator[Route]:
    """The edges of one component."""
    waited = [edge for edge in edges if edge.mode != PUBLISH]
    if not component.endpoints:
        yield from (Route(edge, (edge.caller, edge.callee)) for edge in waited)
    total = sum(route.weight for route in component.endpoints.values())
    for _, endpoint in sorted(component.endpoints.items()):
        start = True
        for edge in waited:
            calls = endpoint.calls.get(edge.callee, 0.0)
            if calls > 0.0:
                ends = (edge.caller, edge.callee)
                yield Route(replace(edge, calls=calls), ends, endpoint.weight / total, start)
                start = False
    for edge in edges[len(waited) :]:
        calls = topology.mean_calls(component, edge)
        sent = edge if not component.endpoints else replace(edge, calls=calls)
        yield Route(sent, (edge.caller, edge.callee))
