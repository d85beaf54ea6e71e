"""Where it began: the earliest own illness that no other, further down the calls, explains.

Illness climbs from callee to caller, so of those that fall ill within a few seconds the one
furthest down the calls comes first; an overload comes down from the entries, so more load explains
whoever then queues or refuses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hms.scenarios.detectors.illness import Illness
from hms.scenarios.detectors.normal import onsets
from hms.scenarios.telemetry import Telemetry

HOLDS_S = 2
"""A sign counts once it has held so long."""
TOGETHER_S = 3
"""Those that fall ill within this time of the first are looked at together."""

COMPONENT, EDGE, LOAD = "component", "edge", "load"
BY_OVERLOAD = ("slow", "stuck", "refusing", "gone")
"""Signs that more load alone may bring."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What fell ill by itself.

    Attributes:
        kind: component, edge or load.
        name: of the component; `caller -> callee`; the entry that more load came to.
        place: its column among the telemetry's components, edges or entries.
        since_s: the first second of it.
        signs: gone, errors, slow, stuck, refusing; lost, late, failing; or load.
    """

    kind: str
    name: str
    place: int
    since_s: int
    signs: tuple[str, ...]


def find_causes(seen: Telemetry, illness: Illness, first: int) -> list[Cause]:
    """All that fell ill by themselves from second `first` on, in order of time."""
    causes = []
    for kind, signs, names in (
        (COMPONENT, illness.components, list(seen.names)),
        (EDGE, illness.edges, [f"{caller} -> {callee}" for caller, callee in seen.pairs]),
        (LOAD, {"load": illness.load}, [seen.pairs[k][1] for k in seen.entries]),
    ):
        since = {sign: onsets(flags, HOLDS_S, first) for sign, flags in signs.items()}
        for place, name in enumerate(names):
            shown = {sign: int(at[place]) for sign, at in since.items() if at[place] >= 0}
            if shown:
                begins = min(shown.values())
                early = tuple(sign for sign, at in shown.items() if at <= begins + TOGETHER_S)
                causes.append(Cause(kind, name, place, begins, early))
    return sorted(causes, key=lambda cause: (cause.since_s, cause.name))


def first_cause(seen: Telemetry, illness: Illness, first: int) -> Cause | None:
    """The one that it began with, or None where nobody fell ill by itself."""
    causes = find_causes(seen, illness, first)
    if not causes:
        return None
    begins = causes[0].since_s
    together = [cause for cause in causes if cause.since_s <= begins + TOGETHER_S]
    below = reachable_places(seen)
    unexplained = [
        cause
        for cause in together
        if not any(explains(seen, other, cause, below) for other in together if other is not cause)
    ]
    return (unexplained or together)[0]


def explains(seen: Telemetry, other: Cause, cause: Cause, below: list[set[int]]) -> bool:
    """Whether `other` may have brought `cause` about."""
    if other.kind == LOAD:
        return cause.kind == COMPONENT and set(cause.signs) <= set(BY_OVERLOAD)
    if cause.kind == LOAD:
        return False
    top = _lower_end(seen, cause)
    if other.kind == COMPONENT:
        return other.place in below[top] or (cause.kind == EDGE and other.place == top)
    caller = seen.place(seen.pairs[other.place][0])
    return caller == top or caller in below[top]


def _lower_end(seen: Telemetry, cause: Cause) -> int:
    """The component below which an explanation is looked for."""
    if cause.kind == COMPONENT:
        return cause.place
    return seen.place(seen.pairs[cause.place][1])


def reachable_places(seen: Telemetry) -> list[set[int]]:
    """For each component, those that it calls, directly or through others; itself not."""
    calls: list[set[int]] = [set() for _ in seen.names]
    for caller, callee in seen.pairs:
        calls[seen.place(caller)].add(seen.place(callee))
    result = []
    for start in range(len(calls)):
        found: set[int] = set()
        ahead = [start]
        while ahead:
            fresh = calls[ahead.pop()] - found
            found |= fresh
            ahead.extend(fresh)
        result.append(found - {start})
    return result


def distances(seen: Telemetry, start: int, within: np.ndarray) -> dict[int, int]:
    """Hops from `start` along calls, either way, through components that `within` flags."""
    near: list[set[int]] = [set() for _ in seen.names]
    for caller, callee in seen.pairs:
        a, b = seen.place(caller), seen.place(callee)
        near[a].add(b)
        near[b].add(a)
    hops = {start: 0}
    ahead = [start]
    for place in ahead:
        for other in sorted(near[place]):
            if other not in hops and within[other]:
                hops[other] = hops[place] + 1
                ahead.append(other)
    return hops
