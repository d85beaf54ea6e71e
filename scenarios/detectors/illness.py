"""Who is ill by itself, second by second: signs that nothing it calls can explain.

A component that waits for a sick callee looks sick; so only signs of its own count here: replicas
gone, errors of its own, a longer service time (utilisation law: core-seconds over requests worked
on), idle hands while requests wait and no call is out, refusals without a queue. Of an edge: calls
that the callee never saw, time lost on the road, failures that the callee did not make. Of the
load: more arrivals than was normal. Thresholds widen with the noise of small counts (three standard
errors or so), since the request engine and real systems count whole requests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hms.scenarios.detectors.normal import Normal, ratio, summed
from hms.scenarios.telemetry import Telemetry

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ERRORS = 0.05
"""More than normal by this share of answers."""
SLOWER = 1.5
"""Times the normal service time."""
WORKS_LESS = 0.85
"""Of the normal rate of work."""
ROAD_S = 0.05
BURST_S = 0.15
"""Calls of so long a time may be out without being late: a burst after a pause is."""
LOAD = 1.25
WAITS_MORE = 1.2
QUEUES = 1.5
SWALLOWS = 0.2
OVERLOADED = 1.0
"""Who works as much as normal is overloaded, not ill, whatever it does not get to."""
LONGER_S = 10
"""Where few requests come, what became of them shows in a longer window only."""


@dataclass(frozen=True, slots=True)
class Illness:
    """Signs of own illness.

    Attributes:
        components: (seconds, components), by sign: gone, errors, slow, stuck, refusing.
        edges: (seconds, edges), by sign: lost, late, failing.
        load: (seconds, entries): more arrives than normal.
    """

    components: dict[str, Flags]
    edges: dict[str, Flags]
    load: Flags

    def ill_components(self) -> Flags:
        """Any sign."""
        return np.asarray(np.any(np.stack(list(self.components.values())), axis=0))

    def ill_edges(self) -> Flags:
        """Any sign."""
        return np.asarray(np.any(np.stack(list(self.edges.values())), axis=0))


def find_illness(seen: Telemetry, normal: Normal) -> Illness:
    """All signs of a run."""
    parts, served = seen.components, ~seen.client
    waiting = waiting_on_calls(seen)
    signs = {
        "gone": parts.ready < normal.of(parts.ready) - 0.5,
        "errors": _own_errors(seen, normal),
        "slow": _slow(seen, normal),
        "stuck": _stuck(seen, normal, waiting),
        "refusing": _refusing(seen, normal, waiting),
    }
    components = {name: flags & served for name, flags in signs.items()}
    return Illness(components, _edges(seen, normal), _load(seen, normal))


def waiting_on_calls(seen: Telemetry) -> Array:
    """Calls that each component has out, (seconds, components)."""
    result = np.zeros_like(seen.components.arrivals)
    place = {name: i for i, name in enumerate(seen.names)}
    for k, (caller, _) in enumerate(seen.pairs):
        result[:, place[caller]] += seen.edges.in_flight[:, k]
    return result


def _own_errors(seen: Telemetry, normal: Normal) -> Flags:
    parts = seen.components
    own, answered = summed(parts.own_errors), summed(parts.ok + parts.failed)
    share = ratio(own, answered)
    usual = np.minimum(normal.of(share), ERRORS)
    noise = 3.0 * np.sqrt(usual / np.maximum(answered, 1.0))
    return (share > usual + ERRORS + noise) & (own >= 0.5)


def _slow(seen: Telemetry, normal: Normal) -> Flags:
    parts = seen.components
    worked = summed(parts.worked)
    service_s = ratio(summed(parts.busy_s), worked)
    usual_s = normal.of(service_s)
    limit = SLOWER + 4.0 / np.sqrt(np.maximum(worked, 1.0))
    return (service_s > limit * usual_s) & (worked >= 0.5) & (usual_s > 0.0)


def _stuck(seen: Telemetry, normal: Normal, waiting: Array) -> Flags:
    """Works less than normal while requests queue, and not because it waits for its own calls."""
    parts = seen.components
    worked, admitted = summed(parts.worked), summed(parts.arrivals - parts.refused)
    usual = normal.of(worked)
    less = worked < WORKS_LESS * usual - np.sqrt(usual)
    less |= (worked < 0.1 * usual) & (usual >= 1.0)
    less &= worked < 0.95 * admitted + 0.5
    unanswered = _unanswered(seen)
    came = summed(parts.arrivals - parts.refused, LONGER_S)
    swallows = (unanswered > SWALLOWS * came) & (unanswered >= 3.0)
    swallows &= worked < OVERLOADED * usual
    queues = parts.present - waiting > QUEUES * normal.of(parts.present - waiting) + 2.0
    return (less | swallows) & queues & ~_waits(normal, waiting)


def _unanswered(seen: Telemetry) -> Array:
    """Requests let in and not answered, over a longer window."""
    parts = seen.components
    let_in = summed(parts.arrivals - parts.refused, LONGER_S)
    return np.maximum(let_in - summed(parts.ok + parts.failed, LONGER_S), 0.0)


def _refusing(seen: Telemetry, normal: Normal, waiting: Array) -> Flags:
    """Turns requests away though nobody queues, or though it works less than normal."""
    parts = seen.components
    refused, arrivals, worked = (
        summed(parts.refused), summed(parts.arrivals), summed(parts.worked)
    )  # fmt: skip
    share = ratio(refused, arrivals)
    refuses = (share > np.minimum(normal.of(share), ERRORS) + ERRORS) & (refused >= 1.0)
    empty = parts.present <= QUEUES * normal.of(parts.present) + 2.0
    less = (worked < WORKS_LESS * normal.of(worked)) & ~_waits(normal, waiting)
    return refuses & (empty | less)


def _waits(normal: Normal, waiting: Array) -> Flags:
    """Has more of its own calls out than normal."""
    return waiting > WAITS_MORE * normal.of(waiting) + 1.0


def _edges(seen: Telemetry, normal: Normal) -> dict[str, Flags]:
    edges, parts = seen.edges, seen.components
    callee = [seen.place(name) for _, name in seen.pairs]
    calls, lost, failed = summed(edges.calls), summed(edges.lost), summed(edges.failed)
    residence_s = ratio(summed(parts.residence_time_s), summed(parts.ok + parts.failed))
    as_usual = (residence_s <= 2.0 * normal.of(residence_s) + ROAD_S)[:, callee]
    call_s = ratio(summed(edges.call_time_s), summed(edges.ok))
    road_s = np.where(summed(edges.ok) > 0.5, call_s - residence_s[:, callee], 0.0)
    slower = road_s > normal.of(road_s) + np.maximum(ROAD_S, 0.5 * normal.of(call_s))
    slower &= as_usual  # while the callee's own time moves, the two means are of different calls
    bad_there = ratio(summed(parts.failed + parts.refused), summed(parts.arrivals))[:, callee]
    failing = ratio(failed, calls) > bad_there + 4.0 * ERRORS
    return {
        "lost": (lost > ERRORS * calls) & (lost >= 0.5),
        "late": slower | _on_the_road(seen, normal, callee),
        "failing": failing & (failed >= 3.0) & _is_well(seen, normal)[:, callee],
    }


def _on_the_road(seen: Telemetry, normal: Normal, callee: list[int]) -> Flags:
    """More calls are out than the callee has taken in: they are still on their way."""
    out, present = seen.edges.in_flight, seen.components.present
    more_out = out - normal.of(out)
    more_there = np.maximum(present - normal.of(present), 0.0)[:, callee]
    burst = BURST_S * seen.edges.calls
    return more_out > more_there + 3.0 + 3.0 * np.sqrt(normal.of(out)) + burst


def _is_well(seen: Telemetry, normal: Normal) -> Flags:
    """Components that answer all that come, with all their replicas."""
    parts = seen.components
    answered, came = summed(parts.ok + parts.failed), summed(parts.arrivals)
    here = parts.ready >= normal.of(parts.ready) - 0.5
    return here & (answered >= WORKS_LESS * came - 2.0)


def _load(seen: Telemetry, normal: Normal) -> Flags:
    entries = list(seen.entries)
    edges = seen.edges
    first = summed(edges.calls + edges.blocked - edges.retries)[:, entries]
    usual = normal.of(first)
    return first > LOAD * usual + 4.0 * np.sqrt(np.maximum(usual, 1.0))
