"""One edge's time-outs and retries as an Envoy route (docs/export.md, section 2).

Envoy counts repeats, not calls: `num_retries` is our `max_attempts` - 1. Its back-off always
draws from zero to a bound that doubles, so other kinds keep the mean wait: without jitter the
bound is twice ours, with `equal` one and a half times. A call that timed out is made again
only if `reset` is among the words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hms.agents.policy.kinds import ATTEMPT_NAMES, JITTER_DECORRELATED, JITTER_FULL
from hms.agents.policy.parameters import RetryParameters
from hms.agents.policy.retry import longest_wait_s, mean_backoff_s
from hms.experiments.export.envoy_durations import LEAST_S, milliseconds, seconds
from hms.experiments.export.loss import Ledger, number
from hms.experiments.export.traffic import GRPC, Traffic

OUTCOMES = ATTEMPT_NAMES[1:]
LATE = "also retries connections lost while a call was under way"
GRPC_WORDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "refused": (("connect-failure", "refused-stream", "resource-exhausted"), ""),
    "unavailable": (("unavailable",), ""),
    "error": (("internal",), "INTERNAL only: Envoy has no word for UNKNOWN and DATA_LOSS"),
    "cancelled": (("cancelled",), ""),
    "timeout": (("deadline-exceeded", "reset"), LATE),
}
HTTP_WORDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "refused": (
        ("connect-failure", "refused-stream"),
        "a full queue that answers 503 counts as unavailable",
    ),
    "unavailable": (("429", "503"), ""),
    "error": (("500", "502"), "other wrong answers are not told apart from right ones"),
    "cancelled": ((), "HTTP has no answer that says so"),
    "timeout": (("reset", "504"), LATE),
}
"""For each outcome the words, or status codes, and what is not the same; "" where all is."""

CONNECT_MOST_S = 5.0
"""Envoy's own time to connect; a shorter time-out of the call is a shorter one of this, too."""

MEAN_SHARES = (1.0, 0.5, 0.75)
"""Mean of a wait as a share of its bound: without jitter, full, equal."""

BACK_OFF = "route.retry_policy.retry_back_off"


def attempt_limit_s(t: Traffic) -> float:
    """When an attempt is cut: at its time-out, or where it would count as slow, or at the end.

    Envoy knows no slow calls; a call cut there fails, and failures it does count.
    """
    limit_s = t.call_s
    if t.cuts_slow_calls:
        limit_s = min(limit_s, t.breaker.slow_call_s)
    return min(limit_s, t.timeout.total_s) if t.timeout.total_s > 0.0 else limit_s


def route(t: Traffic, log: Ledger) -> dict[str, Any]:
    """The route action of one edge: cluster, time-outs, retries."""
    action: dict[str, Any] = {"cluster": t.callee.name}
    attempt_s = milliseconds(attempt_limit_s(t))
    retries = t.retry.max_attempts > 1
    whole_s = milliseconds(_whole_call_s(t, attempt_s))
    action["timeout"] = seconds(whole_s)
    key = "route.retry_policy.per_try_timeout" if retries else "route.timeout"
    _tell_timeouts(t, log, key, attempt_s, whole_s)
    if retries:
        action["retry_policy"] = _retry_policy(t, log, attempt_s)
    else:
        tell_no_retries(t.retry, log)
    return action


def _whole_call_s(t: Traffic, attempt_s: float) -> float:
    """`total_s`, or where there is none the longest that all attempts and waits can take."""
    a = t.retry.max_attempts
    bound_s, cap_s = back_off_s(t.retry)
    waits_s = sum(min(bound_s * 2.0**n, cap_s) for n in range(a - 1))
    longest_s = a * attempt_s + waits_s
    if t.timeout.total_s > 0.0:
        return min(t.timeout.total_s, longest_s) if a == 1 else t.timeout.total_s
    return math.ceil(longest_s * 1000.0 - 1e-6) / 1000.0


def _tell_timeouts(t: Traffic, log: Ledger, key: str, attempt_s: float, whole_s: float) -> None:
    call_s = min(t.call_s, t.timeout.total_s) if t.timeout.total_s > 0.0 else t.call_s
    if attempt_s < milliseconds(call_s):
        why = f"cut at breaker.slow_call_s {number(t.breaker.slow_call_s)} s, see there"
        log.approximated("timeout.call_s", key, f"{number(t.call_s)} s", seconds(attempt_s), why)
    elif call_s < t.call_s:
        why = "no attempt can outlast timeout.total_s"
        log.exact("timeout.call_s", key, f"{number(t.call_s)} s", seconds(attempt_s), why)
    else:
        log.close("timeout.call_s", key, t.call_s, attempt_s, seconds(attempt_s))
    total_s = t.timeout.total_s
    if total_s > 0.0 and whole_s < milliseconds(total_s):
        why = "one attempt is over before"
        log.exact("timeout.total_s", "route.timeout", f"{number(total_s)} s", seconds(whole_s), why)
    elif total_s > 0.0:
        log.close("timeout.total_s", "route.timeout", total_s, whole_s, seconds(whole_s))
    else:
        why = "time for all attempts and waits; left out, Envoy would cut at 15 s"
        log.exact("timeout.total_s", "route.timeout", "no limit", seconds(whole_s), why)


