"""Gathers the spans of trace files, for the importer and for `hms calibrate`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
"""Held at once, about 400 MB; what comes after them is left out, and said."""

SUFFIXES = (".json", ".jsonl", ".ndjson")
_ARRAYS = ("resourceSpans", "data")


@dataclass(slots=True)
class Recorded:
    """Spans up to a limit.

    Attributes:
        source: the files, for messages and places.
        spans: by key.
        unreadable, doubled: how many were left out for it.
        full: there are more than `MOST_SPANS`.
        dependencies: there were counts of calls, as Jaeger's dependencies have.
    """

    source: str = ""
    spans: dict[int, Span] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    unreadable: int = 0
    doubled: int = 0
    full: bool = False
    dependencies: bool = False

    def keep(self, span: Span | None) -> None:
        """Count one span, and add it where it can be read, is new and finds room."""
        if span is None:
            self.unreadable += 1
        elif span.key in self.spans:
            self.doubled += 1
        elif len(self.spans) >= MOST_SPANS:
            self.full = True
        else:
            self.spans[span.key] = span

    def left_out(self) -> Iterable[str]:
        """Notes for the user on spans that are in the files and not here."""
        if self.full:
            yield f"more than {MOST_SPANS:,} spans: the first {MOST_SPANS:,} are taken"
        if self.unreadable or self.doubled:
            yield (
                f"left out: {self.unreadable} spans that cannot be read, "
                f"{self.doubled} that are there twice"
            )


def read_spans(paths: Sequence[str | Path]) -> Recorded:
    """The spans of all files: OTLP as JSON (a document or lines), or Jaeger's JSON.

    Raises:
        ManifestError: a file is no JSON or too large, or no file holds spans.
    """
    files = list_files(paths, SUFFIXES)
    first = cited_as(files[0], paths)
    found = Recorded(first + (f" and {len(files) - 1} more" if len(files) > 1 else ""))
    for file in files:
        _read(file, cited_as(file, paths), found)
        if found.full:
            break
    if not found.spans:
        raise _no_spans(found, first)
    return found


def _read(path: Path, name: str, found: Recorded) -> None:
    for _, item in stream(path, name, _ARRAYS):
        inside = [each for key in _ARRAYS for each in items(item, key)]
        for entry in inside or [item]:
            for span in _spans(entry, found):
                found.keep(span)
                if found.full:
                    return


def _spans(entry: Any, found: Recorded) -> Iterable[Span | None]:
    """The spans of an entry of `resourceSpans`, or of a trace of Jaeger's."""
    for key in ("scopeSpans", "instrumentationLibrarySpans"):
        if at(entry, key) is not None:
            return otlp_spans(entry, found.names)
    if at(entry, "spans") is not None:
        return jaeger_spans(entry, found.names)
    found.dependencies |= at(entry, "callCount") is not None
    return ()


def _no_spans(found: Recorded, name: str) -> ManifestError:
    if found.dependencies:
        what = "Jaeger's dependencies, not traces"
        return ManifestError([Problem((), what, "the format `jaeger` for it")], name)
    bad = f" ({found.unreadable} that cannot be read)" if found.unreadable else ""
    expected = "OTLP JSON (`resourceSpans`) or Jaeger's (`data: [{spans, processes}]`)"
    return ManifestError([Problem((), f"no spans{bad}", expected)], name)
