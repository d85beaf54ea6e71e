"""How many calls a proxy lets pass at once, and how many repeats, as Envoy circuit breakers.

Envoy counts per proxy, one beside each replica of the caller, so a limit of the callee is
divided by their number. Its retry budget is a share of what is in flight now; ours is a share
of successes. Equal load in a total outage: r = p W / (W + B - p W), so p = b (W + B) / (W
(1 + b)), W the mean attempt, B the mean wait (docs/export.md, section 2).
"""

from __future__ import annotations

import math
from typing import Any

from hms.agents.policy.kinds import BUDGET_IN_FLIGHT, BUDGET_NONE
from hms.experiments.export.loss import Ledger, number
from hms.experiments.export.traffic import BYTES, GRPC, HTTP, Traffic

UNLIMITED = 4_294_967_295
"""Written where we set no limit: Envoy's own is 1024 (3 for retries)."""

THRESHOLDS = "circuit_breakers.thresholds"
PERCENT = f"{THRESHOLDS}.retry_budget.budget_percent"
AT_LEAST = f"{THRESHOLDS}.retry_budget.min_retry_concurrency"
BUDGET_NAMES = ("none", "tokens", "in_flight")
ONE_ATTEMPT = "one attempt"


def circuit_breakers(t: Traffic, log: Ledger) -> dict[str, Any]:
    """The one threshold of a cluster: connections, requests, waiting requests, retries."""
    limit = _limit(t, log)
    waiting = _waiting(t, log, limit)
    threshold: dict[str, Any] = {
        "priority": "DEFAULT",
        "max_connections": UNLIMITED if t.family == GRPC else limit,
        "max_pending_requests": waiting,
        "max_requests": limit,
        "max_retries": UNLIMITED,
    }
    budget = _retry_budget(t, log)
    if budget:
        del threshold["max_retries"]  # Envoy ignores it beside a budget
        threshold["retry_budget"] = budget
    return {"thresholds": [threshold]}


def _limit(t: Traffic, log: Ledger) -> int:
    key = f"{THRESHOLDS}.max_requests"
    ours = t.concurrency.limit
    if ours == 0:
        why = "the callee keeps its own limit; left out, Envoy would take 1024"
        log.exact("concurrency.limit", key, "as the scenario says", UNLIMITED, why)
        return UNLIMITED
    share = math.ceil(ours * t.callee.replicas / t.caller.replicas)
    if t.callee.replicas == t.caller.replicas == 1:
        log.exact("concurrency.limit", key, ours, share, "in the caller's proxy")
    else:
        formula = (
            f"per proxy: ceil({ours} x {t.callee.replicas} replicas / "
            f"{t.caller.replicas} proxies); other callers have their own"
        )
        log.approximated("concurrency.limit", key, ours, share, formula)
    return share


def _waiting(t: Traffic, log: Ledger, limit: int) -> int:
    parameter, key = "concurrency.queue_limit", f"{THRESHOLDS}.max_pending_requests"
    given = t.concurrency.queue_limit
    ours = given if given >= 0 else t.callee.queue_limit
    said = str(given) if given >= 0 else "as the scenario says"
    if limit == UNLIMITED:
        if given < 0:
            why = "the callee keeps its own queue; left out, Envoy would take 1024"
            log.exact(parameter, key, said, UNLIMITED, why)
        else:
            log.dropped(parameter, said, "nothing waits in a proxy without a limit")
        return UNLIMITED
    if t.family != HTTP:
        what = "over HTTP/2 calls share connections" if t.family == GRPC else "in a TCP proxy"
        log.dropped(parameter, said, f"{what}: nothing waits for a slot, all over it is refused")
        return UNLIMITED
    share = max(1, math.ceil(ours * t.callee.replicas / t.caller.replicas))
    if t.callee.replicas == t.caller.replicas == 1 and ours >= 1:
        log.exact(parameter, key, said, share, "in the caller's proxy")
    else:
        formula = (
            f"per proxy: max(1, ceil({ours} x {t.callee.replicas} / {t.caller.replicas}));"
            " 0 would refuse every call"
        )
        log.approximated(parameter, key, said, share, formula)
    return share


