"""Breakers that cannot open, and ejections that round to none."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from hms.agents.policy.kinds import SCOPE_REPLICA, WINDOW_COUNT
from hms.agents.policy.parameters import BreakerParameters
from hms.experiments.check.failures import hang, too_late, wrong_answers
from hms.experiments.check.findings import Finding
from hms.experiments.check.quantities import count, per_second, seconds
from hms.experiments.check.retries import worst_factor
from hms.experiments.check.system import System, change_edge
from hms.scenarios.model import Edge

BREAKER_NEVER_OPENS = "breaker-never-opens"
EJECTION_ROUNDS_TO_ZERO = "ejection-rounds-to-zero"
PATIENCE_S = 60.0
"""A breaker that needs longer than this to have its results is of no use in an outage."""
WANTED_S = 5.0
"""A suggested breaker has its results within this time at the edge's rate."""
FEWEST, MOST = 5, 100
OFF = 1.0
"""A share above one is never reached: the rule is off."""


def breaker_never_opens(system: System) -> Iterator[Finding]:
    """A breaker whose window never holds the results that it waits for, or that has no rule."""
    for edge in system.own_edges:
        breaker = system.at(edge).breaker
        if "breaker" not in edge.today or not breaker.enabled or breaker.scope == SCOPE_REPLICA:
            continue
        rate_rps = system.rate_rps(edge)
        results_rps = rate_rps * _repeats(system, edge)
        why = _why_never(breaker, rate_rps, results_rps, system.call_s(edge))
        if why:
            yield Finding(
                BREAKER_NEVER_OPENS,
                edge.name,
                system.places.of(edge, "breaker"),
                why,
                change_edge(edge, breaker=_openable(breaker, rate_rps)),
                (hang(edge.callee), wrong_answers(edge.callee, 0), too_late(system, edge)),
                assumed=_rate_assumed(system),
            )


def _why_never(
    breaker: BreakerParameters, rate_rps: float, results_rps: float, call_s: float
) -> str:
    """Why it cannot open, "" if it can.

    Args:
        results_rps: with every call failing and retried: what a window holds at most.
        call_s: the time-out of one attempt.
    """
    if breaker.consecutive_failures > 0 or rate_rps <= 0.0:
        return ""
    if breaker.failure_rate > OFF and breaker.slow_call_rate > OFF:
        return "no rule opens it: failure rate, slow calls and failures in a row are all off"
    if breaker.failure_rate > OFF and breaker.slow_call_s >= call_s:
        return (
            f"only slow calls open it, slower than {seconds(breaker.slow_call_s)}: none is, as"
            f" the time-out of {seconds(call_s)} ends them before"
        )
    if breaker.window_kind == WINDOW_COUNT:
        needs_s = breaker.minimum_calls / results_rps
        if needs_s <= PATIENCE_S:
            return ""
        return (
            f"waits for {breaker.minimum_calls:,} results, which take {seconds(needs_s)} at"
            f" {per_second(rate_rps)}"
        )
    held = results_rps * breaker.window_s
    if held >= breaker.minimum_calls:
        return ""
    return (
        f"waits for {breaker.minimum_calls:,} results in {seconds(breaker.window_s)}, but at"
        f" {per_second(rate_rps)} at most {count(held)} come"
    )


def _repeats(system: System, edge: Edge) -> float:
    """How often a call that fails is made: each attempt is a result."""
    return worst_factor(system.at(edge).retry, system.rate_rps(edge))


def _openable(breaker: BreakerParameters, rate_rps: float) -> dict[str, Any]:
    """Settings that have their results within seconds at this rate."""
    if rate_rps * WANTED_S >= FEWEST:
        minimum = min(MOST, int(rate_rps * WANTED_S))
        if breaker.window_kind == WINDOW_COUNT:
            minimum = min(minimum, breaker.window_calls)
        change: dict[str, Any] = {"minimum_calls": minimum}
    else:
        minimum = FEWEST
        change = {"minimum_calls": minimum, "consecutive_failures": FEWEST}
    if breaker.window_kind != WINDOW_COUNT and rate_rps * breaker.window_s < 2 * minimum:
        change["window_s"] = float(max(10, min(600, math.ceil(2 * minimum / max(rate_rps, 0.01)))))
    if breaker.failure_rate > OFF:
        change["failure_rate"] = 0.5
    return change


def _rate_assumed(system: System) -> tuple[str, ...]:
    if any(system.scenario.ranges()):
        return ("rates at the middle of their ranges",)
    return ()


def ejection_rounds_to_zero(system: System) -> Iterator[Finding]:
    """A limit on ejected replicas that, of so few, allows none."""
    for edge in system.own_edges:
        breaker = system.at(edge).breaker
        if "breaker" not in edge.today or not breaker.enabled or breaker.scope != SCOPE_REPLICA:
            continue
        replicas = system.middle.components[edge.callee].replicas
        allowed = math.floor(breaker.ejected_share_max * replicas + 1e-9)
        if replicas < 2 or allowed > 0 or breaker.always_eject_one:
            continue
        share = breaker.ejected_share_max
        says = (
            f"at most {share:.0%} of {replicas} replicas may be out, which is"
            f" {share * replicas:.1f}: none is ever ejected"
        )
        yield Finding(
            EJECTION_ROUNDS_TO_ZERO,
            edge.name,
            system.places.of(edge, "breaker"),
            says,
            change_edge(edge, breaker={"ejected_share_max": math.ceil(100.0 / replicas) / 100.0}),
            (wrong_answers(edge.callee, 1), hang(edge.callee, 1)),
        )
