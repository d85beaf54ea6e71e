"""A calibration from metrics: rates, mean latency, CPU utilisation.

Utilisation law: cores in use = service time x rate, so the service time is the slope of one over
the other. Where no CPU was measured, the latency is taken apart: without the callees' and the
network's part it is a time at a station, whose waiting the queueing formula takes out. Where both
were measured, the waiting that is left over gives the cv.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from hms.experiments.calibration.fitted import (
    BY_CPU,
    BY_LATENCY,
    Calibration,
    Floats,
    Station,
    Value,
    Z,
    mean_of,
)
from hms.experiments.calibration.metrics_file import (
    CPU,
    ERRORS,
    LATENCY,
    RATE,
    Series,
    read_metrics,
    together,
)
from hms.experiments.calibration.queues import replica_of
from hms.scenarios.model import Component, Edge, Scenario
from hms.scenarios.topology import middle

LEAST = 3
"""Windows below which nothing is fitted."""

ERRING = 0.02
"""Share of errors from which rates may hold retries, and a note says so."""

APART = 0.05
"""Least relative error by which two callers' shares can still be told apart."""


def calibrate_metrics(scenario: Scenario, file: str | Path) -> Calibration:
    """Service times, calls and load as the metrics show them.

    Raises:
        ManifestError: the file is wrong.
    """
    return _Fit(scenario, read_metrics(file, scenario)).run()


