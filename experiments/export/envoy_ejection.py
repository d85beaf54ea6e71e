"""How long Envoy ejects a replica, and how many at once (docs/export.md, section 3).

The open time grows by its first value, not by a factor, and ends at a sweep. Ours takes jitter
off and Envoy adds it, so the base is the least that ours can be.
"""

from __future__ import annotations

import math
from typing import Any

from hms.agents.policy.kinds import GROWTH_LINEAR, SCOPE_REPLICA
from hms.agents.policy.parameters import BreakerParameters
from hms.experiments.export.envoy_durations import milliseconds, seconds
from hms.experiments.export.loss import Ledger, number
from hms.experiments.export.traffic import Traffic

OUTLIER = "outlier_detection"
OPENINGS = 6
"""Openings over which the error of a growing open time is told."""

CHOICES = {
    "scope": ("edge", "replica"),
    "window_kind": ("count", "time"),
    "open_growth": ("geometric", "linear"),
}


def told_value(p: BreakerParameters, name: str) -> str:
    """One of our values as text, with its unit."""
    value = getattr(p, name)
    if name in ("failure_rate", "slow_call_rate") and value > 1.0:
        return "off"
    if name in CHOICES:
        return CHOICES[name][value]
    told = number(float(value)) if isinstance(value, float) else str(value)
    return f"{told} s" if name.endswith("_s") else told


def open_times(t: Traffic, log: Ledger, interval_s: float) -> dict[str, Any]:
    """Base, growth, cap and jitter. Ours takes jitter off, Envoy adds it: base is the least."""
    p = t.breaker
    first_s = min(p.open_s, p.open_max_s)
    constant = p.open_growth != GROWTH_LINEAR and p.open_multiplier <= 1.0
    cap_s = first_s if constant else max(p.open_max_s, first_s)
    jitter_s = milliseconds(p.jitter_share * first_s)
    base_s = max(milliseconds(first_s - jitter_s), 0.001)
    most_s = max(milliseconds(cap_s - jitter_s), base_s)
    _tell_open(t, log, (base_s, most_s), interval_s)
    key = f"{OUTLIER}.max_ejection_time_jitter"
    if jitter_s > 0.0:
        formula = f"{seconds(jitter_s)} of each ejection, ours a share of it: the first is equal"
        log.approximated(
            "breaker.jitter_share", key, p.jitter_share, seconds(jitter_s), formula
        )
    else:
        log.exact("breaker.jitter_share", key, p.jitter_share, "0s")
    for name in ("half_open_calls", "half_open_lease_s"):
        if p.scope == SCOPE_REPLICA:
            log.unused(f"breaker.{name}", told_value(p, name), "a replica returns at once")
        else:
            why = "Envoy sends all traffic to a replica that returns"
            log.dropped(f"breaker.{name}", told_value(p, name), why)
    return {
        "base_ejection_time": seconds(base_s),
        "max_ejection_time": seconds(most_s),
        "max_ejection_time_jitter": seconds(jitter_s),
    }


def _tell_open(
    t: Traffic, log: Ledger, written_s: tuple[float, float], interval_s: float
) -> None:
    p, (base_s, most_s) = t.breaker, written_s
    base, most = f"{OUTLIER}.base_ejection_time", f"{OUTLIER}.max_ejection_time"
    jitter = "less the jitter that Envoy adds; " if p.jitter_share > 0.0 else ""
    error = growth_error(p)
    grows = f"open time is base x n, off by at most {100.0 * error:.3g} % in {OPENINGS} openings"
    if p.scope == SCOPE_REPLICA and not jitter:
        log.close("breaker.open_s", base, p.open_s, base_s, seconds(base_s))
        log.close("breaker.open_max_s", most, p.open_max_s, most_s, seconds(most_s))
    else:
        how = f"{jitter}ends at the next sweep, up to {seconds(interval_s)} later"
        log.approximated("breaker.open_s", base, told_value(p, "open_s"), seconds(base_s), how)
        ours = told_value(p, "open_max_s")
        log.approximated("breaker.open_max_s", most, ours, seconds(most_s), how)
    growth = ("geometric", "linear")[p.open_growth]
    if p.open_growth == GROWTH_LINEAR:
        log.exact("breaker.open_growth", base, growth, "base x n")
        log.unused("breaker.open_multiplier", p.open_multiplier, "breaker.open_growth is linear")
    elif p.open_multiplier <= 1.0:
        log.exact("breaker.open_growth", most, growth, "constant: the longest is the first")
        log.exact("breaker.open_multiplier", most, p.open_multiplier, "the longest is the first")
    else:
        log.approximated("breaker.open_growth", base, growth, "base x n", grows)
        log.approximated("breaker.open_multiplier", base, p.open_multiplier, "base x n", grows)


def growth_error(p: BreakerParameters) -> float:
    """Largest relative error of base x n beside base m^(n-1), both capped, over `OPENINGS`."""
    worst = 0.0
    for n in range(1, OPENINGS + 1):
        ours_s = min(p.open_s * p.open_multiplier ** (n - 1), p.open_max_s)
        theirs_s = min(p.open_s * n, p.open_max_s)
        worst = max(worst, abs(theirs_s - ours_s) / ours_s)
    return worst


def how_many(t: Traffic, log: Ledger) -> dict[str, Any]:
    """How many replicas may be out, and whether one always may."""
    p, replicas, key = t.breaker, t.callee.replicas, f"{OUTLIER}.max_ejection_percent"
    if p.scope != SCOPE_REPLICA:
        note = f"all {replicas} replicas may be out: then every call is refused at once"
        if replicas == 1:
            log.exact("breaker.scope", key, "edge", "100, one replica")
        else:
            log.approximated("breaker.scope", key, "edge", 100, f"replica by replica; {note}")
        for name in ("ejected_share_max", "always_eject_one", "panic_share"):
            log.unused(f"breaker.{name}", told_value(p, name), "breaker.scope is edge")
        return {"max_ejection_percent": 100, "always_eject_one_host": True}
    log.exact("breaker.scope", OUTLIER, "replica", "as Envoy does it")
    percent = round(100.0 * p.ejected_share_max)
    if abs(percent - 100.0 * p.ejected_share_max) > 1e-9:
        allowed = math.floor(p.ejected_share_max * replicas + 1e-9)
        percent = max(math.ceil(100.0 * allowed / replicas), math.floor(100 * p.ejected_share_max))
    written = percent / 100.0
    log.close("breaker.ejected_share_max", key, p.ejected_share_max, written, f"{percent}")
    always = f"{OUTLIER}.always_eject_one_host"
    log.exact("breaker.always_eject_one", always, p.always_eject_one, p.always_eject_one)
    panic = 100.0 * p.panic_share
    where = "common_lb_config.healthy_panic_threshold"
    log.close("breaker.panic_share", where, p.panic_share, panic / 100.0, f"{number(panic)} %")
    return {"max_ejection_percent": percent, "always_eject_one_host": p.always_eject_one}
