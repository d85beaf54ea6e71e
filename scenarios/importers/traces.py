"""Traces as a source: OTLP as JSON (a document or lines), and Jaeger's JSON.

Traces say what manifests cannot: calls for each request, service times and how they vary, which
calls run side by side, which nobody waits for. They do not say replicas, limits or time-outs, and
a sample says nothing of the rate. A self time holds the waiting for a CPU as well: traces of a
quiet hour are nearest to what a service takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hms.documents import Problem
from hms.errors import ManifestError
from hms.scenarios.importers.files import cited_as, list_files
from hms.scenarios.importers.findings import (
    TRACES,
    Fact,
    Findings,
    FoundComponent,
    FoundEdge,
    Place,
    kind_of,
    sends_load,
)
from hms.scenarios.importers.ids import as_id
from hms.scenarios.importers.json_stream import stream
from hms.scenarios.importers.kubernetes_objects import at, items
from hms.scenarios.importers.names import without_namespace
from hms.scenarios.importers.spans import Names, Span, jaeger_spans, otlp_spans
from hms.scenarios.importers.trace_statistics import CallTimes, Seen, ServiceTimes, observe
from hms.scenarios.provenance import DERIVED

MOST_SPANS = 1_000_000
"""Held at once, about 400 MB; what comes after them is left out, and said."""

SUFFIXES = (".json", ".jsonl", ".ndjson")
_ARRAYS = ("resourceSpans", "data")
_FEW = 30
_LONGEST_MS = 3.6e6
_MOST_CALLS = 1e4
_SAID_FROM = 0.005
"""Share of failed requests from which a service is named."""


def read_traces(paths: Sequence[str | Path]) -> Findings:
    """Components, calls and times that the spans of all files show.

    Raises:
        ManifestError: a file is no JSON or too large, or no file holds spans.
    """
    files = list_files(paths, SUFFIXES)
    reader = _Reader()
    for file in files:
        reader.read(file, cited_as(file, paths))
        if reader.full:
            break
    if not reader.spans:
        raise _no_spans(reader, cited_as(files[0], paths))
    name = cited_as(files[0], paths)
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return _Findings(reader, Place(TRACES, f"{name}{more}", 0)).made()


class _Reader:
    """Gathers spans up to a limit."""

    def __init__(self) -> None:
        self.spans: dict[int, Span] = {}
        self.names = Names()
        self.unreadable = 0
        self.doubled = 0
        self.full = False
        self.dependencies = False

    def read(self, path: Path, name: str) -> None:
        """The spans of one file."""
        for _, item in stream(path, name, _ARRAYS):
            inside = [each for key in _ARRAYS for each in items(item, key)]
            for entry in inside or [item]:
                for span in self._spans(entry):
                    self._keep(span)
                    if self.full:
                        return

    def _spans(self, entry: Any) -> Iterable[Span | None]:
        """The spans of an entry of `resourceSpans`, or of a trace of Jaeger's."""
        for key in ("scopeSpans", "instrumentationLibrarySpans"):
            if at(entry, key) is not None:
                return otlp_spans(entry, self.names)
        if at(entry, "spans") is not None:
            return jaeger_spans(entry, self.names)
        self.dependencies |= at(entry, "callCount") is not None
        return ()

    def _keep(self, span: Span | None) -> None:
        if span is None:
            self.unreadable += 1
        elif span.key in self.spans:
            self.doubled += 1
        elif len(self.spans) >= MOST_SPANS:
            self.full = True
        else:
            self.spans[span.key] = span


def _no_spans(reader: _Reader, name: str) -> ManifestError:
    if reader.dependencies:
        what = "Jaeger's dependencies, not traces"
        return ManifestError([Problem((), what, "the format `jaeger` for it")], name)
    bad = f" ({reader.unreadable} that cannot be read)" if reader.unreadable else ""
    expected = "OTLP JSON (`resourceSpans`) or Jaeger's (`data: [{spans, processes}]`)"
    return ManifestError([Problem((), f"no spans{bad}", expected)], name)


