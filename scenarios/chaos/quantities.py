"""Quantities as chaos files write them: `10ms`, `25` (percent), `100kbps`, `256MB`.

Durations follow Go's `time.ParseDuration`; rates are those of Linux traffic control, in which
`bit` counts bits and `bps` bytes per second; sizes are those of Chaos Mesh's stressors.
"""

from __future__ import annotations

import re

_SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0,
}  # fmt: skip
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_STEPS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_RATE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([kmgt]?)(bit|bps)")
_SIZES = {"": 1.0, "K": 2.0**10, "M": 2.0**20, "G": 2.0**30, "T": 2.0**40}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*(?:(%)|([KMGT]?)i?B?)")

LONGEST_TEXT = 100


def duration_s(text: str) -> float | None:
    """`1m30s` as 90; None if it is no duration of Go's, or below 0."""
    parts = _PART.findall(text) if len(text) <= LONGEST_TEXT else []
    if text == "0":
        return 0.0
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return float(f"{sum(float(number) * _SECONDS[unit] for number, unit in parts):.12g}")


def offset_s(text: str) -> float | None:
    """A duration that may be below 0, as `-10m`."""
    seconds = duration_s(text.removeprefix("-"))
    return -seconds if seconds is not None and text.startswith("-") else seconds


def share(text: str) -> float | None:
    """`25` or `25.5` percent as a share; None if it is no number from 0 to 100."""
    if not re.fullmatch(r"\d{1,3}(\.\d{1,12})?", text) or float(text) > 100.0:
        return None
    return float(text) / 100.0


def rate_bytes_s(text: str) -> float | None:
    """`100kbps` as 100,000 bytes per second; None if it is no rate."""
    match = _RATE.fullmatch(text.lower())
    if match is None:
        return None
    return float(match[1]) * _STEPS[match[2]] / (8.0 if match[3] == "bit" else 1.0)


def size_mb(text: str, whole_mb: float) -> float | None:
    """`256MB` as 256, `50%` as half of `whole_mb`, in MB of 2^20 bytes; None if it is no size."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return None
    if match[2]:
        return float(match[1]) / 100.0 * whole_mb
    return float(match[1]) * _SIZES[match[3]] / 2.0**20
