"""One edge's breaker as Envoy outlier detection (docs/export.md, sections 2 and 3).

Envoy has no breaker that opens an edge: it ejects replicas one by one, each proxy by what it
saw itself. An edge of R replicas is open when all of them are out, so all may be ejected
(`max_ejection_percent` 100) and no panic may bring them back (threshold 0). Rates are judged
once an interval, on that interval alone; between two such sweeps a run of consecutive
failures ejects. Ejection time grows by its first value (not by a factor), ends at a sweep, and
all traffic returns at once.
"""

from __future__ import annotations

import math
from typing import Any

from hms.agents.policy.kinds import SCOPE_REPLICA, WINDOW_TIME
from hms.agents.policy.parameters import BreakerParameters
from hms.experiments.export.envoy_durations import milliseconds, seconds
from hms.experiments.export.envoy_ejection import OUTLIER, how_many, open_times, told_value
from hms.experiments.export.loss import Ledger, number
from hms.experiments.export.traffic import BYTES, Traffic

CHANCE_MAX = 1e-4
"""How rarely a run of normal errors may eject a healthy replica."""

INTERVAL_LEAST_S = 0.1
CONNECTIONS = "counts connections that were refused: a proxy sees bytes, not calls"


def rate_counts(p: BreakerParameters) -> bool:
    """Whether a share of failures opens it."""
    return p.failure_rate <= 1.0


def may_open(t: Traffic) -> bool:
    """Whether any rule of this breaker is on that a proxy can follow."""
    p = t.breaker
    return p.enabled and (rate_counts(p) or t.cuts_slow_calls or p.consecutive_failures > 0)


def balancing(t: Traffic) -> dict[str, Any]:
    """When ejected replicas are used all the same, and how soon an ejection takes effect."""
    panic = 0.0
    if may_open(t) and t.breaker.scope == SCOPE_REPLICA:
        panic = 100.0 * t.breaker.panic_share
    return {"healthy_panic_threshold": {"value": panic}, "update_merge_window": "0s"}


def outlier_detection(t: Traffic, log: Ledger) -> dict[str, Any] | None:
    """The block of one cluster, None where nothing can open."""
    if not may_open(t):
        _tell_no_breaker(t, log)
        return None
    log.exact("breaker.enabled", OUTLIER, True, "present")
    block: dict[str, Any] = {"split_external_local_origin_errors": False}
    interval_s = _interval_s(t, log)
    block["interval"] = seconds(interval_s)
    block |= _in_a_row(t, log)
    block |= _by_rate(t, log)
    block |= open_times(t, log, interval_s)
    block |= how_many(t, log)
    block |= {
        "enforcing_success_rate": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_local_origin_success_rate": 0,
        "enforcing_failure_percentage_local_origin": 0,
    }
    return block


def _interval_s(t: Traffic, log: Ledger) -> float:
    """How often rates are judged and replicas return: the window, or our own sweep."""
    p, key = t.breaker, f"{OUTLIER}.interval"
    if p.scope == SCOPE_REPLICA:
        log.close("breaker.sweep_s", key, p.sweep_s, milliseconds(p.sweep_s), seconds(p.sweep_s))
        for name in ("window_kind", "window_s", "window_calls"):
            log.unused(f"breaker.{name}", told_value(p, name), "replicas are judged between sweeps")
        return p.sweep_s
    log.unused("breaker.sweep_s", f"{number(p.sweep_s)} s", "breaker.scope is edge")
    if not (rate_counts(p) or t.cuts_slow_calls):
        for name in ("window_kind", "window_s", "window_calls"):
            log.unused(f"breaker.{name}", told_value(p, name), "no rate is judged")
        return min(max(p.open_s / 10.0, INTERVAL_LEAST_S), 1.0)
    if p.window_kind == WINDOW_TIME:
        interval_s = p.window_s
        why = "tumbling: each interval is judged alone, when it ends"
        log.approximated("breaker.window_kind", key, "time", "tumbling", why)
        ours = told_value(p, "window_s")
        log.approximated("breaker.window_s", key, ours, seconds(interval_s), why)
        log.unused("breaker.window_calls", p.window_calls, "breaker.window_kind is time")
        return interval_s
    interval_s = p.window_s
    formula = "no load is known on this edge, so breaker.window_s"
    if t.rate_rps > 0.0:
        interval_s = max(p.window_calls / t.rate_rps, INTERVAL_LEAST_S)
        formula = f"{p.window_calls} calls / {number(t.rate_rps)} a second, tumbling"
    log.approximated("breaker.window_kind", key, "count", "time", formula)
    log.approximated("breaker.window_calls", key, p.window_calls, seconds(interval_s), formula)
    log.unused("breaker.window_s", told_value(p, "window_s"), "breaker.window_kind is count")
    return interval_s


def _in_a_row(t: Traffic, log: Ledger) -> dict[str, Any]:
    """Consecutive failures, by rule or as the fast path of a rate."""
    p, replicas, key = t.breaker, t.callee.replicas, f"{OUTLIER}.consecutive_5xx"
    k = p.consecutive_failures
    if k > 0:
        row = k if p.scope == SCOPE_REPLICA else math.ceil(k / replicas)
        if t.family == BYTES:
            log.approximated("breaker.consecutive_failures", key, k, row, CONNECTIONS)
        elif row == k:
            log.exact("breaker.consecutive_failures", key, k, row)
        else:
            formula = f"ceil({k} / {replicas} replicas), each replica by itself"
            log.approximated("breaker.consecutive_failures", key, k, row, formula)
        return {"consecutive_5xx": row, "enforcing_consecutive_5xx": 100}
    if p.scope == SCOPE_REPLICA or not (rate_counts(p) or t.cuts_slow_calls):
        log.exact("breaker.consecutive_failures", f"{OUTLIER}.enforcing_consecutive_5xx", "off", 0)
        return {"enforcing_consecutive_5xx": 0}
    row = fast_path(t)
    log.exact("breaker.consecutive_failures", key, "off", f"{row}, see breaker.failure_rate")
    formula = (
        f"fast path between sweeps: max(2, ceil({p.minimum_calls} / {replicas})) in a row,"
        f" more where an error share of {number(t.error_share)} would do it by chance"
    )
    parameter = "breaker.failure_rate" if rate_counts(p) else "breaker.slow_call_rate"
    log.approximated(parameter, key, "rate", row, formula)
    return {"consecutive_5xx": row, "enforcing_consecutive_5xx": 100}


