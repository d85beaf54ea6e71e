"""Reads the section `expect` of a scenario file: what a run of it must show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hms.documents import nearest
from hms.scenarios.file_keys import EXPECT_KEYS, OPENS_AFTER, OPENS_AFTER_KEYS
from hms.scenarios.load_parts import edge_ends
from hms.scenarios.model import Edge
from hms.scenarios.read_fields import Fields, Path

PATH = ("expect",)


def read_expect(data: Any, edges: Mapping[str, Edge], reader: Fields) -> dict[str, Any]:
    """Expectations by key; `opens_after` by edge, each `{within_s: …}` or `{calls: …}`."""
    section = reader.mapping(data, PATH, "`expect`")
    reader.refuse_unknown(section, (*EXPECT_KEYS, OPENS_AFTER), PATH, "`expect`")
    found, _ = reader.fields(section, EXPECT_KEYS, PATH)
    if OPENS_AFTER in section:
        found[OPENS_AFTER] = _read_opens(section[OPENS_AFTER], edges, reader)
    return found


def _read_opens(data: Any, edges: Mapping[str, Edge], reader: Fields) -> dict[str, Any]:
    path = (*PATH, OPENS_AFTER)
    opens: dict[str, Any] = {}
    for text, node in reader.mapping(data, path, f"`{OPENS_AFTER}`").items():
        ends = edge_ends(text)
        name = f"{ends[0]} -> {ends[1]}" if ends else text
        if name not in edges:
            what = f"`{OPENS_AFTER}` of unknown edge `{text}`"
            reader.wrong((*path, text), what, "an edge, as caller -> callee", nearest(name, edges))
        opens[name] = _read_limit(node, (*path, text), reader)
    return opens


def _read_limit(node: Any, path: Path, reader: Fields) -> dict[str, Any]:
    """Seconds from the failure on, or failed calls in a row."""
    fields = reader.mapping(node, path, "when it opens")
    reader.refuse_unknown(fields, OPENS_AFTER_KEYS, path, "when it opens")
    limit, _ = reader.fields(fields, OPENS_AFTER_KEYS, path)
    if not fields:
        reader.wrong(path, "when it opens is empty", "{within_s: 5} or {calls: 20}")
    return limit
