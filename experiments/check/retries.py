"""Retries: that multiply along a path, and that nothing bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from hms.agents.policy.kinds import BUDGET_IN_FLIGHT, BUDGET_NONE
from hms.agents.policy.parameters import RetryParameters
from hms.experiments.check.failures import overload, stall
from hms.experiments.check.findings import Finding, Trial
from hms.experiments.check.quantities import count
from hms.experiments.check.system import System, change_edge
from hms.scenarios.model import Edge

RETRY_MULTIPLICATION = "retry-multiplication"
RETRY_WITHOUT_BUDGET = "retry-without-budget"
LAYERS = 2
"""So many layers of retries on one path multiply."""
MULTIPLIES = 1.5
"""A layer whose budget allows less than half as much again is no layer that multiplies."""
BUDGET = {"budget_kind": "tokens", "budget_ratio": 0.1, "budget_max": 10}
"""One retry for ten successes: load grows by a tenth at most (SRE book, chapter 21)."""

Path = tuple[Edge, ...]


def worst_factor(retry: RetryParameters, rate_rps: float) -> float:
    """By how much retries multiply the calls on an edge at worst, its budget in force."""
    attempts = float(retry.max_attempts)
    if retry.budget_kind == BUDGET_NONE or attempts <= 1.0:
        return attempts
    if retry.budget_kind == BUDGET_IN_FLIGHT:
        share = min(retry.in_flight_share, 0.99)
        return min(attempts, 1.0 / (1.0 - share))
    by_time = retry.budget_min_rps / rate_rps if rate_rps > 0.0 else 0.0
    return min(attempts, 1.0 + retry.budget_ratio + by_time)


def retry_multiplication(system: System) -> Iterator[Finding]:
    """A path on which more than one layer retries: attempts multiply where it hurts most."""
    for path in _worst_paths(system):
        layers = [edge for edge in path if _factor(system, edge) >= MULTIPLIES]
        last = layers[-1]
        factors = [_factor(system, edge) for edge in layers]
        worst = math.prod(factors)
        product = " × ".join(map(count, factors))
        names = " -> ".join((path[0].caller, *(edge.callee for edge in path)))
        says = f"{product} = {count(worst)} times the calls when {last.callee} fails, on {names}"
        yield Finding(
            RETRY_MULTIPLICATION,
            last.name,
            system.places.of(last, "retry"),
            says,
            _only_last_retries(layers),
            (stall(last.callee), _slow_callee(system, last)),
            also=tuple(system.places.of(edge, "retry") for edge in layers[:-1]),
        )


def retry_without_budget(system: System) -> Iterator[Finding]:
    """Retries that nothing bounds: in an overload every call is made as often as allowed."""
    for edge in system.own_edges:
        retry = system.at(edge).retry
        bound = worst_factor(retry, system.rate_rps(edge))
        if retry.max_attempts <= 1 or bound < min(2.0, retry.max_attempts):
            continue
        why = "no budget" if retry.budget_kind == BUDGET_NONE else "a budget that bounds nothing"
        says = (
            f"up to {retry.max_attempts} attempts and {why}: when {edge.callee} fails it gets"
            f" {count(bound)} times the calls"
        )
        yield Finding(
            RETRY_WITHOUT_BUDGET,
            edge.name,
            system.places.of(edge, "retry"),
            says,
            change_edge(edge, retry=BUDGET),
            (stall(edge.callee), _slow_callee(system, edge)),
        )


def _slow_callee(system: System, edge: Edge) -> Trial:
    return overload(system, system.middle.components[edge.callee])


def _factor(system: System, edge: Edge) -> float:
    if system.is_client(edge):
        return 1.0
    return worst_factor(system.at(edge).retry, system.rate_rps(edge))


def _worst_paths(system: System) -> Iterator[Path]:
    """For each end of a path with several layers, the path that multiplies most.

    A path ends at its last layer; one that goes on to another layer is reported there alone.
    """
    best = _best_paths(system)
    ends = {path[-1].name: path for path in best.values() if _layers(system, path) >= LAYERS}
    for name in sorted(ends):
        path = ends[name]
        goes_on = any(len(o) > len(path) and o[: len(path)] == path for o in ends.values())
        if _factor(system, path[-1]) >= MULTIPLIES and not goes_on:
            yield path


def _layers(system: System, path: Path) -> int:
    return sum(_factor(system, edge) >= MULTIPLIES for edge in path)


def _best_paths(system: System) -> dict[str, Path]:
    """By callee, the path from a client on which attempts multiply most; cycles run once."""
    from hms.scenarios.topology import closing_edges, order

    closing = set(closing_edges(system.middle))
    best: dict[str, Path] = {}
    for name in order(system.middle):
        for edge in system.calls_of(name):
            if (edge.caller, edge.callee) in closing:
                continue
            path = (*best.get(name, ()), edge)
            known = best.get(edge.callee)
            if known is None or _product(system, path) > _product(system, known):
                best[edge.callee] = path
    return best


def _product(system: System, path: Sequence[Edge]) -> float:
    return math.prod(_factor(system, edge) for edge in path)


def _only_last_retries(layers: Sequence[Edge]) -> dict[str, dict[str, object]]:
    """One attempt in all layers but the one next to what fails."""
    change: dict[str, object] = {}
    for edge in layers[:-1]:
        change |= change_edge(edge, retry={"max_attempts": 1})["edges"]
    return {"edges": change}
