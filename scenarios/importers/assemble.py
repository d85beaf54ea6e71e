"""Turns what an importer found into a scenario: names of sources, guesses, load, promise.

Facts come first, an overlay is laid over them, and only then the load is chosen, so that an
overlay may supply the edges that manifests do not state. What nobody stated is guessed from
`ranges.yaml` and marked so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from hms.documents import Document, Problem, load_yaml
from hms.errors import ManifestError, ScenarioError
from hms.scenarios.importers.findings import (
    RULES,
    Fact,
    Findings,
    FoundComponent,
    Place,
    kind_of,
    sends_load,
)
from hms.scenarios.importers.guesses import RANGES_FILE, Guesses, load_guesses
from hms.scenarios.load import SCHEMA, located_error, parse_scenario
from hms.scenarios.load_parts import edge_ends
from hms.scenarios.model import Component, Edge, Origin, Range, Scenario, Workload
from hms.scenarios.overlay import merge
from hms.scenarios.topology import capacity_rps, visits_per_request

_RANGES = "ranges"
_USUALLY = {"k8s": "stated", "compose": "stated", "env": "derived", "policy": "derived"}


@dataclass(frozen=True, slots=True)
class Import:
    """A scenario read from foreign files, and what the user should know about it."""

    scenario: Scenario
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """What the user says about the files: the scenario's name, and their version."""

    name: str
    repository: str = ""
    commit: str = ""


def assemble(
    findings: Findings,
    labels: Labels,
    overlays: Sequence[str | Path] = (),
    ranges: str | Path = RANGES_FILE,
) -> Import:
    """A scenario from findings, with guesses for what nobody stated.

    Raises:
        ManifestError: there are no components, or no edges and no overlay that supplies them.
        ScenarioError: an overlay is wrong.
    """
    if not findings.components:
        what = "no deployments found"
        expected = "manifests with Deployment, StatefulSet, DaemonSet or Pod objects, or services"
        raise ManifestError([Problem((), what, expected)], None)
    guesses = load_guesses(ranges)
    sources = _Sources(findings, labels)
    clients = _clients(findings)
    data = _mapping(findings, guesses, sources, clients, labels)
    documents = [Document(data, "the manifests")]
    for overlay in overlays:
        documents.append(load_yaml(overlay, error=ScenarioError))
        data = merge(data, documents[-1])
    if not data["edges"]:
        raise _no_edges(findings)
    sized = "workload" not in data
    if sized:
        data["workload"] = _workload(data, findings)
    data.setdefault("slo", {load["entry"]: dict(guesses.slo) for load in data["workload"]})
    scenario, problems = parse_scenario(data)
    if scenario is None:
        raise located_error(problems, documents, data)
    if sized:
        scenario = _with_rate(scenario, guesses.busiest_utilisation)
    _say_isolated(scenario, findings)
    return Import(_without_unused_sources(scenario), tuple(findings.said))


class _Sources:
    """Names the sources of a scenario: `k8s` where one file says it all, else `k8s-<file>`."""

    def __init__(self, findings: Findings, labels: Labels) -> None:
        places = [component.place for component in findings.components.values()]
        places += [edge.place for edge in findings.edges.values()]
        for component in findings.components.values():
            facts = [*component.facts.values(), *component.probes.values()]
            places += [fact.place for fact in facts]
        files: dict[str, list[str]] = {}
        for place in places:
            known = files.setdefault(place.rule, [])
            if place.file not in known:
                known.append(place.file)
        self._names: dict[tuple[str, str], str] = {}
        self.entries: dict[str, dict[str, str]] = {}
        for rule, names in files.items():
            for file in names:
                self._add(rule, file, len(names) == 1, labels)
        self.entries[_RANGES] = {"file": "ranges.yaml", "sure": "guessed"}

    def _add(self, rule: str, file: str, alone: bool, labels: Labels) -> None:
        slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", PurePosixPath(file).stem)[:48]
        name = rule if alone else f"{rule}-{slug}"
        number = 2
        while name in self.entries:
            name, number = f"{rule}-{slug}-{number}", number + 1
        self._names[rule, file] = name
        entry = {
            "file": file,
            "rule": RULES[rule],
            "repository": labels.repository,
            "commit": labels.commit,
            "sure": _USUALLY[rule],
        }
        self.entries[name] = {key: value for key, value in entry.items() if value}

    def origin(self, place: Place) -> dict[str, str]:
        """`from`, and `sure` where it is not as usual for the source."""
        name = self._names[place.rule, place.file]
        entry = {"from": f"{name}:{place.line}" if place.line else name}
        return entry | ({"sure": place.sure} if place.sure else {})

    def node(self, fact: Fact) -> dict[str, Any]:
        """A value with its origin."""
        return {"is": fact.value} | self.origin(fact.place)


def _clients(findings: Findings) -> set[str]:
    """Components that call, are called by nobody, have no service name, and are named so."""
    callers = {caller for caller, _ in findings.edges}
    callees = {callee for _, callee in findings.edges}
    return {
        name
        for name, component in findings.components.items()
        if name in callers - callees and not component.callable_ and sends_load(component)
    }


def _mapping(
    findings: Findings,
    guesses: Guesses,
    sources: _Sources,
    clients: set[str],
    labels: Labels,
) -> dict[str, Any]:
    """The scenario's mapping without load and promise."""
    components: dict[str, Any] = {}
    for name, component in findings.components.items():
        if name in clients:
            components[name] = {"kind": "client"} | sources.origin(component.place)
        else:
            components[name] = _component(component, guesses, sources)
    edges: dict[str, Any] = {}
    for edge in sorted(
        findings.edges.values(), key=lambda e: (e.caller not in clients, e.caller, e.callee)
    ):
        guessed = guesses.client if edge.caller in clients else guesses.edge
        entry: dict[str, Any] = dict(sources.origin(edge.place))
        entry |= {"protocol": edge.protocol} if edge.protocol else {}
        edges[f"{edge.caller} -> {edge.callee}"] = entry | _guessed(guessed)
    return {
        "schema": SCHEMA,
        "name": labels.name,
        "sources": dict(sources.entries),
        "components": components,
        "edges": edges,
    }


