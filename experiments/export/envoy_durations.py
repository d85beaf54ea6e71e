"""Durations as Envoy reads them: `0.5s`, whole milliseconds; never `500ms`."""

from __future__ import annotations

LEAST_S = 0.001


def seconds(duration_s: float) -> str:
    """A duration as Envoy writes it, whole milliseconds, at least one unless it is zero."""
    if duration_s <= 0.0:
        return "0s"
    return f"{milliseconds(duration_s):.3f}".rstrip("0").rstrip(".") + "s"


def milliseconds(duration_s: float) -> float:
    """The duration that `seconds` writes, s."""
    return max(round(duration_s, 3), LEAST_S) if duration_s > 0.0 else 0.0
