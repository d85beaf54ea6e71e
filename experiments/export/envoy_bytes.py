"""An edge on which a proxy sees only bytes (Redis, plain TCP, TLS end to end).

There are no calls to cut, to repeat or to judge, only connections: the connect time-out and
further attempts to connect remain, and the breaker counts connections that were refused.
"""

from __future__ import annotations

from typing import Any

from hms.experiments.export.envoy_durations import seconds
from hms.experiments.export.envoy_route import CONNECT_MOST_S, OUTCOMES, tell_no_retries
from hms.experiments.export.loss import NOWHERE, Ledger, number
from hms.experiments.export.traffic import Traffic

ATTEMPTS = "tcp_proxy.max_connect_attempts"


def pass_through(name: str, t: Traffic, log: Ledger) -> dict[str, Any]:
    """The configuration of a `tcp_proxy` filter."""
    why = f"in {t.edge.protocol or 'an unknown protocol'} a proxy sees bytes, not calls"
    _tell_timeouts(t, log, why)
    attempts = _attempts(t, log, why)
    return {
        "stat_prefix": name,
        "cluster": t.callee.name,
        "idle_timeout": "0s",
        "max_connect_attempts": attempts,
    }


def _tell_timeouts(t: Traffic, log: Ledger, why: str) -> None:
    limit = seconds(min(t.call_s, CONNECT_MOST_S))
    only = f"{why}: only connecting is cut"
    log.approximated("timeout.call_s", "connect_timeout", f"{number(t.call_s)} s", limit, only)
    if t.timeout.total_s > 0.0:
        log.dropped("timeout.total_s", f"{number(t.timeout.total_s)} s", why)
    else:
        log.exact("timeout.total_s", NOWHERE, "no limit", NOWHERE)


def _attempts(t: Traffic, log: Ledger, why: str) -> int:
    p = t.retry
    if p.max_attempts == 1:
        tell_no_retries(p, log)
        return 1
    attempts = p.max_attempts if p.retry_on_refused else 1
    again = f"{why}: only a refused connection is tried again, at once"
    log.approximated("retry.max_attempts", ATTEMPTS, p.max_attempts, attempts, again)
    for outcome in OUTCOMES:
        parameter, on = f"retry.retry_on_{outcome}", getattr(p, f"retry_on_{outcome}")
        if outcome == "refused":
            log.exact(parameter, ATTEMPTS, on, attempts)
        elif on:
            log.dropped(parameter, on, why)
        else:
            log.exact(parameter, NOWHERE, on, NOWHERE)
    log.dropped("retry.jitter_kind", JITTERS[p.jitter_kind], "connects again at once")
    for name in ("base_s", "multiplier", "max_s"):
        log.dropped(f"retry.{name}", getattr(p, name), "connects again at once")
    return attempts


JITTERS = ("none", "full", "equal", "decorrelated")