def _component(component: FoundComponent, guesses: Guesses, sources: _Sources) -> dict[str, Any]:
    """Facts over guesses, for one component."""
    kind = kind_of(component)
    entry: dict[str, Any] = dict(sources.origin(component.place))
    entry |= {"kind": kind} if kind != "service" else {}
    entry |= _guessed(guesses.components[kind])
    entry |= {key: sources.node(fact) for key, fact in component.facts.items()}
    limit = component.facts.get("memory_limit_mb")
    if limit is not None:
        idle_mb = round(limit.value * guesses.idle_share[kind], 6)
        entry["memory_mb"] = {"is": idle_mb, "from": _RANGES}
    for name, fact in component.probes.items():
        probe = fact.value
        entry[name] = {
            "kind": probe.kind,
            "period_s": probe.period_s,
            "timeout_s": probe.timeout_s,
            "failures": probe.failures,
            "initial_delay_s": probe.initial_delay_s,
        } | sources.origin(fact.place)
    return entry


def _guessed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of `ranges.yaml`, each with that origin."""
    return {
        key: (dict(value) if isinstance(value, dict) else {"is": value}) | {"from": _RANGES}
        for key, value in values.items()
    }


def _no_edges(findings: Findings) -> ManifestError:
    """What to supply when nothing says who calls whom."""
    names = ", ".join(list(findings.components)[:6])
    count = len(findings.components)
    what = f"{count} components ({names}{', …' if count > 6 else ''}), but no calls between them"
    expected = (
        "addresses in environment variables (CART_ADDR: cart:7070), NetworkPolicies (add their "
        "folder to the command), or the edges in a file for --overlay:\n"
        f"        schema: {SCHEMA}\n        edges: {{a -> b: {{protocol: http}}}}"
    )
    hints = [note for note in findings.said if "hint" in note]
    return ManifestError([Problem((), "; ".join([what, *hints]), expected)], None)


def _workload(data: Mapping[str, Any], findings: Findings) -> list[dict[str, Any]]:
    """Who sends load where: the clients found, else people outside who use the entry."""
    calls = [ends for ends in map(edge_ends, data["edges"]) if ends is not None]
    components = data["components"]
    clients = [name for name, entry in components.items() if _is_client(entry)]
    loads = [(caller, callee) for caller, callee in calls if caller in clients]
    rate = {"is": 1.0, "from": _RANGES}
    if loads:
        return [{"entry": entry, "client": name, "rate_rps": rate} for name, entry in loads]
    entry = _entry(calls, list(components), findings)
    findings.say(f"no load generator found: people outside are taken to use `{entry}`")
    return [{"entry": entry, "rate_rps": rate}]


def _is_client(entry: Any) -> bool:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    return (kind.get("is") if isinstance(kind, dict) else kind) == "client"


def _entry(calls: Sequence[tuple[str, str]], names: Sequence[str], findings: Findings) -> str:
    """The component that people use: it faces outside or is called by nobody, and reaches most."""
    callees = {callee for _, callee in calls}
    exposed = [n for n in names if n in findings.components and findings.components[n].exposed]
    callers = [name for name in names if any(caller == name for caller, _ in calls)]
    roots = [name for name in callers if name not in callees]
    candidates = [n for n in exposed if n in callers] or roots or callers
    return max(candidates, key=lambda name: (len(_below(name, calls)), -names.index(name)))


def _below(name: str, calls: Sequence[tuple[str, str]]) -> set[str]:
    """All that a component calls, directly or not."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        caller = ahead.pop()
        new = {callee for c, callee in calls if c == caller} - found
        found |= new
        ahead.extend(new)
    return found


def _say_isolated(scenario: Scenario, findings: Findings) -> None:
    """A note on components that nothing calls and that call nothing."""
    linked = {name for edge in scenario.edges for name in (edge.caller, edge.callee)}
    alone = [f"`{name}`" for name in scenario.components if name not in linked]
    if alone:
        findings.say(f"nothing here says who calls {', '.join(alone)}")


def _with_rate(scenario: Scenario, busiest: Range) -> Scenario:
    """The scenario at a rate that uses the given share of its busiest component."""
    visits = visits_per_request(scenario)
    most_rps = min(
        capacity_rps(scenario.components[name]) / visit
        for name, visit in visits.items()
        if visit > 0.0 and scenario.components[name].kind != "client"
    )
    each_rps = most_rps / len(scenario.workload)
    low, high = (float(f"{share * each_rps:.2g}") for share in (busiest.low, busiest.high))
    rate = Range(low, high) if high > low else low
    origins = {"rate_rps": Origin(_RANGES, 0, "guessed")}
    loads = [replace(load, rate_rps=rate, origins=origins) for load in scenario.workload]
    return replace(scenario, workload=tuple(loads))


def _without_unused_sources(scenario: Scenario) -> Scenario:
    """The scenario with only those sources that something came from."""
    holders: list[Component | Edge | Workload] = [
        *scenario.components.values(),
        *scenario.edges,
        *scenario.workload,
    ]
    used = {origin.source for holder in holders for origin in holder.origins.values()}
    sources = {name: source for name, source in scenario.sources.items() if name in used}
    return replace(scenario, sources=sources)
