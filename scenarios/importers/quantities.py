"""Reads amounts as Kubernetes, Istio and compose write them: `200m` cores, `128Mi`, `1m30s`."""

from __future__ import annotations

import re
from typing import Any

_CORES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "k": 1e3}
_MI = 2.0**20
_BYTES = {
    "": 1.0,
    "m": 1e-3,
    "k": 1e3,
    "K": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2.0**10,
    "Mi": _MI,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|ms|s|m|h)")
_COMPOSE_BYTES = {"": 1.0, "b": 1.0, "k": 2.0**10, "m": _MI, "g": 2.0**30, "t": 2.0**40}


def cores(value: Any) -> float | None:
    """CPU cores of `200m`, `1`, `0.5`; None for anything else."""
    return _amount(value, _CORES)


def megabytes(value: Any) -> float | None:
    """MB of a Kubernetes memory quantity; an MB here is 2^20 bytes, as in `128Mi`."""
    amount = _amount(value, _BYTES)
    return None if amount is None else round(amount / _MI, 6)


def compose_megabytes(value: Any) -> float | None:
    """MB of a compose byte value: `64M`, `1gb`, all powers of 1024; an MB is 2^20 bytes."""
    text = value.lower() if isinstance(value, str) else value
    text = text[:-1] if isinstance(text, str) and re.search(r"[kmgt]b$", text) else text
    amount = _amount(text, _COMPOSE_BYTES)
    return None if amount is None else round(amount / _MI, 6)


def _amount(value: Any, units: dict[str, float]) -> float | None:
    """A number with one of the units behind it, as a positive float."""
    if isinstance(value, bool):
        return None
    match = re.fullmatch(r"(\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?)([A-Za-z]*)", str(value).strip())
    if match is None or match[2] not in units:
        return None
    amount = float(match[1]) * units[match[2]]
    return float(f"{amount:.12g}") if 0.0 < amount < 1e18 else None


def seconds(value: Any) -> float | None:
    """Seconds of a duration as Go, Istio and Kubernetes write it: `2s`, `500ms`, `1m30s`."""
    text = value if isinstance(value, str) and len(value) <= 40 else ""
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return float(f"{sum(float(number) * _SECONDS[unit] for number, unit in parts):.12g}")