class _Fit:
    """Fits one file."""

    def __init__(self, scenario: Scenario, series: Series) -> None:
        self.scenario, self.series = scenario, series
        times = sorted({time for values in series.values() for time in values})
        self.found = Calibration(
            rule=f"fitted to metrics of {times[-1] - times[0]:.0f} s, {len(times)} times"
        )

    def run(self) -> Calibration:
        """Calls first: the latency of a caller is taken apart with them."""
        for component in self.scenario.components.values():
            if component.kind != "client":
                self._calls_to(component.name)
        for component in self.scenario.components.values():
            if component.kind != "client":
                self._station(component)
        self._loads()
        self._say_errors()
        return self.found

    def _station(self, component: Component) -> None:
        name = component.name
        (rates,) = together(self.series, (name, RATE))
        if len(rates) < LEAST:
            return
        replica = replica_of(component, float(rates.mean()))
        service = self._from_cpu(component, replica.servers)
        latency_s, at_rate = self._latency_s(name)
        own = self._own_s(component, latency_s)
        cv = None
        if service is None and own is not None:
            found = [
                replica_of(component, rate).service_s(max(each, 1e-9), component.service_cv)
                for each, rate in zip(own, at_rate, strict=True)
            ]
            service = mean_of(np.array(found), BY_LATENCY)
        elif service is not None and own is not None and len(own):
            waited_s = max(0.0, float(own.mean()) - service.value)
            value = replica.cv_of_wait(waited_s, service.value)
            if value is not None:
                bounds = [
                    replica.cv_of_wait(max(0.0, float(own.mean()) - edge), edge)
                    for edge in (service.high, service.low)
                ]
                low, high = (value if each is None else each for each in bounds)
                cv = Value(value, min(low, value), max(high, value), len(own), "waiting left over")
        (used,) = together(self.series, (name, CPU))
        if service is None:
            self.found.notes.append(f"{name}: neither CPU nor latency measured: left as it is")
        self.found.stations[name] = Station(
            name, service, cv, float(rates.mean()),
            float(latency_s.mean()) if len(latency_s) else None,
            float(used.mean()) if len(used) else None,
        )  # fmt: skip

    def _from_cpu(self, component: Component, servers: int) -> Value | None:
        """The slope of cores in use over the rate, through 0."""
        used, rates = together(self.series, (component.name, CPU), (component.name, RATE))
        if len(used) < LEAST or float((rates**2).sum()) <= 0.0:
            return None
        cores = used * servers * component.replicas
        slope = float((cores * rates).sum() / (rates**2).sum())
        rest = cores - slope * rates
        spread = math.sqrt(float((rest**2).sum()) / (len(rest) - 1) / float((rates**2).sum()))
        if slope <= 0.0:
            return None
        return Value(slope, slope - Z * spread, slope + Z * spread, len(rest), BY_CPU)

    def _latency_s(self, name: str) -> tuple[Floats, Floats]:
        """Mean latencies in seconds, and the rates beside them."""
        latency, rates = together(self.series, (name, LATENCY), (name, RATE))
        return latency / 1e3, rates

    def _own_s(self, component: Component, latency_s: Floats) -> Floats | None:
        """Latency without callees' and network's part; None where a callee's is not measured."""
        name = component.name
        edges = [edge for edge in self.scenario.edges if edge.caller == name]
        if not len(latency_s):
            return None
        keys = [(name, LATENCY), (name, RATE), *((e.callee, LATENCY) for e in edges)]
        columns = together(self.series, *keys)
        if len(columns[0]) < LEAST or len(columns[0]) != len(latency_s):
            missing = [edge.callee for edge in edges if (edge.callee, LATENCY) not in self.series]
            if missing:
                self.found.notes.append(
                    f"{name}: its latency cannot be taken apart, that of {', '.join(missing)}"
                    " is not measured"
                )
            return None
        parts = [
            self._calls_of(edge) * (callee / 1e3 + 2.0 * edge.network_s)
            for edge, callee in zip(edges, columns[2:], strict=True)
            if edge.mode != "publish"
        ]
        below = np.zeros(len(latency_s))
        if parts and all(edge.mode == "parallel" for edge in edges):
            below = np.max(parts, axis=0)
        elif parts:
            below = np.sum(parts, axis=0)
        return np.maximum(latency_s - below, 1e-6)

    def _calls_of(self, edge: Edge) -> float:
        fitted = self.found.calls.get((edge.caller, edge.callee))
        return fitted.value if fitted is not None else middle(edge.calls)

    def _calls_to(self, callee: str) -> None:
        """Calls for each request of every caller of a component."""
        edges = [edge for edge in self.scenario.edges if edge.callee == callee]
        inner = [e for e in edges if self.scenario.components[e.caller].kind != "client"]
        for edge in inner:
            calls, rates = together(self.series, (edge.name, RATE), (edge.caller, RATE))
            if len(calls) >= LEAST and float(rates.sum()) > 0.0:
                self.found.calls[edge.caller, callee] = _ratio(calls, rates, "calls measured")
        left = [e for e in inner if (e.caller, callee) not in self.found.calls]
        if not left or len(edges) != len(inner):
            return  # what comes from outside is not told apart from what callers send
        self._share_out(callee, left, [e for e in inner if e not in left])

    def _share_out(self, callee: str, left: list[Edge], known: list[Edge]) -> None:
        """What a component gets beyond known calls, by the rates of its other callers."""
        keys = [(callee, RATE), *((e.caller, RATE) for e in (*left, *known))]
        got, *rates = together(self.series, *keys)
        if len(got) < max(LEAST, len(left) + 1):
            return
        for edge, rate in zip(known, rates[len(left) :], strict=True):
            got = got - self._calls_of(edge) * rate
        columns = np.array(rates[: len(left)]).T
        if len(left) == 1:
            value = _ratio(np.maximum(got, 0.0), columns[:, 0], "rate over the caller's rate")
            self.found.calls[left[0].caller, callee] = value
            return
        self._regress(callee, left, got, columns)

    def _regress(self, callee: str, left: list[Edge], got: Floats, columns: Floats) -> None:
        """Least squares without negative calls; callers whose rates move together stay apart."""
        from scipy.optimize import nnls

        calls, rest = nnls(columns, got)
        variance = rest**2 / max(1, len(got) - len(left))
        spread = np.sqrt(np.maximum(np.diag(np.linalg.pinv(columns.T @ columns)) * variance, 0.0))
        condition = np.linalg.cond(columns / np.maximum(columns.mean(axis=0), 1e-12))
        names = ", ".join(edge.caller for edge in left)
        if not math.isfinite(condition) or condition > 1.0 / APART:
            self.found.notes.append(
                f"calls to {callee} cannot be shared out among {names}: their rates move together"
            )
            return
        for edge, value, half in zip(left, calls, Z * spread, strict=True):
            self.found.calls[edge.caller, callee] = Value(
                float(value), max(0.0, float(value - half)), float(value + half), len(got),
                "least squares over callers' rates",
            )  # fmt: skip

    def _loads(self) -> None:
        for load in self.scenario.workload:
            (rates,) = together(self.series, (load.entry, RATE))
            inner = [
                edge
                for edge in self.scenario.edges
                if edge.callee == load.entry
                and self.scenario.components[edge.caller].kind != "client"
            ]
            if len(rates) >= LEAST and not inner:
                self.found.loads[load.entry] = mean_of(rates, "rate of the entry")

    def _say_errors(self) -> None:
        for (name, metric), values in self.series.items():
            share = float(np.mean(list(values.values())))
            if metric == ERRORS and share >= ERRING:
                self.found.notes.append(
                    f"{name}: {share:.0%} errors: rates behind it may hold retries"
                )


def _ratio(part: Floats, whole: Floats, how: str) -> Value:
    """A ratio of sums, with the spread of a ratio estimator."""
    ratio = float(part.sum() / whole.sum()) if float(whole.sum()) > 0.0 else 0.0
    n = len(part)
    rest = part - ratio * whole
    spread = math.sqrt(float((rest**2).sum()) / max(1, n - 1) / n) / max(float(whole.mean()), 1e-12)
    return Value(ratio, max(0.0, ratio - Z * spread), ratio + Z * spread, n, how)
