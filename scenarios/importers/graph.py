"""Any networkx graph as a source: nodes are components, edges are calls.

Attributes that a scenario file knows (`replicas`, `cores`, `service_time_ms`, `kind`; on edges
`calls`, `timeout_ms`, `protocol`, …) are taken as stated, in the file's units. Others are named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hms.documents import Problem
from hms.errors import ManifestError
from hms.scenarios.file_keys import COMPONENT_KEYS, EDGE_KEYS, INTEGER, NUMBER, FileKey
from hms.scenarios.importers.assemble import assemble
from hms.scenarios.importers.files import cited_as, list_files
from hms.scenarios.importers.findings import (
    GRAPH,
    Fact,
    Findings,
    FoundComponent,
    FoundEdge,
    Place,
    listed,
)
from hms.scenarios.importers.graph_files import SUFFIXES, read_graph_file
from hms.scenarios.importers.ids import as_id
from hms.scenarios.importers.scenario_sources import Labels
from hms.scenarios.load import MAX_COMPONENTS
from hms.scenarios.read_fields import Fields

if TYPE_CHECKING:
    import networkx as nx

    from hms.scenarios.model import Scenario

    Graph = nx.Graph[Any]

MOST_EDGES = 200_000
_NAMES = ("name", "label")
_NOT_SAID = {"id", "key", "source", "target"}


def from_networkx(
    graph: Graph, name: str = "graph", overlays: Sequence[str | Path] = ()
) -> Scenario:
    """A scenario from a directed graph in memory: callers point to callees.

    Args:
        graph: its nodes' attributes `name` or `label`, else the nodes themselves, are the
            components' names; attributes that a scenario file knows are taken.
        name: of the scenario.
        overlays: partial scenarios laid over it.

    Raises:
        ManifestError: it is undirected, too large, without edges, or an attribute is wrong.
        ScenarioError: an overlay is wrong.
    """
    found = graph_findings(graph, Place(GRAPH, "a graph in memory", 0))
    return assemble(found, Labels(name), overlays).scenario


def read_graph(paths: Sequence[str | Path]) -> Findings:
    """The components and calls of one file.

    Raises:
        ManifestError: there is not one file, or it is wrong.
    """
    files = list_files(paths, SUFFIXES)
    if len(files) > 1:
        what = f"{len(files)} graphs ({', '.join(file.name for file in files[:4])}, …)"
        raise ManifestError([Problem((), what, "one; join others by --merge graph:FILE")], None)
    name = cited_as(files[0], paths)
    return graph_findings(read_graph_file(files[0], name), Place(GRAPH, name, 0))


def graph_findings(graph: Graph, place: Place) -> Findings:
    """What a graph says; see `from_networkx`."""
    _check(graph, place)
    reader = _Attributes(place)
    taken: dict[str, str] = {}
    ids = {node: as_id(text, taken) for node, text in _names(graph).items()}
    findings = Findings()
    for node, data in graph.nodes(data=True):
        facts = reader.facts(data, COMPONENT_KEYS, f"node `{ids[node]}`")
        findings.components[ids[node]] = FoundComponent(ids[node], place, facts=facts)
    itself = 0
    for caller, callee, data in graph.edges(data=True):
        itself += caller == callee
        where = f"edge `{ids[caller]} -> {ids[callee]}`"
        facts = reader.facts(data, EDGE_KEYS, where)
        protocol = facts.pop("protocol", None)
        _add(
            findings,
            FoundEdge(
                ids[caller], ids[callee], place, str(protocol.value) if protocol else "", facts
            ),
        )
        findings.components[ids[callee]].callable_ = True
    reader.tell(findings)
    if itself:
        findings.say(f"{itself} edges from a node to itself: dropped")
    return findings


def _add(findings: Findings, edge: FoundEdge) -> None:
    """Edges side by side (of a multigraph) become one, whose calls are those of all."""
    known = findings.edges.get((edge.caller, edge.callee))
    if known is None:
        findings.add_edge(edge)
    elif "calls" in known.facts and "calls" in edge.facts:
        own = known.facts["calls"]
        known.facts["calls"] = Fact(own.value + edge.facts["calls"].value, own.place)


def _check(graph: Graph, place: Place) -> None:
    if not graph.is_directed():
        what = "the graph is undirected: it does not say who calls whom"
        raise ManifestError([Problem((), what, "a directed graph, callers first")], place.file)
    for count, most, noun in (
        (graph.number_of_nodes(), MAX_COMPONENTS, "nodes"),
        (graph.number_of_edges(), MOST_EDGES, "edges"),
    ):
        if count > most:
            raise ManifestError([Problem((), f"{count:,} {noun}", f"at most {most:,}")], place.file)


def _names(graph: Graph) -> dict[Any, str]:
    """A text for each node: an attribute that tells all of them apart, else the node itself."""
    for key in _NAMES:
        found = {node: data.get(key) for node, data in graph.nodes(data=True)}
        texts = [text for text in found.values() if isinstance(text, str) and text]
        if len(set(texts)) == len(found):
            return {node: str(text) for node, text in found.items()}
    return {node: str(node) for node in graph.nodes}


class _Attributes:
    """Reads attributes, and remembers what could not be used."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._unknown: dict[str, None] = {}
        self._problems: list[Problem] = []

    def facts(
        self, data: Mapping[Any, Any], keys: Mapping[str, FileKey], where: str
    ) -> dict[str, Fact]:
        """The attributes that a scenario file knows."""
        found: dict[str, Fact] = {}
        for key, value in data.items():
            spec = keys.get(str(key))
            if spec is None:
                if key not in _NOT_SAID and key not in _NAMES:
                    self._unknown[str(key)[:64]] = None
                continue
            value = _number(value, spec)
            problems: list[Problem] = []
            Fields({}, problems).scalar(value, spec, (where,))
            self._problems += [
                Problem((), f"{where}: {each.what}", each.expected, each.nearest)
                for each in problems
            ]
            found[str(key)] = Fact(value, self._place)
        return found

    def tell(self, findings: Findings) -> None:
        """Raise what is wrong, say what is not known."""
        if self._problems:
            raise ManifestError(self._problems, self._place.file)
        if self._unknown:
            names = listed(list(self._unknown))
            findings.say(f"attributes that a scenario does not know are left out: {names}")


def _number(value: Any, spec: FileKey) -> Any:
    """A number that a file wrote as a text, and a whole one as such."""
    if spec.kind not in (NUMBER, INTEGER) or isinstance(value, bool):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return value
    return int(number) if math.isfinite(number) and number.is_integer() else number