def _retry_policy(t: Traffic, log: Ledger, attempt_s: float) -> dict[str, Any]:
    a = t.retry.max_attempts
    note = "Envoy counts the calls after the first"
    log.exact("retry.max_attempts", "route.retry_policy.num_retries", a, a - 1, note)
    words, codes = _retry_on(t, log)
    policy: dict[str, Any] = {"retry_on": ",".join(words), "num_retries": a - 1}
    if codes:
        policy["retriable_status_codes"] = codes
    policy["per_try_timeout"] = seconds(attempt_s)
    bound_s, cap_s = back_off_s(t.retry)
    policy["retry_back_off"] = {"base_interval": seconds(bound_s), "max_interval": seconds(cap_s)}
    _tell_back_off(t.retry, log, milliseconds(bound_s), milliseconds(cap_s))
    return policy


def _retry_on(t: Traffic, log: Ledger) -> tuple[list[str], list[int]]:
    """Words and status codes for the outcomes that are tried again, by the edge's protocol."""
    table = GRPC_WORDS if t.family == GRPC else HTTP_WORDS
    words: list[str] = []
    codes: list[int] = []
    for outcome in OUTCOMES:
        parameter = f"retry.retry_on_{outcome}"
        key = "route.retry_policy.retry_on"
        told, unlike = table[outcome]
        if not getattr(t.retry, f"retry_on_{outcome}"):
            log.exact(parameter, key, False, "no such word")
            continue
        if not told:
            log.dropped(parameter, True, unlike)
        elif unlike:
            log.approximated(parameter, key, True, ", ".join(told), unlike)
        else:
            log.exact(parameter, key, True, ", ".join(told))
        words += [word for word in told if not word.isdigit()]
        codes += [int(word) for word in told if word.isdigit()]
    if codes:
        words.append("retriable-status-codes")
    return words, sorted(codes)


def back_off_s(p: RetryParameters) -> tuple[float, float]:
    """The bound of Envoy's first wait and its cap, s: mean waits as ours.

    Decorrelated waits have no capped mean; theirs is taken at the last repeat there can be.
    """
    if p.jitter_kind == JITTER_DECORRELATED:
        first_s = 2.0 * mean_backoff_s(p, 1)
        last_s = 2.0 * mean_backoff_s(p, max(p.max_attempts - 1, 1))
    else:
        widen = 2.0 * MEAN_SHARES[p.jitter_kind]
        first_s, last_s = widen * longest_wait_s(p, 1), widen * p.max_s
    first_s = max(first_s, LEAST_S)
    return first_s, max(last_s, first_s)


def back_off_error(p: RetryParameters, bound_s: float, cap_s: float) -> float:
    """The largest error of a mean wait, as a share of ours, over the waits that can occur."""
    worst = 0.0
    for repeat in range(1, p.max_attempts):
        ours_s = mean_backoff_s(p, repeat)
        theirs_s = min(bound_s * 2.0 ** (repeat - 1), cap_s) / 2.0
        if ours_s > 0.0:
            worst = max(worst, abs(theirs_s - ours_s) / ours_s)
    return worst


def _tell_back_off(p: RetryParameters, log: Ledger, bound_s: float, cap_s: float) -> None:
    error = back_off_error(p, bound_s, cap_s)
    kind = ("none", "full", "equal", "decorrelated")[p.jitter_kind]
    first, last = f"{BACK_OFF}.base_interval", f"{BACK_OFF}.max_interval"
    means = f"mean waits kept, off by at most {100.0 * error:.2g} %"
    if p.jitter_kind == JITTER_FULL:
        log.exact("retry.jitter_kind", BACK_OFF, kind, "always full")
        base_s = min(p.base_s, p.max_s)
        log.close("retry.base_s", first, base_s, bound_s, seconds(bound_s))
    else:
        log.approximated("retry.jitter_kind", BACK_OFF, kind, "always full", means)
        told = f"{number(p.base_s)} s"
        log.approximated("retry.base_s", first, told, seconds(bound_s), means)
    if p.max_attempts == 2:
        log.unused("retry.multiplier", p.multiplier, "there is one wait only")
    elif error > 1e-3:
        log.approximated("retry.multiplier", BACK_OFF, p.multiplier, "always 2", means)
    else:
        log.exact("retry.multiplier", BACK_OFF, p.multiplier, "always 2")
    if p.jitter_kind == JITTER_FULL:
        log.close("retry.max_s", last, max(p.max_s, LEAST_S), cap_s, seconds(cap_s))
    else:
        log.approximated("retry.max_s", last, f"{number(p.max_s)} s", seconds(cap_s), means)


def tell_no_retries(p: RetryParameters, log: Ledger) -> None:
    """One attempt: what a retry would do is idle, which loses nothing."""
    log.exact("retry.max_attempts", "route.retry_policy", 1, "left out: no retries")
    for outcome in OUTCOMES:
        on = getattr(p, f"retry_on_{outcome}")
        log.unused(f"retry.retry_on_{outcome}", on, "one attempt")
    log.unused("retry.base_s", f"{number(p.base_s)} s", "one attempt")
    log.unused("retry.multiplier", p.multiplier, "one attempt")
    log.unused("retry.max_s", f"{number(p.max_s)} s", "one attempt")
    kind = ("none", "full", "equal", "decorrelated")[p.jitter_kind]
    log.unused("retry.jitter_kind", kind, "one attempt")
