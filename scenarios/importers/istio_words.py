"""Istio's settings in a policy's words (docs/export.md, sections 1 and 2, read backwards).

What Istio does where an object says nothing is not nothing: it retries twice. So a group is
always written whole, and what was not stated is derived from Istio's defaults (version 1.31).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hms.scenarios.importers.kubernetes_objects import at
from hms.scenarios.importers.quantities import seconds

DEFAULT_RETRIES = 2
MOST_ATTEMPTS = 5
"""A policy's longest row of calls, the first included."""

_DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled"
_BASE_S = 0.025
_MOST = 1_000_000

_RETRY_ON: Mapping[str, tuple[str, ...]] = {
    "connect-failure": ("refused",),
    "refused-stream": ("refused",),
    "reset-before-request": ("refused",),
    "http3-post-connect-failure": ("refused",),
    "reset": ("refused", "timeout"),
    "5xx": ("refused", "unavailable", "error", "timeout"),
    "gateway-error": ("unavailable", "error", "timeout"),
    "retriable-4xx": ("error",),
    "retriable-status-codes": ("unavailable",),
    "envoy-ratelimited": ("unavailable",),
    "cancelled": ("cancelled",),
    "deadline-exceeded": ("timeout",),
    "internal": ("error",),
    "resource-exhausted": ("unavailable",),
    "unavailable": ("unavailable",),
    "429": ("unavailable",),
    "503": ("unavailable",),
    "500": ("error",),
    "502": ("error",),
    "504": ("timeout",),
}
_OURS = ("refused", "unavailable", "error", "cancelled", "timeout")

BALANCERS = {
    "ROUND_ROBIN": "round_robin",
    "LEAST_REQUEST": "least",
    "LEAST_CONN": "least",
    "RANDOM": "random",
}


def retry_group(retries: Any, notes: list[str]) -> dict[str, Any]:
    """The group `retry` of a route; `retries` is None where the route says nothing."""
    attempts = whole(at(retries, "attempts"))
    attempts = DEFAULT_RETRIES if attempts is None else attempts
    if attempts + 1 > MOST_ATTEMPTS:
        notes.append(f"{attempts} retries: a policy has at most {MOST_ATTEMPTS - 1}")
    base_s = seconds(at(retries, "backoff")) or _BASE_S
    return {
        "max_attempts": min(attempts + 1, MOST_ATTEMPTS),
        "retry_on": _retry_on(at(retries, "retryOn"), notes),
        "base_s": base_s,
        "multiplier": 2.0,
        "max_s": round(10.0 * base_s, 6),
        "jitter_kind": "full",
        "budget_kind": "none",
    }


def _retry_on(stated: Any, notes: list[str]) -> list[str]:
    words = stated if isinstance(stated, str) and stated.strip() else _DEFAULT_RETRY_ON
    found: set[str] = set()
    for word in (each.strip() for each in words[:500].split(",")):
        if word and word not in _RETRY_ON:
            notes.append(f"retryOn `{word}` is not known: left out")
        found.update(_RETRY_ON.get(word, ()))
    return [word for word in _OURS if word in found]


def timeout_group(route: Any) -> dict[str, Any]:
    """`timeout` is for all attempts together, `perTryTimeout` for each; 0s switches off."""
    total_s = seconds(at(route, "timeout")) or 0.0
    call_s = seconds(at(route, "retries", "perTryTimeout")) or 0.0
    values = {"call_s": min(call_s, 3600.0), "total_s": min(total_s, 86400.0)}
    return {key: value for key, value in values.items() if value >= 0.001}


def breaker_group(outlier: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """Outlier detection: each replica by failures in a row, no half-open phase."""
    consecutive = whole(outlier.get("consecutive5xxErrors", outlier.get("consecutiveErrors")))
    gateway = whole(outlier.get("consecutiveGatewayErrors"))
    counts = [5 if consecutive is None else consecutive, gateway or 0]
    on = [count for count in counts if count > 0]
    if gateway and len(on) > 1:
        notes.append("5xx and gateway errors are not told apart: the lower count holds")
    open_s = seconds(outlier.get("baseEjectionTime")) or 30.0
    percent = outlier.get("maxEjectionPercent")
    return {
        "scope": "replica",
        "failure_rate": "off",
        "slow_call_rate": "off",
        "consecutive_failures": min(min(on), 1000) if on else 0,
        "open_s": open_s,
        "open_growth": "linear",
        "open_max_s": max(300.0, open_s),
        "jitter_share": 0.0,
        "ejected_share_max": share(10 if percent is None else percent),
        "always_eject_one": False,
        "panic_share": share(outlier.get("minHealthPercent", 0)),
        "sweep_s": min(max(seconds(outlier.get("interval")) or 10.0, 0.1), 3600.0),
    }


def budget(policy: Any) -> dict[str, Any]:
    """What bounds retries under way, of `retryBudget` or `http.maxRetries`; {} for nothing."""
    stated = at(policy, "retryBudget")
    if isinstance(stated, Mapping):
        least = whole(stated.get("minRetryConcurrency"))
        return {
            "budget_kind": "in_flight",
            "in_flight_share": share(stated.get("percent", 20)),
            "in_flight_min": min(3 if least is None else least, 10_000),
        }
    most = whole(at(policy, "connectionPool", "http", "maxRetries"))
    if most:
        limits = {"in_flight_share": 0.0, "in_flight_min": min(most, 10_000)}
        return {"budget_kind": "in_flight", **limits}
    return {}


def concurrency_group(policy: Any, proxies: int, replicas: int, grpc: bool) -> dict[str, Any]:
    """The connection pool, per replica of the callee; {} where nothing limits.

    Istio counts in each caller's proxy, for all replicas of the callee together: `proxies`
    times the limit reach them at most. Over HTTP/1 a connection carries one request at a time.
    """
    pool = at(policy, "connectionPool")
    limit = whole(at(pool, "http", "http2MaxRequests"))
    if not limit and not grpc:
        limit = whole(at(pool, "tcp", "maxConnections"))
    waiting = whole(at(pool, "http", "http1MaxPendingRequests"))
    found = {}
    for key, value in (("limit", limit), ("queue_limit", waiting)):
        if value:
            found[key] = min(-(-value * proxies // replicas), _MOST)
    return found


def whole(value: Any) -> int | None:
    """A whole number from 0; None for anything else."""
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32
    return value if usable else None


def share(percent: Any) -> float:
    """A percentage as a share, within 0 and 1."""
    usable = isinstance(percent, int | float) and not isinstance(percent, bool)
    return round(min(max(float(percent), 0.0), 100.0) / 100.0, 6) if usable else 0.0


def first_open_route(routes: Sequence[Any]) -> int:
    """The route that serves what no other one picks: the first without `match`, else the first."""
    for index, route in enumerate(routes):
        if isinstance(route, Mapping) and not route.get("match"):
            return index
    return 0
