"""Traces as a source: OTLP as JSON (a document or lines), and Jaeger's JSON.

Traces say what manifests cannot: calls for each request, service times and how they vary, which
calls run side by side, which nobody waits for. They do not say replicas, limits or time-outs, and
a sample says nothing of the rate. A self time holds the waiting for a CPU as well: traces of a
quiet hour are nearest to what a service takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
from hms.scenarios.importers.names import without_namespace
from hms.scenarios.importers.span_files import Recorded, read_spans
from hms.scenarios.importers.trace_statistics import CallTimes, Seen, ServiceTimes, observe
from hms.scenarios.provenance import DERIVED

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
    return _Findings(read_spans(paths)).made()


class _Findings:
    """Turns what was seen into components and edges."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self._place = Place(TRACES, recorded.source, 0)
        self._findings = Findings()
        self._seen: Seen = observe(recorded.spans)
        taken: dict[str, str] = {}
        self._ids = {number: as_id(n, taken) for n, number in recorded.names.known.items()}

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
        recorded, seen, say = self._recorded, self._seen, self._findings.say
        span_s = max(seen.last_ns - seen.first_ns, 0.0) / 1e9
        requests = sum(times.requests for times in seen.services.values())
        say(f"{len(recorded.spans)} spans of {span_s:.3g} s show {requests} requests")
        for note in recorded.left_out():
            say(note)
        if seen.orphans:
            say(
                f"{seen.orphans} spans name a parent that is not in the files: taken as requests "
                "of nobody known; calls for each request of their callers are too low by them"
            )
        if seen.moved:
            say(f"{seen.moved} spans lie outside their parent's time (clocks disagree): moved")
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
