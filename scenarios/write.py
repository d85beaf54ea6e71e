"""Writes a scenario as a file a person can read, and that loads back equal.

Values that are as their default are left out, values that most components or edges share (with
their origin) go to `defaults`, and everything else keeps its origin beside it. The client that
`load.py` adds where a workload names none is left out again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from hms.documents import write_whole
from hms.scenarios.file_keys import (
    ARRIVALS_KEY,
    CACHE_KEYS,
    COMPONENT_KEYS,
    EDGE_KEYS,
    ENDPOINT_KEYS,
    GROUP_KEYS,
    LOOP_KEYS,
    PROBE_KEYS,
    PROBES,
    RATE_KEY,
    SLO_KEYS,
    WORKLOAD_KINDS,
    FileKey,
)
from hms.scenarios.model import (
    ITSELF,
    Cache,
    Component,
    Edge,
    Endpoint,
    Group,
    Origin,
    Probe,
    Range,
    Scenario,
    Slo,
    Source,
    Workload,
)
from hms.scenarios.scenario_yaml import to_yaml
from hms.scenarios.write_faults import fault_entry
from hms.scenarios.write_values import in_file, tidy

OUTSIDE = "outside"
"""The client that is implied where a workload names none."""

Entry = dict[str, Any]


def outside_edge(entry: str) -> Edge:
    """The implied client's edge: people wait longer than services do."""
    return Edge(OUTSIDE, entry, protocol="http", timeout_s=10.0)


def save_scenario(scenario: Scenario, path: str | Path) -> None:
    """Write the scenario to a file, whole or not at all.

    Drawn values have at most twelve digits (`Scenario.drawn`), so that a time in ms and the
    same time in s name each other exactly, and the file loads back equal.
    """
    write_whole(path, scenario_to_text(scenario))


def scenario_to_text(scenario: Scenario) -> str:
    """The scenario as YAML."""
    return to_yaml(scenario_to_mapping(scenario))


def scenario_to_mapping(scenario: Scenario) -> Entry:
    """The scenario in the form of its file: plain values, lists and mappings."""
    implied = _implied_client(scenario)
    writer = _Writer(scenario.sources)
    components = {
        name: writer.component(component)
        for name, component in scenario.components.items()
        if name != implied
    }
    edges = {e.name: writer.edge(e) for e in scenario.edges if e.caller != implied}
    clients = {name for name, c in scenario.components.items() if c.kind == "client"}
    shared = {
        "component": _share([e for n, e in components.items() if n not in clients], Component),
        "edge": _share(list(edges.values()), Edge),
    }
    data: Entry = {
        "schema": "hms.scenario/1",
        "name": scenario.name,
        "sources": {name: _source_entry(source) for name, source in scenario.sources.items()},
        "horizon_s": tidy(scenario.horizon_s),
        "warm_up_s": tidy(scenario.warm_up_s),
        "slo": {entry: _slo_entry(slo) for entry, slo in scenario.slo.items()},
        "workload": [writer.workload(load, implied) for load in scenario.workload],
        "defaults": {kind: values for kind, values in shared.items() if values},
        "components": {
            name: _own(entry, {} if name in clients else shared["component"], Component)
            for name, entry in components.items()
        },
        "edges": {name: _own(entry, shared["edge"], Edge) for name, entry in edges.items()},
        "faults": [fault_entry(fault) for fault in scenario.faults],
        "expect": {key: tidy(value) for key, value in scenario.expect.items()},
    }
    needed = ("schema", "name", "horizon_s", "warm_up_s", "components")
    return {key: value for key, value in data.items() if value or key in needed}


def _implied_client(scenario: Scenario) -> str:
    """The client's name if it is exactly the one that reading would add again, else ""."""
    entries = [load.entry for load in scenario.workload if load.client == OUTSIDE]
    implied = tuple(outside_edge(entry) for entry in dict.fromkeys(entries))
    if scenario.components.get(OUTSIDE) != Component(OUTSIDE, kind="client"):
        return ""
    calls = tuple(edge for edge in scenario.edges if edge.caller == OUTSIDE)
    at_end = scenario.edges[len(scenario.edges) - len(calls) :] == calls
    return OUTSIDE if calls == implied and at_end else ""


