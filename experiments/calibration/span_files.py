"""Reads spans with the replica that each was recorded at, by the importers' readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hms.documents import Problem
from hms.errors import ManifestError
from hms.scenarios.importers.files import cited_as, list_files
from hms.scenarios.importers.json_stream import stream
from hms.scenarios.importers.kubernetes_objects import at, items
from hms.scenarios.importers.spans import Names, Span, jaeger_spans, otlp_spans

MOST_SPANS = 1_000_000
SUFFIXES = (".json", ".jsonl", ".ndjson")
ARRAYS = ("resourceSpans", "data")
REPLICA = ("service.instance.id", "k8s.pod.name", "k8s.pod.uid", "host.name", "hostname", "ip")
"""Attributes that tell replicas of a service apart, the surest first."""


@dataclass(slots=True)
class Recorded:
    """Spans by key.

    Attributes:
        names: services by number.
        replicas: by span's key, a number for its replica; the same for all where none is told.
        left_out: spans beyond `MOST_SPANS`.
    """

    spans: dict[int, Span] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    replicas: dict[int, int] = field(default_factory=dict)
    left_out: int = 0
    _known: dict[str, int] = field(default_factory=dict)

    def keep(self, span: Span | None, replica: str) -> None:
        """Add one span; one that cannot be read, or is there twice, adds nothing."""
        if span is None or span.key in self.spans:
            return
        if len(self.spans) >= MOST_SPANS:
            self.left_out += 1
            return
        self.spans[span.key] = span
        self.replicas[span.key] = self._known.setdefault(replica, len(self._known))


def read_recorded(paths: Sequence[str | Path]) -> Recorded:
    """The spans of all files.

    Raises:
        ManifestError: a file is no JSON or too large, or no file holds spans.
    """
    found = Recorded()
    files = list_files(paths, SUFFIXES)
    for file in files:
        for key, item in stream(file, cited_as(file, paths), ARRAYS):
            if key == "resourceSpans" or at(item, "scopeSpans") is not None:
                replica = _replica(_otlp_attributes(at(item, "resource", "attributes")))
                for span in otlp_spans(item, found.names):
                    found.keep(span, replica)
            elif at(item, "spans") is not None:
                _jaeger(item, found)
    if not found.spans:
        expected = "OTLP JSON (`resourceSpans`) or Jaeger's (`data: [{spans, processes}]`)"
        raise ManifestError([Problem((), "no spans in it", expected)], str(paths[0]))
    return found


def _jaeger(trace: Any, found: Recorded) -> None:
    """One trace; which process a span is of says the replica."""
    processes = at(trace, "processes")
    for data, span in zip(items(trace, "spans"), jaeger_spans(trace, found.names), strict=True):
        process = at(data, "process") or at(processes, str(at(data, "processID")))
        tags = {
            str(tag.get("key")): tag.get("value")
            for tag in items(process, "tags")
            if isinstance(tag, Mapping)
        }
        found.keep(span, _replica(tags))


def _replica(attributes: Mapping[str, Any]) -> str:
    return next((str(attributes[key]) for key in REPLICA if attributes.get(key)), "")


def _otlp_attributes(data: Any) -> dict[str, Any]:
    """OTLP's list of {key, value: {stringValue}} as a mapping."""
    found: dict[str, Any] = {}
    for entry in data if isinstance(data, list) else ():
        key, value = at(entry, "key"), at(entry, "value")
        if isinstance(key, str) and isinstance(value, Mapping):
            found[key] = next(iter(value.values()), None)
    return found
