"""Time-outs that do not fit into their caller's."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hms.experiments.check.failures import hang, slow_answers
from hms.experiments.check.findings import Finding
from hms.experiments.check.quantities import rounded_down, seconds
from hms.experiments.check.system import System, change_edge, waits_s
from hms.scenarios.model import Edge

TIMEOUT_NESTING = "timeout-nesting"
SHORTEST_S = 0.001
SHARE = 0.9
"""Of the caller's patience that a call may take: the rest is the component's own work."""


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
    retry = system.at(edge).retry
    attempts = retry.max_attempts if retry.retry_on_timeout else 1
    call_s = system.call_s(edge)
    waits = waits_s(retry, attempts)
    sum_text = seconds(call_s)
    if attempts > 1:
        sum_text = f"{attempts} × {seconds(call_s)}"
        sum_text += f" + {seconds(waits)} of waits" if waits > 0.0 else ""
        total_s = system.at(edge).timeout.total_s
        bound = 0.0 < total_s <= longest_s
        sum_text += f", at most {seconds(total_s)} in all," if bound else f" = {seconds(longest_s)}"
    says = (
        f"waits {sum_text} for {edge.callee}, but {above.caller} gives it up after"
        f" {seconds(patience_s)}"
    )
    total_s = SHARE * patience_s
    fitting_s = (total_s - waits) / attempts
    if fitting_s <= 0.0:  # the waits alone are longer: one attempt is all there is time for
        fitting_s = total_s
    timeout = {
        "call_s": max(SHORTEST_S, rounded_down(min(fitting_s, call_s))),
        "total_s": max(SHORTEST_S, rounded_down(total_s)),
    }
    middle_s = (patience_s + min(longest_s, 4.0 * patience_s)) / 2.0
    return Finding(
        TIMEOUT_NESTING,
        edge.name,
        system.places.of(edge, *_keys(edge)),
        says,
        change_edge(edge, timeout=timeout),
        (slow_answers(edge, math.ceil(10.0 * middle_s) / 10.0), hang(edge.callee)),
        also=(system.places.of(above, *_keys(above)),),
    )


def _keys(edge: Edge) -> tuple[str, ...]:
    """Where the time-out of an edge stands in a file."""
    group = edge.today.get("timeout", {})
    return ("timeout",) if "call_s" in group or "total_s" in group else ("timeout_ms",)
