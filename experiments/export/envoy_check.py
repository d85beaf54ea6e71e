"""What Envoy lets pass although it is wrong (docs/export.md, "What proves acceptance").

`envoy --mode validate` refuses unknown keys, wrong types and some ranges. It accepts the rest:
an attempt that may outlast the whole call, words of `retry_on` that mean nothing, a failure
percentage of 0, which ejects healthy hosts, a second threshold of one priority, a queue of
none, which refuses every call, and `budget_interval`, which multiplies the load by 3.75.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hms.documents import Problem, nearest

HTTP_RETRY_ON = (
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "envoy-ratelimited",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "http3-post-connect-failure",
)
GRPC_RETRY_ON = (
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
)
RETRY_ON = (*HTTP_RETRY_ON, *GRPC_RETRY_ON)
ROUTE_TIMEOUT_S = 15.0
"""Envoy's time-out of a route that names none."""

Path = tuple[str | int, ...]


def problems(config: Any) -> list[Problem]:
    """Every mistake in a bootstrap that Envoy itself would accept."""
    found: list[Problem] = []
    for path, node in mappings(config, ()):
        if "retry_policy" in node and isinstance(node["retry_policy"], Mapping):
            found += _of_route(path, node)
        for key, check in CHECKS.items():
            if key in node:
                found += check((*path, key), node[key])
    return found


def mappings(node: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every mapping in a document, with its path."""
    if isinstance(node, Mapping):
        yield path, node
        for key, value in node.items():
            yield from mappings(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from mappings(value, (*path, index))


def _of_route(path: Path, route: Mapping[str, Any]) -> Iterator[Problem]:
    policy = route["retry_policy"]
    at = (*path, "retry_policy")
    whole_s = duration_s(route.get("timeout", f"{ROUTE_TIMEOUT_S}s"))
    attempt_s = duration_s(policy.get("per_try_timeout", "0s"))
    if whole_s is not None and attempt_s is not None and 0.0 < whole_s < attempt_s:
        yield Problem(
            (*at, "per_try_timeout"),
            f"per_try_timeout {attempt_s:g} s is longer than timeout {whole_s:g} s",
            f"at most {whole_s:g}s",
        )
    for word in filter(None, str(policy.get("retry_on", "")).split(",")):
        if word.strip() not in RETRY_ON:
            known = ", ".join(RETRY_ON)
            near = nearest(word.strip(), RETRY_ON)
            yield Problem((*at, "retry_on"), f"unknown retry_on word `{word}`", known, near)


def _of_percentage(path: Path, value: Any) -> Iterator[Problem]:
    if value == 0:
        what = "failure_percentage_threshold 0 ejects healthy hosts"
        yield Problem(path, what, "1 to 100")


def _of_thresholds(path: Path, value: Any) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, each in enumerate(value if isinstance(value, list) else []):
        priority = str(each.get("priority", "DEFAULT")) if isinstance(each, Mapping) else ""
        if priority in seen:
            what = f"second thresholds of priority {priority}: Envoy would take the first"
            yield Problem((*path, index), what, "one for each priority")
        seen.add(priority)


def _of_waiting(path: Path, value: Any) -> Iterator[Problem]:
    if value == 0:
        yield Problem(path, "max_pending_requests 0 refuses every call", "at least 1")


def _of_budget_interval(path: Path, value: Any) -> Iterator[Problem]:
    what = f"budget_interval {value} counts a whole interval's requests: far more retries"
    yield Problem(path, what, "no budget_interval")


CHECKS = {
    "failure_percentage_threshold": _of_percentage,
    "thresholds": _of_thresholds,
    "max_pending_requests": _of_waiting,
    "budget_interval": _of_budget_interval,
}


def duration_s(text: Any) -> float | None:
    """Seconds of Envoy's `0.5s`; None for what is no duration (Envoy itself refuses that)."""
    if isinstance(text, str) and re.fullmatch(r"\d+(\.\d{1,9})?s", text):
        return float(text[:-1])
    return None
