"""Arrivals: the rate of each second, from a scenario's workload. Kinds: docs/scenario-format.md."""

import math

import numpy as np
import numpy.typing as npt

from hms.scenarios.model import Workload

Array = npt.NDArray[np.float64]


def rates_rps(load: Workload, seconds: int) -> Array:
    """Mean arrivals a second in each second, shape (seconds,)."""
    base = float(load.rate_rps)  # type: ignore[arg-type]
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
    if load.kind == "steps":
        rates = np.full(seconds, base)
        for start, rate in sorted((float(k[3:]), v) for k, v in p.items() if k.startswith("at_")):
            rates[at >= start] = rate
        return rates
    return np.full(seconds, base)
