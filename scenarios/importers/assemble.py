"""Turns what an importer found into a scenario: names of sources, guesses, load, promise.

Facts come first, an overlay is laid over them, and only then the load is chosen, so that an
overlay may supply the edges that manifests do not state. Today's settings are stated of a callee
(Istio's are), so they too are put on its edges after the overlay. What nobody stated is guessed
from `ranges.yaml` and marked so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hms.documents import Document, Problem, load_yaml
from hms.errors import ManifestError, ScenarioError
from hms.scenarios.file_keys import COMPONENT_TODAY
from hms.scenarios.importers.findings import (
    Conflict,
    Findings,
    FoundComponent,
    FoundEdge,
    kind_of,
    listed,
    sends_load,
)
from hms.scenarios.importers.guesses import RANGES_FILE, Guesses, load_guesses
from hms.scenarios.importers.load_guess import is_client, with_rate, workload
from hms.scenarios.importers.scenario_sources import RANGES, Labels, Sources
from hms.scenarios.load import SCHEMA, located_error, parse_scenario
from hms.scenarios.load_parts import edge_ends
from hms.scenarios.model import Component, Edge, Scenario, Workload
from hms.scenarios.overlay import merge

__all__ = ["Import", "Labels", "assemble"]


@dataclass(frozen=True, slots=True)
class Import:
    """A scenario read from foreign files, and what the user should know about it.

    Attributes:
        said: what was dropped, guessed or taken as only a hint.
        conflicts: where two sources disagreed, and which was taken.
        joined: names of one source that were taken for names of another.
    """

    scenario: Scenario
    said: tuple[str, ...]
    conflicts: tuple[Conflict, ...] = ()
    joined: tuple[str, ...] = ()


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
    sources = Sources(findings, labels)
    data = _mapping(findings, guesses, sources, labels)
    documents = [Document(data, "the manifests")]
    for overlay in overlays:
        documents.append(load_yaml(overlay, error=ScenarioError))
        data = merge(data, documents[-1])
    if not data["edges"]:
        raise _no_edges(findings)
    _put_settings(data, findings, sources)
    sized = "workload" not in data
    if sized:
        data["workload"] = workload(data, findings)
    data.setdefault("slo", {load["entry"]: dict(guesses.slo) for load in data["workload"]})
    scenario, problems = parse_scenario(data)
    if scenario is None:
        raise located_error(problems, documents, data)
    if sized:
        scenario = with_rate(scenario, guesses.busiest_utilisation)
    _say_isolated(scenario, findings)
    return Import(
        _without_unused_sources(scenario),
        tuple(findings.said),
        tuple(findings.conflicts),
        tuple(findings.joined),
    )


def _clients(findings: Findings) -> set[str]:
    """Components that call, are called by nobody, have no service name, and are named so."""
    callers = {caller for caller, _ in findings.edges}
    callees = {callee for _, callee in findings.edges}
    return {
        name
        for name, component in findings.components.items()
        if kind_of(component) == "client"
        or (name in callers - callees and not component.callable_ and sends_load(component))
    }


def _mapping(
    findings: Findings, guesses: Guesses, sources: Sources, labels: Labels
) -> dict[str, Any]:
    """The scenario's mapping without load and promise."""
    clients = _clients(findings)
    components: dict[str, Any] = {}
    for name, component in findings.components.items():
        if name in clients:
            components[name] = {"kind": "client"} | sources.origin(component.place)
        else:
            components[name] = _component(component, guesses, sources)
    in_order = sorted(
        findings.edges.values(), key=lambda e: (e.caller not in clients, e.caller, e.callee)
    )
    edges = {
        f"{edge.caller} -> {edge.callee}": _edge(
            edge, guesses.client if edge.caller in clients else guesses.edge, sources
        )
        for edge in in_order
    }
    return {
        "schema": SCHEMA,
        "name": labels.name,
        "sources": dict(sources.entries),
        "components": components,
        "edges": edges,
    }


def _component(component: FoundComponent, guesses: Guesses, sources: Sources) -> dict[str, Any]:
    """Facts over guesses, for one component."""
    kind = kind_of(component)
    entry: dict[str, Any] = dict(sources.origin(component.place))
    entry |= {"kind": kind} if kind != "service" else {}
    entry |= _guessed(guesses.components[kind])
    entry |= {key: sources.node(fact) for key, fact in component.facts.items()}
    limit = component.facts.get("memory_limit_mb")
    if limit is not None and "memory_mb" not in component.facts:
        idle_mb = round(limit.value * guesses.idle_share[kind], 6)
        entry["memory_mb"] = {"is": idle_mb, "from": RANGES}
    for name, fact in component.probes.items():
        probe = fact.value
        entry[name] = {
            "kind": probe.kind,
            "period_s": probe.period_s,
            "timeout_s": probe.timeout_s,
            "failures": probe.failures,
            "initial_delay_s": probe.initial_delay_s,
        } | sources.origin(fact.place)
    return entry | ({"labels": dict(component.labels)} if component.labels else {})


def _edge(edge: FoundEdge, guessed: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
    """Facts over guesses, for one edge."""
    entry: dict[str, Any] = dict(sources.origin(edge.place))
    entry |= {"protocol": edge.protocol} if edge.protocol else {}
    entry |= _guessed(guessed)
    return entry | {key: sources.node(fact) for key, fact in edge.facts.items()}


def _guessed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of `ranges.yaml`, each with that origin."""
    return {
        key: (dict(value) if isinstance(value, dict) else {"is": value}) | {"from": RANGES}
        for key, value in values.items()
    }


def _put_settings(data: dict[str, Any], findings: Findings, sources: Sources) -> None:
    """Today's settings on the edges to their callee, or on the component they are about.

    A client has no proxy beside it, so its edges keep the caller's own time-out. What an
    overlay says itself stays.
    """
    components = data["components"]
    edges_to: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for text, entry in data["edges"].items():
        ends = edge_ends(text)
        if ends is not None and isinstance(entry, dict) and not is_client(components.get(ends[0])):
            edges_to.setdefault(ends[1], []).append((ends[0], entry))
    for settings in findings.settings:
        node = dict(settings.values) | sources.origin(settings.place)
        if settings.group in COMPONENT_TODAY:
            components[settings.callee].setdefault(settings.group, node)
            continue
        for caller, entry in edges_to.get(settings.callee, ()):
            if not settings.callers or caller in settings.callers:
                entry.setdefault(settings.group, node)


def _no_edges(findings: Findings) -> ManifestError:
    """What to supply when nothing says who calls whom."""
    names = ", ".join(list(findings.components)[:6])
    count = len(findings.components)
    what = f"{count} components ({names}{', …' if count > 6 else ''}), but no calls between them"
    expected = (
        "addresses in environment variables (CART_ADDR: cart:7070), NetworkPolicies (add their "
        "folder to the command), traces (--merge traces:FILE), or the edges in a file for "
        f"--overlay:\n        schema: {SCHEMA}\n        edges: {{a -> b: {{protocol: http}}}}"
    )
    hints = [note for note in findings.said if "hint" in note]
    return ManifestError([Problem((), "; ".join([what, *hints]), expected)], None)


def _say_isolated(scenario: Scenario, findings: Findings) -> None:
    """A note on components that nothing calls and that call nothing."""
    linked = {name for edge in scenario.edges for name in (edge.caller, edge.callee)}
    alone = [name for name in scenario.components if name not in linked]
    if alone:
        findings.say(f"nothing here says who calls {listed(alone)}")


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