def fast_path(t: Traffic) -> int:
    """K = max(2, ceil(min / R)), raised until p^K < 1e-4 at the normal error share p."""
    row = max(2, math.ceil(t.breaker.minimum_calls / t.callee.replicas))
    normal = min(t.error_share, 0.5)
    while normal > 0.0 and normal**row >= CHANCE_MAX:
        row += 1
    return row


def _by_rate(t: Traffic, log: Ledger) -> dict[str, Any]:
    """The share of failures of each replica; slow calls were cut and are among them."""
    p = t.breaker
    _tell_slow(t, log)
    if not (rate_counts(p) or t.cuts_slow_calls):
        log.exact("breaker.failure_rate", f"{OUTLIER}.enforcing_failure_percentage", "off", 0)
        log.unused("breaker.minimum_calls", p.minimum_calls, "no rate is judged")
        return {"enforcing_failure_percentage": 0}
    volume = p.minimum_calls
    if p.scope != SCOPE_REPLICA:
        volume = math.ceil(p.minimum_calls / t.callee.replicas)
    return {
        "failure_percentage_threshold": _percent(t, log),
        "enforcing_failure_percentage": 100,
        "failure_percentage_minimum_hosts": 1,
        "failure_percentage_request_volume": _tell_volume(t, log, volume),
    }


def _percent(t: Traffic, log: Ledger) -> int:
    """The threshold in whole percent; 0 would eject healthy replicas, so at least 1."""
    p, key = t.breaker, f"{OUTLIER}.failure_percentage_threshold"
    share = p.failure_rate if rate_counts(p) else p.slow_call_rate
    percent = min(max(round(100.0 * share), 1), 100)
    if not rate_counts(p):
        log.exact("breaker.failure_rate", key, "off", f"{percent}, see breaker.slow_call_rate")
    elif t.family == BYTES:
        told = told_value(p, "failure_rate")
        log.approximated("breaker.failure_rate", key, told, percent, CONNECTIONS)
    elif p.scope == SCOPE_REPLICA:
        log.close("breaker.failure_rate", key, share, percent / 100.0, str(percent))
    else:
        error = f"off by {number(abs(percent - 100.0 * share))} points"
        how = f"each replica by itself, at the end of an interval; {error}"
        log.approximated("breaker.failure_rate", key, told_value(p, "failure_rate"), percent, how)
    return percent


def _tell_volume(t: Traffic, log: Ledger, volume: int) -> int:
    p, key = t.breaker, f"{OUTLIER}.failure_percentage_request_volume"
    if volume == p.minimum_calls:
        log.exact("breaker.minimum_calls", key, p.minimum_calls, volume)
    else:
        formula = f"ceil({p.minimum_calls} / {t.callee.replicas} replicas), each by itself"
        log.approximated("breaker.minimum_calls", key, p.minimum_calls, volume, formula)
    return volume


def _tell_slow(t: Traffic, log: Ledger) -> None:
    p = t.breaker
    idle = "slow calls do not open it" if p.slow_call_rate > 1.0 else ""
    if p.scope == SCOPE_REPLICA:
        idle = "replicas are not judged by slow calls"
    for name in ("slow_call_rate", "slow_call_s") if not t.cuts_slow_calls else ():
        if idle:
            log.unused(f"breaker.{name}", told_value(p, name), idle)
        else:
            log.dropped(f"breaker.{name}", told_value(p, name), CONNECTIONS)
    if t.cuts_slow_calls:
        _tell_cut(t, log)


def _tell_cut(t: Traffic, log: Ledger) -> None:
    """Slow calls are cut and counted as failures."""
    p, key = t.breaker, "route.retry_policy.per_try_timeout"
    if p.slow_call_s < t.call_s:
        why = "Envoy knows no slow calls: cut there, they fail and count as failures"
        written = seconds(p.slow_call_s)
    else:
        why = "a call so slow has met timeout.call_s and counts as a failure"
        written = "the call's time-out"
    log.approximated("breaker.slow_call_s", key, told_value(p, "slow_call_s"), written, why)
    at = "breaker.failure_rate" if rate_counts(p) else "this rate"
    why = f"slow calls are failures, so it opens at {at} of both together"
    threshold = f"{OUTLIER}.failure_percentage_threshold"
    ours = told_value(p, "slow_call_rate")
    log.approximated("breaker.slow_call_rate", threshold, ours, "among failures", why)


def _tell_no_breaker(t: Traffic, log: Ledger) -> None:
    """Nothing opens: every other parameter of the breaker is idle, which loses nothing."""
    p = t.breaker
    why = "no breaker" if not p.enabled else "no rule of the breaker is on"
    log.exact("breaker.enabled", OUTLIER, p.enabled, f"left out: {why}")
    told_apart = ("enabled", "slow_call_rate", "slow_call_s") if p.enabled else ("enabled",)
    for name in BreakerParameters.__dataclass_fields__:
        if name not in told_apart:
            log.unused(f"breaker.{name}", told_value(p, name), why)
    if p.enabled:
        _tell_slow(t, log)