class _Findings:
    """Turns what was seen into components and edges."""

    def __init__(self, reader: _Reader, place: Place) -> None:
        self._reader = reader
        self._place = place
        self._findings = Findings()
        self._seen: Seen = observe(reader.spans)
        taken: dict[str, str] = {}
        self._ids = {number: as_id(n, taken) for n, number in reader.names.known.items()}

    def made(self) -> Findings:
        """Everything, and notes."""
        for number, times in self._seen.services.items():
            self._component(self._ids[number], times)
        self._name_peers()
        for (caller, callee), calls in self._seen.calls.items():
            self._call(caller, callee, calls)
        self._say()
        return self._findings

    def _name_peers(self) -> None:
        """Calls of a service whose own spans were lost count with those that were not."""
        numbers = {name: number for number, name in self._ids.items()}
        calls = self._seen.calls
        for caller, callee in [key for key in calls if isinstance(key[1], str)]:
            names = (str(callee), without_namespace(str(callee)))
            number = next((numbers[name] for name in names if name in numbers), None)
            if number is not None:
                lost = calls.pop((caller, callee))
                known = calls.setdefault((caller, number), CallTimes())
                known.count += lost.count
                known.beside += lost.beside
                known.published += lost.published

    def _component(self, name: str, times: ServiceTimes) -> None:
        component = FoundComponent(name, self._place)
        component.exposed = times.roots > 0
        component.callable_ = times.requests > times.starts
        self._findings.components[name] = component
        if not self._only_sends(name):
            self._times(component, times.self_ns.mean, times.self_ns.cv, self._place)

    def _only_sends(self, name: str) -> bool:
        """Whether it starts all its work itself and is named after load: it becomes a client."""
        component = self._findings.components[name]
        return not component.callable_ and sends_load(component)

    def _times(
        self, component: FoundComponent, mean_ns: float, cv: float | None, place: Place
    ) -> None:
        mean_ms = min(max(_digits(mean_ns / 1e6), 0.001), _LONGEST_MS)
        component.facts["service_time_ms"] = Fact(mean_ms, place)
        if cv is not None:
            component.facts["service_cv"] = Fact(min(_digits(cv), 100.0), place)

    def _call(self, caller: int, callee: str | int, times: CallTimes) -> None:
        source = self._ids[caller]
        target = self._ids[callee] if isinstance(callee, int) else self._peer(callee, times)
        if source == target:
            return
        edge = FoundEdge(source, target, self._place, times.protocol)
        if not self._only_sends(source):
            calls = times.count / self._seen.services[caller].requests
            edge.facts["calls"] = Fact(min(_digits(calls), _MOST_CALLS), self._place)
        network_ns = times.network_ns
        if network_ns is not None:
            network_ms = min(_digits(network_ns / 1e6), _LONGEST_MS)
            edge.facts["network_ms"] = Fact(network_ms, self._place)
        elif isinstance(callee, str):
            edge.facts["network_ms"] = Fact(0.0, _derived(self._place))
        if 2 * times.published > times.count:
            edge.facts["mode"] = Fact("publish", self._place)
        elif 2 * times.beside > times.count:
            edge.facts["mode"] = Fact("parallel", self._place)
        self._findings.add_edge(edge)

    def _peer(self, peer: str, times: CallTimes) -> str:
        """The component for a callee that sends no spans: its time is what callers waited."""
        name = as_id(peer, {})
        component = self._findings.components.get(name)
        if component is not None:
            return name
        component = FoundComponent(name, self._place, callable_=True)
        self._findings.components[name] = component
        if times.peer_kind != "service" and kind_of(component) == "service":
            component.facts["kind"] = Fact(times.peer_kind, self._place)
        spread = times.lasted_ns
        self._times(component, spread.mean, spread.cv, _derived(self._place))
        return name

    def _say(self) -> None:
        reader, seen, say = self._reader, self._seen, self._findings.say
        span_s = max(seen.last_ns - seen.first_ns, 0.0) / 1e9
        requests = sum(times.requests for times in seen.services.values())
        say(f"{len(reader.spans)} spans of {span_s:.3g} s show {requests} requests")
        if reader.full:
            say(f"more than {MOST_SPANS:,} spans: the first {MOST_SPANS:,} are taken")
        if seen.orphans:
            say(
                f"{seen.orphans} spans name a parent that is not in the files: taken as requests "
                "of nobody known; calls for each request of their callers are too low by them"
            )
        if seen.moved:
            say(f"{seen.moved} spans lie outside their parent's time (clocks disagree): moved")
        if reader.unreadable or reader.doubled:
            say(
                f"left out: {reader.unreadable} spans that cannot be read, "
                f"{reader.doubled} that are there twice"
            )
        few = [
            f"`{self._ids[n]}` ({t.requests})"
            for n, t in seen.services.items()
            if t.requests < _FEW
        ]
        if few:
            say(
                f"fewer than {_FEW} requests were seen of {', '.join(few[:12])}: "
                "their times are rough"
            )
        self._say_outcomes()

    def _say_outcomes(self) -> None:
        """Failed requests and where load comes in: a scenario has no place for either."""
        seen, say = self._seen, self._findings.say
        for number, times in seen.services.items():
            share = times.failed / times.requests
            if share >= _SAID_FROM:
                say(
                    f"`{self._ids[number]}` failed {100 * share:.2g} % of its {times.requests} "
                    "requests; a scenario takes a system without faults as its start"
                )
        span_s = max(seen.last_ns - seen.first_ns, 1.0) / 1e9
        entered = [
            f"{t.roots / span_s:.3g}/s at `{self._ids[n]}`"
            for n, t in seen.services.items()
            if t.roots
        ]
        if entered:
            say(
                f"requests came in at {', '.join(entered[:6])}; if traces are sampled the load is "
                "higher, so the rate is chosen by utilisation"
            )


def _derived(place: Place) -> Place:
    return Place(place.rule, place.file, place.line, DERIVED)


def _digits(value: float) -> float:
    """Six digits: more would be an accident of the sample."""
    return float(f"{value:.6g}")
