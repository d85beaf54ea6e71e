"""A calibration from traces: service times without the waiting that they were measured with.

A request that met none of its replica's cores busy waited for none: its own time is its service
time, and by PASTA (Wolff 1982) such requests are an unbiased sample. That needs every request of a
replica in the files. Where too few met an idle replica, or only a share of the traces was kept,
the queueing formula is solved for the service time at the rate that the traces show.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hms.documents import Problem
from hms.errors import ManifestError
from hms.experiments.calibration.fitted import (
    ALONE,
    BATCHES,
    QUEUE,
    Calibration,
    Floats,
    Station,
    Value,
    Z,
    cv_of,
    mean_of,
)
from hms.experiments.calibration.queues import Replica, replica_of
from hms.experiments.calibration.visits import Visit, visits_of
from hms.scenarios.importers.span_files import Recorded, read_spans
from hms.scenarios.model import Component, Scenario

NS = 1e9
FAILING = 0.02
"""Share of failed requests from which the comparison with a run without faults is unfair."""

LEAST_ALONE = 50
LEAST = 30
"""Requests below which a component or an edge is left as it is."""


def calibrate_traces(
    scenario: Scenario, paths: Sequence[str | Path], sampled: float = 1.0
) -> Calibration:
    """Service times, calls and load of the scenario's components as the traces show them.

    Args:
        sampled: share of all traces that the files hold.

    Raises:
        ManifestError: a file is wrong, or none of its services is in the scenario.
    """
    recorded = read_spans(paths)
    names = recorded.names.known
    numbers = {name: number for name, number in names.items() if name in scenario.components}
    if not numbers:
        known, seen = ", ".join(list(scenario.components)[:12]), ", ".join(list(names)[:12])
        what = f"no service of the traces is in the scenario: {seen}"
        raise ManifestError([Problem((), what, known)], str(paths[0]))
    fit = _Fit(scenario, recorded, numbers, sampled)
    fit.found.notes.extend(recorded.left_out())
    others = [name for name in names if name not in numbers]
    if others:
        fit.found.notes.append(f"not in the scenario, left out: {', '.join(others[:12])}")
    return fit.run()


class _Fit:
    """Fits one set of spans."""

    def __init__(
        self, scenario: Scenario, recorded: Recorded, numbers: Mapping[str, int], sampled: float
    ) -> None:
        self.scenario = scenario
        self.names = {number: name for name, number in numbers.items()}
        self.sampled = sampled
        spans = recorded.spans
        self.visits = visits_of(spans)
        starts = [span.start_ns for span in spans.values()]
        self.lasted_s = max((max(starts) - min(starts)) / NS, 1e-6)
        self.found = Calibration(
            rule=f"fitted to {len(spans):,} spans of {self.lasted_s:.0f} s of traces"
        )

    def run(self) -> Calibration:
        """Every component and edge of the scenario that was seen often enough."""
        for number, visits in self.visits.items():
            name = self.names.get(number)
            component = self.scenario.components.get(name) if name is not None else None
            if component is None or name is None:
                continue
            if component.kind != "client":
                self._station(component, visits)
            self._calls(name, visits)
        self._loads()
        return self.found

    def _station(self, component: Component, visits: Sequence[Visit]) -> None:
        rate_rps = len(visits) / self.lasted_s / self.sampled
        lasted = np.array([visit.span.end_ns - visit.span.start_ns for visit in visits]) / NS
        if len(visits) < LEAST:
            self.found.notes.append(
                f"{component.name}: {len(visits)} requests seen, {LEAST} needed: left as it is"
            )
            return
        share = sum(visit.span.failed for visit in visits) / len(visits)
        if share >= FAILING:
            self.found.notes.append(
                f"{component.name}: {share:.0%} of its requests failed; the model, whose error is"
                " told here, has no failures"
            )
        service, cv = self._service(component, visits, rate_rps)
        self.found.stations[component.name] = Station(
            component.name, service, cv, rate_rps, float(lasted.mean())
        )

    def _service(
        self, component: Component, visits: Sequence[Visit], rate_rps: float
    ) -> tuple[Value, Value | None]:
        replica = replica_of(component, rate_rps)
        if self.sampled >= 1.0:
            alone = undisturbed(visits, replica.servers)
            if len(alone) >= LEAST_ALONE:
                return mean_of(alone, ALONE), cv_of(alone, ALONE)
        own = np.array([visit.own_ns for visit in visits]) / NS
        return _without_waiting(own, replica)

    def _calls(self, name: str, visits: Sequence[Visit]) -> None:
        """Mean first attempts of each edge for a request that went well."""
        well = [visit for visit in visits if not visit.span.failed]
        counted = well if len(well) >= LEAST else visits
        for edge in self.scenario.edges:
            number = self._number(edge.callee)
            if edge.caller != name or number is None or len(counted) < LEAST:
                continue
            if self.scenario.components[name].kind == "client":
                continue  # a client's request is its call
            counts = np.array(
                [
                    sum(1 for c in visit.calls if c.callee == number and not c.again)
                    for visit in counted
                ],
                dtype=np.float64,
            )
            self.found.calls[name, edge.callee] = mean_of(counts, "first attempts a request")
        self._networks(name, visits)

    def _networks(self, name: str, visits: Sequence[Visit]) -> None:
        """Half of what a call lasted longer than its callee worked, where both sent spans."""
        spare: dict[int, list[float]] = {}
        for visit in visits:
            for call in visit.calls:
                server = call.server
                if server is not None and not call.failed and call.waited:
                    length_ns = call.end_ns - call.start_ns
                    if length_ns > server.end_ns - server.start_ns:
                        left_ns = length_ns - (server.end_ns - server.start_ns)
                        spare.setdefault(call.callee, []).append(left_ns / (2.0 * NS))
        for number, values in spare.items():
            callee = self.names.get(number)
            if callee is not None and len(values) >= LEAST and self._has_edge(name, callee):
                array = np.array(values)
                median = float(np.median(array))
                half = Z * 1.2533 * float(array.std(ddof=1)) / math.sqrt(len(array))
                self.found.network_s[name, callee] = Value(
                    median, max(0.0, median - half), median + half, len(array), "half of the rest"
                )

    def _loads(self) -> None:
        """Requests that came from outside, or from a client of the scenario."""
        clients = {n for n, c in self.scenario.components.items() if c.kind == "client"}
        for load in self.scenario.workload:
            number = self._number(load.entry)
            if number is None:
                continue
            from_clients = sum(
                not call.again
                for name in clients
                for visit in self.visits.get(self._number(name) or -1, ())
                for call in visit.calls
                if call.callee == number
            )
            roots = sum(visit.root for visit in self.visits.get(number, ()))
            count = from_clients + roots
            if count < LEAST:
                continue
            rate = count / self.lasted_s / self.sampled
            half = Z * rate / math.sqrt(count)
            self.found.loads[load.entry] = Value(
                rate, rate - half, rate + half, count, "requests from outside"
            )

    def _number(self, name: str) -> int | None:
        return next((number for number, known in self.names.items() if known == name), None)

    def _has_edge(self, caller: str, callee: str) -> bool:
        return any(e.caller == caller and e.callee == callee for e in self.scenario.edges)


def undisturbed(visits: Sequence[Visit], servers: int) -> Floats:
    """Own times in seconds of requests that found a core of their replica idle, in order.

    A request is busy in its own phases. Of one whose replica is not told, all replicas must have
    had fewer busy requests than one of them has cores.
    """
    busy: dict[int, list[int]] = {}
    own: list[float] = []
    ahead: list[tuple[int, int, int]] = []  # phases still to come: start, end, replica
    for visit in visits:
        replica = visit.span.replica
        now = visit.span.start_ns
        while ahead and ahead[0][0] < now:
            _, end_ns, where = heapq.heappop(ahead)
            heapq.heappush(busy.setdefault(where, []), end_ns)
        under_way = busy.setdefault(replica, [])
        while under_way and under_way[0] <= now:
            heapq.heappop(under_way)
        if len(under_way) < servers:
            own.append(visit.own_ns / NS)
        for start_ns, end_ns in visit.phases:
            heapq.heappush(ahead, (start_ns, end_ns, replica))
    return np.array(own)


def _without_waiting(own_s: Floats, replica: Replica) -> tuple[Value, Value | None]:
    """Service time and cv behind own times that hold waiting.

    Intervals are those of the times' mean and variance (batch means), put through the formula.
    """
    stay = mean_of(own_s, QUEUE)
    parts = np.array_split(own_s, BATCHES)
    variance = float(own_s.var(ddof=1))
    spread = Z * float(np.std([part.var() for part in parts], ddof=1)) / math.sqrt(BATCHES)
    value, cv = replica.service_and_cv(stay.value, variance)
    times = [
        replica.service_and_cv(max(mean_s, 1e-9), variance)[0]
        for mean_s in (stay.low, stay.high)
    ]
    cvs = [
        replica.service_and_cv(stay.value, max(square, 0.0))[1]
        for square in (variance - spread, variance + spread)
    ]
    return (
        Value(value, times[0], times[1], len(own_s), QUEUE),
        Value(cv, cvs[0], cvs[1], len(own_s), QUEUE),
    )
