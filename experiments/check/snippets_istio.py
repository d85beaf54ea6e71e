"""A suggestion for a call in Istio's words: parts of a VirtualService and a DestinationRule.

Attempts there count retries only; a budget is a share of the requests in flight, of which a token
for every tenth success is b/(1 + b) where waits are short (docs/export.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hms.documents import dump_yaml
from hms.scenarios.load_parts import edge_ends


def istio_snippet(edges: Mapping[str, Mapping[str, Any]]) -> str:
    """What to write for each changed call; "" where Istio has no word for a change.

    Args:
        edges: the changed keys by `caller -> callee`.
    """
    parts: list[str] = []
    for name, change in edges.items():
        ends = edge_ends(name)
        host = ends[1] if ends else name
        route, policy = _route(change), _policy(change)
        if not route and not policy:
            return ""
        if route:
            parts.append(f"# VirtualService of {host}\n{dump_yaml({'http': [route]})}")
        if policy:
            parts.append(f"# DestinationRule of {host}\n{dump_yaml({'trafficPolicy': policy})}")
    return "".join(parts)


def _route(change: Mapping[str, Any]) -> dict[str, Any]:
    """Time-outs and attempts."""
    route: dict[str, Any] = {}
    timeout = change.get("timeout", {})
    retry = change.get("retry", {})
    if timeout.get("total_s"):
        route["timeout"] = _duration(timeout["total_s"])
    if retry.get("max_attempts") == 1:  # no rule suggests another number
        route["retries"] = {"attempts": 0}
    if timeout.get("call_s"):
        route.setdefault("retries", {})["perTryTimeout"] = _duration(timeout["call_s"])
    return route


def _policy(change: Mapping[str, Any]) -> dict[str, Any]:
    """Budget and ejections."""
    policy: dict[str, Any] = {}
    retry, breaker = change.get("retry", {}), change.get("breaker", {})
    if retry.get("budget_kind") == "tokens":
        ratio = retry.get("budget_ratio", 0.1)
        share = {"percent": round(100.0 * ratio / (1.0 + ratio), 1), "minRetryConcurrency": 1}
        policy["retryBudget"] = share
    if "ejected_share_max" in breaker:
        percent = math.ceil(100.0 * breaker["ejected_share_max"])
        policy["outlierDetection"] = {"maxEjectionPercent": percent}
    return policy


def _duration(value_s: float) -> str:
    """`1.3s`, in whole milliseconds."""
    return f"{math.floor(1000.0 * value_s)}ms" if value_s < 1.0 else f"{value_s:.6g}s"
