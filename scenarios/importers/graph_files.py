"""Files that networkx writes, as graphs: untrusted, so size and kind are checked first."""

from __future__ import annotations

import ast
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from hms.documents import Problem
from hms.errors import ManifestError

if TYPE_CHECKING:
    import networkx as nx

    Graph = nx.Graph[Any]

MOST_BYTES = 64 << 20
_LONGEST_LINE = 100_000


def read_graph_file(path: Path, name: str) -> Graph:
    """The graph in a file, in the format that its ending says.

    Raises:
        ManifestError: the file is missing, too large, of an unknown ending, or not of the format
            that its ending says.
    """
    import networkx as nx

    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        what = f"a graph ends in {', '.join(_READERS)}, not `{path.suffix}`"
        if path.suffix.lower() in (".pickle", ".pkl", ".gpickle"):
            what = "a pickle runs code when it is read; write GraphML or node-link JSON instead"
        raise _refused(name, what)
    text = _text(path, name)
    wrong = (ValueError, TypeError, KeyError, AttributeError, IndexError, SyntaxError)
    try:
        return reader(text)
    except (*wrong, ParseError, nx.NetworkXException) as broken:
        told = " ".join(str(broken).split())[:160] or type(broken).__name__
        raise _refused(name, f"no {_WORDS[path.suffix.lower()]}: {told}") from None
    except (RecursionError, MemoryError):
        raise _refused(name, "nested too deep") from None


def _refused(name: str, what: str) -> ManifestError:
    return ManifestError([Problem((), what)], name)


def _text(path: Path, name: str) -> str:
    try:
        with open(path, "rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as refused:
        raise _refused(name, f"cannot be read: {refused.strerror or refused}") from None
    if len(raw) > MOST_BYTES:
        raise _refused(name, f"more than {MOST_BYTES >> 20} MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(name, "not UTF-8 text") from None


def _json(text: str) -> Graph:
    """Node-link data (`links` or `edges`) or adjacency data; directed unless it says otherwise."""
    import networkx as nx

    data = json.loads(text, parse_constant=_no_number)
    if not isinstance(data, dict):
        raise ValueError("an object with `nodes` and `links` is expected")
    if "adjacency" in data:
        return nx.adjacency_graph(data, directed=True, multigraph=False)
    if "nodes" not in data or not {"links", "edges"} & data.keys():
        raise ValueError("`nodes` and `links` (or `edges`) are expected")
    key = "links" if "links" in data else "edges"
    return nx.node_link_graph(data, directed=True, multigraph=False, edges=key)


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _xml(text: str) -> io.BytesIO:
    """The text for an XML parser; entities are refused, they can grow without bound."""
    if "<!doctype" in text.lower() or "<!entity" in text.lower():
        raise ValueError("a document type or entities are not allowed")
    return io.BytesIO(text.encode("utf-8"))


def _graphml(text: str) -> Graph:
    import networkx as nx

    return nx.read_graphml(_xml(text), node_type=str)


def _gexf(text: str) -> Graph:
    import networkx as nx

    return nx.read_gexf(_xml(text), node_type=str)


def _lines(text: str) -> list[str]:
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    if any(len(line) > _LONGEST_LINE for line in lines):
        raise ValueError(f"a line of more than {_LONGEST_LINE:,} letters")
    return [line for line in lines if line]


def _edge_list(text: str) -> Graph:
    """`caller callee`, then nothing, a number (calls) or networkx's dictionary of attributes."""
    import networkx as nx

    graph: Graph = nx.DiGraph()
    for line in _lines(text):
        parts = line.replace(",", " ", 2).split(None, 2) if "{" not in line else line.split(None, 2)
        if len(parts) < 2:
            raise ValueError(f"`{line[:40]}` names one end only")
        graph.add_edge(parts[0], parts[1], **_attributes(parts[2:]))
    return graph


def _attributes(rest: Sequence[str]) -> dict[str, Any]:
    if not rest:
        return {}
    if not rest[0].startswith("{"):
        return {"calls": float(rest[0])}
    found = ast.literal_eval(rest[0][:_LONGEST_LINE])
    if not isinstance(found, dict):
        raise ValueError(f"`{rest[0][:40]}` is no dictionary")
    return {str(key): value for key, value in found.items()}


def _adjacency_list(text: str) -> Graph:
    import networkx as nx

    graph: Graph = nx.parse_adjlist(_lines(text), create_using=nx.DiGraph)
    return graph


_READERS: dict[str, Callable[[str], Graph]] = {
    ".json": _json,
    ".graphml": _graphml,
    ".xml": _graphml,
    ".gexf": _gexf,
    ".edgelist": _edge_list,
    ".edges": _edge_list,
    ".csv": _edge_list,
    ".adjlist": _adjacency_list,
}
SUFFIXES = tuple(_READERS)
_WORDS = {
    ".json": "node-link JSON",
    ".graphml": "GraphML",
    ".xml": "GraphML",
    ".gexf": "GEXF",
    ".edgelist": "edge list",
    ".edges": "edge list",
    ".csv": "edge list",
    ".adjlist": "adjacency list",
}
