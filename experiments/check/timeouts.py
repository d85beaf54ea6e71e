"""Time-outs that do not fit into their caller's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from hms.experiments.check.failures import hang, slow_answers
from hms.experiments.check.findings import Finding
from hms.experiments.check.quantities import rounded_down, seconds, whole
from hms.experiments.check.system import System, change_edge, waits_s
from hms.scenarios.model import Edge

TIMEOUT_NESTING = "timeout-nesting"
SHORTEST_S = 0.001
SHARE = 0.9
"""Of the caller's patience that a call may take: the rest is the component's own work."""
HALF = 0.5
"""Of the latency that an entry promises: several calls and the work between them share it."""
TIMES_USUAL = 10.0
"""A time-out below so many times the usual answer would cut healthy calls."""


def timeout_nesting(system: System) -> Iterator[Finding]:
    """A component that waits for its callee longer than its own caller waits for it.

    The callee's work is then for nobody, and the component never gets to use its fallback or to
    answer with an error of its own.
    """
    for edge in system.own_edges:
        above = _least_patient(system, edge)
        if above is None or system.timeout_is_guess(edge):
            continue
        patience_s, longest_s = system.call_s(above), system.longest_s(edge)
        if longest_s > patience_s:
            yield _finding(system, edge, above, patience_s, longest_s)


def _least_patient(system: System, edge: Edge) -> Edge | None:
    """The caller's caller that gives up first, of those whose time-out somebody wrote down."""
    stated = [e for e in system.callers_of(edge.caller) if not system.timeout_is_guess(e)]
    return min(stated, key=lambda e: (system.call_s(e), e.name), default=None)


def _finding(
    system: System, edge: Edge, above: Edge, patience_s: float, longest_s: float
) -> Finding:
    says = (
        f"waits {_sum(system, edge, longest_s)} for {edge.callee}, but {above.caller} gives it up"
        f" after {seconds(patience_s)}"
    )
    middle_s = (patience_s + min(longest_s, 4.0 * patience_s)) / 2.0
    return Finding(
        TIMEOUT_NESTING,
        edge.name,
        system.places.of(edge, *_keys(edge)),
        says,
        _fitting(system, edge, _usable_s(system, edge, patience_s)),
        (slow_answers(edge, math.ceil(10.0 * middle_s) / 10.0), hang(edge.callee)),
        also=(system.places.of(above, *_keys(above)),),
    )


def _attempts(system: System, edge: Edge) -> int:
    """Attempts that may all be waited out."""
    retry = system.at(edge).retry
    return retry.max_attempts if retry.retry_on_timeout else 1


def _sum(system: System, edge: Edge, longest_s: float) -> str:
    """How the longest wait comes about: `3 × 2 s + 150 ms of waits = 6.15 s`."""
    attempts = _attempts(system, edge)
    if attempts == 1:
        return seconds(system.call_s(edge))
    waits = waits_s(system.at(edge).retry, attempts)
    text = f"{attempts} × {seconds(system.call_s(edge))}"
    text += f" + {seconds(waits)} of waits" if waits > 0.0 else ""
    total_s = system.at(edge).timeout.total_s
    if 0.0 < total_s <= longest_s:
        return f"{text}, at most {seconds(total_s)} in all,"
    return f"{text} = {seconds(longest_s)}"


def _usable_s(system: System, edge: Edge, patience_s: float) -> float:
    """How long all attempts together may take.

    What people are promised bounds it as well, where that leaves the callee time enough: an
    answer, or a fallback, that comes after the promise is as bad as none.
    """
    callee = system.middle.components[edge.callee]
    usual_s = system.service_s(callee) + 2.0 * edge.network_s
    promised_s = HALF * system.promised_s(edge.caller)
    if promised_s < TIMES_USUAL * usual_s:
        return SHARE * patience_s
    return min(SHARE * patience_s, promised_s)


def _fitting(system: System, edge: Edge, usable_s: float) -> dict[str, Any]:
    """Time-outs that fit, in the words in which the file has them."""
    attempts = _attempts(system, edge)
    call_s = (usable_s - waits_s(system.at(edge).retry, attempts)) / attempts
    if call_s <= 0.0:  # the waits alone are longer: one attempt is all there is time for
        call_s = usable_s
    call_s = max(SHORTEST_S, rounded_down(min(call_s, system.call_s(edge))))
    if _keys(edge) == ("timeout_ms",) and attempts == 1:
        return change_edge(edge, timeout_ms=whole(round(1000.0 * call_s, 3)))
    total_s = max(SHORTEST_S, rounded_down(usable_s))
    return change_edge(edge, timeout={"call_s": call_s, "total_s": total_s})


def _keys(edge: Edge) -> tuple[str, ...]:
    """Where the time-out of an edge stands in a file."""
    group = edge.today.get("timeout", {})
    return ("timeout",) if "call_s" in group or "total_s" in group else ("timeout_ms",)
