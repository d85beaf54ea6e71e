"""What a calibration found: values with intervals and how they were found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Z = 1.96
BATCHES = 20

ALONE = "requests that met no other at their replica"
QUEUE = "queueing formula, solved for the service time"
BY_CPU = "CPU used for each request"
BY_LATENCY = "latency without that of callees, waiting taken out"


@dataclass(frozen=True, slots=True)
class Value:
    """A fitted value with a 95 % interval, from `count` spans or windows."""

    value: float
    low: float
    high: float
    count: int
    how: str


@dataclass(frozen=True, slots=True)
class Station:
    """A fitted component, times in seconds.

    Attributes:
        cv: None where the data do not say.
        seen_s: mean time that its requests took, as measured; None if it was not.
        seen_utilisation: share of its cores in use, as measured.
    """

    name: str
    service: Value | None
    cv: Value | None
    rate_rps: float
    seen_s: float | None = None
    seen_utilisation: float | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything that was fitted.

    Attributes:
        calls: by (caller, callee).
        network_s: one way, by (caller, callee).
        loads: rate of each entry.
        notes: what could not be fitted and why, what was left out.
        rule: how it was measured, for the overlay's source.
    """

    stations: dict[str, Station] = field(default_factory=dict)
    calls: dict[tuple[str, str], Value] = field(default_factory=dict)
    network_s: dict[tuple[str, str], Value] = field(default_factory=dict)
    loads: dict[str, Value] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rule: str = ""


def mean_of(values: Floats, how: str) -> Value:
    """A mean of values in the order of time; neighbours may depend on each other (batch means)."""
    n = len(values)
    mean = float(values.mean())
    spread = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else abs(mean)
    if n >= 5 * BATCHES:
        means = np.array([part.mean() for part in np.array_split(values, BATCHES)])
        spread = max(spread, float(means.std(ddof=1)) / math.sqrt(BATCHES))
    return Value(mean, mean - Z * spread, mean + Z * spread, n, how)


def cv_of(values: Floats, how: str) -> Value | None:
    """The coefficient of variation of values that do not depend on each other."""
    n = len(values)
    mean = float(values.mean()) if n else 0.0
    if n < 2 or mean <= 0.0:
        return None
    cv = float(values.std(ddof=1)) / mean
    # delta method with the sample's own third and fourth moments
    z = values / mean - 1.0
    spread = float(np.std(z * z / (2.0 * max(cv, 1e-9)) - cv * z)) / math.sqrt(n)
    return Value(cv, max(0.0, cv - Z * spread), cv + Z * spread, n, how)