def _retry_budget(t: Traffic, log: Ledger) -> dict[str, Any] | None:
    p = t.retry
    kind = BUDGET_NAMES[p.budget_kind]
    idle = ONE_ATTEMPT if p.max_attempts == 1 else f"retry.budget_kind is {kind}"
    if p.max_attempts > 1 and t.family == BYTES:
        tell_no_budget(t, log, "connecting again is not counted")
        return None
    if p.max_attempts == 1 or p.budget_kind != BUDGET_IN_FLIGHT:
        log.unused("retry.in_flight_share", p.in_flight_share, idle)
        log.unused("retry.in_flight_min", p.in_flight_min, idle)
    if p.max_attempts == 1 or p.budget_kind in (BUDGET_NONE, BUDGET_IN_FLIGHT):
        log.unused("retry.budget_ratio", p.budget_ratio, idle)
        log.unused("retry.budget_min_rps", p.budget_min_rps, idle)
        log.unused("retry.budget_max", p.budget_max, idle)
    if p.max_attempts == 1:
        log.unused("retry.budget_kind", kind, ONE_ATTEMPT)
        return None
    if p.budget_kind == BUDGET_NONE:
        why = "left out, Envoy would take 3 retries in flight"
        log.exact("retry.budget_kind", f"{THRESHOLDS}.max_retries", kind, UNLIMITED, why)
        return None
    if p.budget_kind == BUDGET_IN_FLIGHT:
        return _share_in_flight(t, log)
    return _share_of_successes(t, log)


def _share_in_flight(t: Traffic, log: Ledger) -> dict[str, Any]:
    p = t.retry
    percent = round(100.0 * p.in_flight_share, 3)
    log.exact("retry.budget_kind", f"{THRESHOLDS}.retry_budget", "in_flight", "per proxy")
    log.close("retry.in_flight_share", PERCENT, p.in_flight_share, percent / 100.0, f"{percent} %")
    log.exact("retry.in_flight_min", AT_LEAST, p.in_flight_min, p.in_flight_min)
    return _budget(percent, p.in_flight_min)


def _share_of_successes(t: Traffic, log: Ledger) -> dict[str, Any]:
    p = t.retry
    whole_s = t.attempt_s + t.backoff_s
    share = p.budget_ratio * whole_s / (t.attempt_s * (1.0 + p.budget_ratio))
    percent = round(min(100.0 * share, 100.0), 3)
    least = math.ceil(p.budget_min_rps * whole_s - 1e-9)
    why = "a share of the requests in flight at this moment, retries that wait count"
    log.approximated("retry.budget_kind", f"{THRESHOLDS}.retry_budget", "tokens", "in flight", why)
    formula = (
        f"b (W+B) / (W (1+b)), W {number(t.attempt_s)} s, B {number(t.backoff_s)} s;"
        f" worst load {1.0 + _worst_retries(t, percent):.2f} x, ours {1.0 + p.budget_ratio:.2f} x"
    )
    log.approximated("retry.budget_ratio", PERCENT, p.budget_ratio, f"{percent} %", formula)
    if p.budget_min_rps > 0.0:
        formula = f"ceil(rps (W+B)), at most {number(least / whole_s)}/s"
    elif p.budget_max >= 1.0:
        least = 1
        formula = "0 would forbid every retry below 1/p requests in flight: one at a time"
    else:
        formula = "no retry below 1/p requests in flight"
    said = f"{number(p.budget_min_rps)}/s"
    log.approximated("retry.budget_min_rps", AT_LEAST, said, least, formula)
    why = f"a burst of {number(p.budget_max)} is not saved up: the share holds at every moment"
    log.dropped("retry.budget_max", p.budget_max, why)
    return _budget(percent, least)


def _worst_retries(t: Traffic, percent: float) -> float:
    """Retries a call in a total outage: r = p W / (W + B - p W), at most a - 1."""
    p, most = percent / 100.0, float(t.retry.max_attempts - 1)
    left_s = t.attempt_s + t.backoff_s - p * t.attempt_s
    return min(p * t.attempt_s / left_s, most) if left_s > 0.0 else most


def _budget(percent: float, least: int) -> dict[str, Any]:
    """Never `budget_interval`: it makes a share of 20 % a load of x 3.75."""
    return {"budget_percent": {"value": percent}, "min_retry_concurrency": least}


def tell_no_budget(t: Traffic, log: Ledger, why: str) -> None:
    """Where repeats cannot be bounded: every parameter of the budget is dropped."""
    p = t.retry
    log.dropped("retry.budget_kind", BUDGET_NAMES[p.budget_kind], why)
    for name in ("budget_ratio", "budget_min_rps", "budget_max", "in_flight_share"):
        log.dropped(f"retry.{name}", getattr(p, name), why)
    log.dropped("retry.in_flight_min", p.in_flight_min, why)
