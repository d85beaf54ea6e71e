"""How an Envoy proxy can say each parameter, one line each, for `hms explain`.

The first word is the least that is lost; what happened to a given policy is in its report.
"""

from __future__ import annotations

from collections.abc import Mapping

_FIRST = "outlier_detection"
_LIMIT = "circuit_breakers.thresholds"
_BUDGET = f"{_LIMIT}.retry_budget"
_RETRY = "route.retry_policy"
_IDLE = "exact where scope is replica; on an edge it is not in use"
_NOT_HERE = "dropped: a proxy does not heal, hms must stand beside the stack"
_GROUPS_NOT_HERE = ("detection", "guard", "health", "step", "verification")

HOW: Mapping[str, str] = {
    "breaker.enabled": f"exact: {_FIRST} present or left out",
    "breaker.scope": f"replica: exact; edge: approximated, {_FIRST} may eject all replicas",
    "breaker.failure_rate": f"approximated: {_FIRST}.failure_percentage_threshold in whole "
    "percent, by replica and interval; exact where scope is replica",
    "breaker.slow_call_rate": "approximated: slow calls are cut and count among the failures",
    "breaker.slow_call_s": f"approximated: {_RETRY}.per_try_timeout, slow calls are cut there",
    "breaker.window_kind": f"approximated: {_FIRST}.interval, always seconds, tumbling",
    "breaker.window_s": f"approximated: {_FIRST}.interval, tumbling",
    "breaker.window_calls": f"approximated: {_FIRST}.interval = calls / rate of the edge",
    "breaker.minimum_calls": f"approximated: {_FIRST}.failure_percentage_request_volume = "
    "ceil(calls / replicas); exact where scope is replica",
    "breaker.consecutive_failures": f"approximated: {_FIRST}.consecutive_5xx = "
    "ceil(failures / replicas); exact where scope is replica",
    "breaker.open_s": f"approximated: {_FIRST}.base_ejection_time, ends at the next sweep",
    "breaker.open_multiplier": "approximated: the n-th time is n x the first; 1 is exact",
    "breaker.open_max_s": f"approximated: {_FIRST}.max_ejection_time, ends at the next sweep",
    "breaker.open_growth": "linear: exact; geometric: approximated, n x the first",
    "breaker.jitter_share": f"approximated: {_FIRST}.max_ejection_time_jitter, of the first",
    "breaker.half_open_calls": "dropped: all traffic returns at once",
    "breaker.half_open_lease_s": "dropped: there are no probes",
    "breaker.ejected_share_max": f"{_FIRST}.max_ejection_percent: {_IDLE}",
    "breaker.always_eject_one": f"{_FIRST}.always_eject_one_host: {_IDLE}",
    "breaker.panic_share": f"common_lb_config.healthy_panic_threshold: {_IDLE}",
    "breaker.sweep_s": f"{_FIRST}.interval: {_IDLE}",
    "retry.max_attempts": f"exact: {_RETRY}.num_retries = attempts - 1",
    "retry.retry_on_refused": f"exact: {_RETRY}.retry_on connect-failure, refused-stream, "
    "gRPC also resource-exhausted",
    "retry.retry_on_unavailable": "exact: HTTP status 429 and 503, gRPC unavailable",
    "retry.retry_on_error": "approximated: HTTP status 500 and 502, gRPC internal",
    "retry.retry_on_cancelled": "gRPC cancelled: exact; HTTP: dropped, no answer says so",
    "retry.retry_on_timeout": "approximated: reset, which also retries lost connections",
    "retry.base_s": f"{_RETRY}.retry_back_off.base_interval; exact with full jitter",
    "retry.multiplier": "exact if 2, else approximated: mean waits kept where they can be",
    "retry.max_s": f"{_RETRY}.retry_back_off.max_interval; exact with full jitter",
    "retry.jitter_kind": "full: exact; others: approximated, mean waits kept",
    "retry.budget_kind": f"none, in_flight: exact; tokens: approximated by {_BUDGET}",
    "retry.budget_ratio": f"approximated: {_BUDGET}.budget_percent = b (W+B) / (W (1+b))",
    "retry.budget_min_rps": f"approximated: {_BUDGET}.min_retry_concurrency = ceil(rps (W+B))",
    "retry.budget_max": "dropped: nothing is saved up",
    "retry.in_flight_share": f"exact: {_BUDGET}.budget_percent",
    "retry.in_flight_min": f"exact: {_BUDGET}.min_retry_concurrency",
    "timeout.call_s": f"exact: {_RETRY}.per_try_timeout, without retries route.timeout",
    "timeout.total_s": "exact: route.timeout",
    "concurrency.limit": f"approximated: {_LIMIT}.max_requests, ceil(limit R / N) in each of N"
    " proxies",
    "concurrency.queue_limit": f"approximated: {_LIMIT}.max_pending_requests; HTTP/2: dropped",
}


def how(parameter: str) -> str:
    """One line on this parameter.

    Raises:
        KeyError: nothing is known of it.
    """
    if parameter.split(".")[0] in _GROUPS_NOT_HERE:
        return _NOT_HERE
    return HOW[parameter]