class _Writer:
    """Writes values with where they came from.

    Args:
        sources: what a source says of how sure it is, so that only exceptions are written.
    """

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    def component(self, component: Component) -> Entry:
        """Every key of a component; `_own` leaves out what needs no mention."""
        origins = component.origins
        entry = self._from(origins.get(ITSELF)) | self._values(component, COMPONENT_KEYS)
        for name in PROBES:
            entry[name] = self._probe(getattr(component, name), origins.get(name))
        entry |= _parts(component)
        return entry | self._today(component.today, origins)

    def edge(self, edge: Edge) -> Entry:
        """Every key of an edge."""
        entry = self._from(edge.origins.get(ITSELF)) | self._values(edge, EDGE_KEYS)
        return entry | self._today(edge.today, edge.origins)

    def workload(self, load: Workload, implied: str) -> Entry:
        """One load; the implied client is not named."""
        entry: Entry = {"entry": load.entry}
        if load.client != implied:
            entry["client"] = load.client
        entry["kind"] = load.kind
        if load.closed:
            entry |= {key: tidy(getattr(load, key)) for key in LOOP_KEYS}
        else:
            rate = self._node(load.rate_rps, RATE_KEY, load.origins.get(RATE_KEY.key))
            entry["rate_rps"] = rate
        shape = WORKLOAD_KINDS[load.kind]
        entry |= {key: tidy(load.parameters[key]) for key in shape if key in load.parameters}
        if load.arrivals != Workload(load.entry, load.client).arrivals:
            entry[ARRIVALS_KEY.key] = load.arrivals
        if load.points:
            entry["points"] = [[tidy(time_s), tidy(rate)] for time_s, rate in load.points]
        return entry | self._from(load.origins.get(ITSELF))

    def _values(self, holder: Component | Edge, keys: Mapping[str, FileKey]) -> Entry:
        """All values of one table of keys."""
        return {
            key: self._node(getattr(holder, spec.field), spec, holder.origins.get(key))
            for key, spec in keys.items()
        }

    def _node(self, value: Any, spec: FileKey, origin: Origin | None) -> Any:
        """A value in its shortest form."""
        if isinstance(value, Range):
            between = [in_file(value.low, spec), in_file(value.high, spec)]
            return {"between": between} | self._from(origin)
        scalar = in_file(value, spec)
        return {"is": scalar} | self._from(origin) if origin is not None else scalar

    def _from(self, origin: Origin | None) -> Entry:
        """`from`, and `sure` where the source itself says otherwise."""
        if origin is None:
            return {}
        entry = {"from": f"{origin.source}:{origin.line}" if origin.line else origin.source}
        usual = self._sources.get(origin.source, Source()).sure
        return entry if origin.sure == usual else entry | {"sure": origin.sure}

    def _probe(self, probe: Probe | None, origin: Origin | None) -> Any:
        """A probe; `none` where there is none (dropped later unless a default has one)."""
        if probe is None:
            return "none"
        given = {
            key: in_file(getattr(probe, spec.field), spec)
            for key, spec in PROBE_KEYS.items()
            if key == "kind" or getattr(probe, spec.field) != getattr(Probe("http"), spec.field)
        }
        return given | self._from(origin)

    def _today(self, today: Mapping[str, Any], origins: Mapping[str, Origin]) -> Entry:
        """Today's settings: the policy's groups as they are, each with its source."""
        return {
            group: dict(settings) | self._from(origins.get(group))
            for group, settings in today.items()
        }


def _parts(component: Component) -> Entry:
    """What a component holds of its own; nothing of what it has not."""
    entry: Entry = {}
    if component.labels:
        entry["labels"] = dict(component.labels)
    if component.groups:
        entry["groups"] = {n: _told(g, GROUP_KEYS) for n, g in component.groups.items()}
    if component.endpoints:
        entry["endpoints"] = {
            name: {
                **_told(route, ENDPOINT_KEYS),
                "calls": {callee: tidy(count) for callee, count in route.calls.items()},
            }
            for name, route in component.endpoints.items()
        }
    if component.cache is not None:
        entry["cache"] = _told(component.cache, CACHE_KEYS)
    return entry


def _told(part: Group | Endpoint | Cache, keys: Mapping[str, FileKey]) -> Entry:
    """All values of a part but empty texts."""
    found = {key: in_file(getattr(part, spec.field), spec) for key, spec in keys.items()}
    return {key: value for key, value in found.items() if value != ""}


def _share(entries: list[Entry], holder: type[Component] | type[Edge]) -> Entry:
    """What more than half of the entries say alike, where it is worth a line."""
    shared: Entry = {}
    keys = {**COMPONENT_KEYS, **EDGE_KEYS}
    for key in entries[0] if entries else ():
        if key not in keys or key == "kind":
            continue
        if any(entry.get(key) is None for entry in entries):
            continue  # no file can say "none" of one entry where `defaults` gives a value
        counts = Counter(repr(entry.get(key)) for entry in entries)
        text, count = counts.most_common(1)[0]
        if count >= 2 and 2 * count > len(entries) and text != repr(_plain_default(key, holder)):
            shared[key] = next(e[key] for e in entries if repr(e.get(key)) == text)
    return shared


def _plain_default(key: str, holder: type[Component] | type[Edge]) -> Any:
    """The value of a key in the file's unit where neither file nor defaults give one."""
    if key in PROBES:
        return "none"
    spec = (COMPONENT_KEYS if holder is Component else EDGE_KEYS).get(key)
    if spec is None:
        return None
    default = next(f.default for f in fields(holder) if f.name == spec.field)
    return None if default is MISSING else in_file(default, spec)


def _own(entry: Entry, shared: Entry, holder: type[Component] | type[Edge]) -> Entry:
    """What must be written of an entry: all that `shared` and the defaults do not say."""
    own = {
        key: value
        for key, value in entry.items()
        if repr(value) != repr(shared.get(key, _plain_default(key, holder)))
    }
    probes = [own.get(name) for name in PROBES]
    if probes[0] is not None and repr(probes[0]) == repr(probes[1]):
        own = {("probe" if k == PROBES[0] else k): v for k, v in own.items() if k != PROBES[1]}
    return own


def _source_entry(source: Source) -> Entry:
    given = {f.name: getattr(source, f.name) for f in fields(Source)}
    return {key: value for key, value in given.items() if value}


def _slo_entry(slo: Slo) -> Entry:
    return {key: in_file(getattr(slo, spec.field), spec) for key, spec in SLO_KEYS.items()}
