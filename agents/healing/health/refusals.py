"""Why a report cannot be believed, in words that are counted."""

from __future__ import annotations

import math

from hms.agents.healing.health.history import METRICS
from hms.agents.healing.interface import HealthMetrics

LARGEST = 1e15  # of a metric: beyond it sums lose their digits, and nothing real is there
CUSTOM_MOST = 1000

REFUSALS = (
    "not_a_number", "not_finite", "negative", "too_large", "out_of_order", "doubled", "stale",
    "ahead",
)
"""Why a report is refused; the keys of `HealthMonitor.refused`."""


def value_fault(metrics: HealthMetrics) -> str:
    """Why these values cannot be believed, a word of REFUSALS; empty when they can."""
    if len(metrics.custom) > CUSTOM_MOST:
        return "too_large"
    for name, most in (*((each, LARGEST) for each in METRICS), ("error_rate_percent", 100.0)):
        reason = number_fault(getattr(metrics, name), 0.0, most)
        if reason:
            return reason
    for value in metrics.custom.values():
        reason = number_fault(value, -LARGEST, LARGEST)
        if reason:
            return "too_large" if reason == "negative" else reason
    return ""


def number_fault(value: object, least: float, most: float) -> str:
    """Why this is no value between two numbers."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "not_a_number"
    if isinstance(value, float) and not math.isfinite(value):
        return "not_finite"
    if value < least:
        return "negative"
    return "too_large" if value > most else ""
