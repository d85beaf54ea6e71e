"""Where a setting stands: the manifest's file and line, else the scenario file's.

A value that came from a manifest carries that in its origin. A value that the scenario file or
an overlay writes itself has the line of its key there. What nobody wrote has the line of its
component or edge, where it would be written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hms.documents import Document
from hms.scenarios.load_parts import edge_ends
from hms.scenarios.model import ITSELF, Component, Edge, Origin, Scenario
from hms.scenarios.provenance import DEFAULT, STATED, origin_of

GUESSES = ("guessed", DEFAULT)
KUBERNETES, COMPOSE, ISTIO, SCENARIO = "kubernetes", "compose", "istio", "scenario"
_IMPORTED = {"k8s": KUBERNETES, "compose": COMPOSE, "istio": ISTIO, "mesh": ISTIO}


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file.

    Attributes:
        file: "" where nothing is known.
        line: 1-based, 0 where there is none.
        language: what is written there: kubernetes, compose, istio or scenario.
        sure: how sure the value is: stated, derived, guessed or default.
    """

    file: str = ""
    line: int = 0
    language: str = SCENARIO
    sure: str = STATED

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def is_guess(self) -> bool:
        """Whether nobody wrote the value down."""
        return self.sure in GUESSES


NOWHERE = Place()


class Places:
    """Finds the lines of one scenario.

    Args:
        scenario: as it was loaded.
        documents: its file and overlays, the last wins; none for a scenario from manifests.
    """

    def __init__(self, scenario: Scenario, documents: Sequence[Document] = ()) -> None:
        self._scenario = scenario
        self._documents = tuple(documents)

    def of(self, holder: Component | Edge, *keys: str) -> Place:
        """Where the first of these keys that anybody wrote stands, else the holder itself.

        Args:
            keys: of the scenario file: `timeout_ms`, `retry`, `liveness`, …
        """
        for key in keys:
            origin = holder.origins.get(key)
            if origin is not None and self._known(origin):
                return self._at(origin)
            written = self._line(holder, key)
            if written is not None:
                return Place(*written, sure=STATED if origin is None else origin.sure)
        return self._itself(holder)

    def written(self, *path: Any) -> Place:
        """Where a path of the scenario file stands, such as ("expect", "verdict")."""
        for document in reversed(self._documents):
            if path in document.lines:
                return Place(document.file, document.lines[path])
        return NOWHERE

    def sureness(self, holder: Component | Edge, key: str) -> str:
        """How sure one value is; a group of today's settings is stated if it is there."""
        if key in holder.origins:
            return holder.origins[key].sure
        if key in holder.today:
            return STATED
        try:
            return origin_of(holder, key).sure
        except KeyError:
            return DEFAULT

    def is_guess(self, holder: Component | Edge, key: str) -> bool:
        """Whether nobody wrote the value down."""
        return self.sureness(holder, key) in GUESSES

    def _itself(self, holder: Component | Edge) -> Place:
        origin = holder.origins.get(ITSELF)
        if origin is not None and self._known(origin):
            return self._at(origin)
        for document in reversed(self._documents):
            path = _entry_path(document, holder)
            line = document.lines.get(path) if path else None
            if line:
                return Place(document.file, line, sure=DEFAULT)
        file = self._documents[0].file if self._documents else ""
        return Place(file, sure=DEFAULT)

    def _known(self, origin: Origin) -> bool:
        source = self._scenario.sources.get(origin.source)
        return source is not None and bool(source.file) and origin.line > 0

    def _at(self, origin: Origin) -> Place:
        file = printable(self._scenario.sources[origin.source].file)
        stem = re.split(r"[-.]", origin.source)[0]
        return Place(file, origin.line, _IMPORTED.get(stem, SCENARIO), origin.sure)

    def _line(self, holder: Component | Edge, key: str) -> tuple[str, int] | None:
        """File and line of a key of the holder, or of the defaults for all holders."""
        names = (key, "probe") if key in ("liveness", "readiness") else (key,)
        section = "component" if isinstance(holder, Component) else "edge"
        for document in reversed(self._documents):
            own = _entry_path(document, holder)
            paths = [(*own, name) for name in names if own]
            paths += [("defaults", section, name) for name in names]
            for path in paths:
                if path in document.lines:
                    return document.file, document.lines[path]
        return None


def printable(text: str) -> str:
    """A text from a file that nobody vouches for, without what could steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _entry_path(document: Document, holder: Component | Edge) -> tuple[Any, ...]:
    """Where a document holds a component or an edge, () where it does not."""
    section = "components" if isinstance(holder, Component) else "edges"
    entries = document.data.get(section) if isinstance(document.data, Mapping) else None
    if not isinstance(entries, Mapping):
        return ()
    if isinstance(holder, Component):
        return (section, holder.name) if holder.name in entries else ()
    ends = (holder.caller, holder.callee)
    return next(((section, text) for text in entries if edge_ends(text) == ends), ())
