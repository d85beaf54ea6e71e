"""Arrivals: the rate of each second, from a scenario's workload. Kinds: docs/scenario-format.md."""

import math

import numpy as np
import numpy.typing as npt

from hms.scenarios.faults.expand import plain_faults
from hms.scenarios.load_recorded import mean_of
from hms.scenarios.model import Fault, Scenario, Workload

Array = npt.NDArray[np.float64]


def arrivals_rps(scenario: Scenario, seconds: int) -> Array:
    """Rates of all workloads, spikes of single entries included, shape (workloads, seconds).

    A spike of all load is a factor of the engine's, to the tick; one entry's is in its rates,
    which hold for a second: of a second that it strikes in part, the mean.
    """
    rates = np.stack([rates_rps(load, seconds) for load in scenario.workload])
    for fault in plain_faults(scenario):
        if strikes_one_entry(fault, scenario):
            factors = spike_factors(fault, seconds)
            for row, load in zip(rates, scenario.workload, strict=True):
                if load.entry == fault.component:
                    row *= factors
    return rates


def strikes_one_entry(fault: Fault, scenario: Scenario) -> bool:
    """Whether a fault is a spike of some of the load only."""
    named = fault.kind == "load_spike" and fault.component is not None
    return named and any(load.entry != fault.component for load in scenario.workload)


def spike_factors(fault: Fault, seconds: int) -> Array:
    """By what a spike multiplies each second's mean rate, shape (seconds,)."""
    at = np.arange(seconds, dtype=np.float64)
    grows_s = min(fault.ramp_s, fault.duration_s)
    steady_s = fault.start_s + grows_s
    struck = np.minimum(at + 1.0, fault.start_s + fault.duration_s) - np.maximum(at, steady_s)
    share = np.clip(struck, 0.0, 1.0)
    if grows_s > 0.0:
        first = np.clip(at - fault.start_s, 0.0, grows_s)
        last = np.clip(at + 1.0 - fault.start_s, 0.0, grows_s)
        share += (last * last - first * first) / (2.0 * fault.ramp_s)
    return np.asarray(1.0 + (fault.parameters["factor"] - 1.0) * share)


def rates_rps(load: Workload, seconds: int) -> Array:
    """Mean arrivals a second in each second, shape (seconds,); of a closed loop, users."""
    base = load.users if load.closed else float(load.rate_rps)  # type: ignore[arg-type]
    at = np.arange(seconds, dtype=np.float64)
    p = load.parameters
    if load.kind == "spike":
        struck = (at >= p["start_s"]) & (at < p["start_s"] + p["duration_s"])
        return np.where(struck, base * p["factor"], base)
    if load.kind == "ramp":
        share = np.clip((at - p["start_s"]) / max(p["duration_s"], 1e-9), 0.0, 1.0)
        return np.asarray(base + (p["to_rps"] - base) * share)
    if load.kind == "diurnal":
        return np.asarray(
            base * (1.0 + p["amplitude"] * np.sin(2.0 * math.pi * at / p["period_s"]))
        )
    if load.kind == "burst":
        return np.where(at % p["every_s"] < p["burst_s"], base * p["factor"], base)
    if load.kind == "points":
        return _held(load.points, base, at)
    if load.kind == "steps":
        rates = np.full(seconds, base)
        for start, rate in sorted((float(k[3:]), v) for k, v in p.items() if k.startswith("at_")):
            rates[at >= start] = rate
        return rates
    return np.full(seconds, base)


def _held(points: tuple[tuple[float, float], ...], mean: float, at: Array) -> Array:
    """Recorded rates, scaled to a mean: each holds from its time to the next one's.

    A second in which it changes has the mean of both; before the first point the first rate holds.
    """
    times = np.array([0.0, *(time_s for time_s, _ in points[1:])])
    rates = np.array([rate for _, rate in points])
    ends = np.append(times[1:], max(float(at[-1]), float(times[-1])) + 1.0)
    summed = np.concatenate([[0.0], np.cumsum(rates * (ends - times))])
    marks = np.append(times, ends[-1])
    sent = np.interp(at + 1.0, marks, summed) - np.interp(at, marks, summed)
    usual = mean_of(points)
    return np.asarray(sent * (mean / usual) if usual > 0.0 else sent)
