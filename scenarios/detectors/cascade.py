"""A cascade: one illness that spreads along calls to components that were well by themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hms.scenarios.detectors.first_cause import COMPONENT, EDGE, HOLDS_S, Cause, distances
from hms.scenarios.detectors.normal import onsets
from hms.scenarios.telemetry import Telemetry

Flags = npt.NDArray[np.bool_]

NOT_BEFORE_S = 2
"""Windows blur times by so much: whoever was hurt earlier was not hurt by the cause."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One component that a cascade reached.

    Attributes:
        at_s: when it was first hurt.
        hops: calls between it and the first cause.
    """

    component: str
    at_s: int
    hops: int


@dataclass(frozen=True, slots=True)
class Cascade:
    """Who was hurt, in order.

    Attributes:
        cause: what it began with.
        hits: by time, nearer ones first; the first cause itself (hops 0) among them if it is hurt.
    """

    cause: Cause
    hits: tuple[Hit, ...]

    @property
    def depth(self) -> int:
        """Hops from the first cause to the furthest component that it reached."""
        return max((hit.hops for hit in self.hits), default=0)

    @property
    def spread(self) -> bool:
        """Whether it reached a component that was not struck itself."""
        return self.depth > 0


def trace_cascade(seen: Telemetry, hurt: Flags, cause: Cause, first: int) -> Cascade:
    """Who was hurt by the cause, along calls whose ends are both hurt."""
    since = onsets(hurt, HOLDS_S, first)
    reached = (since >= cause.since_s - NOT_BEFORE_S) & (since >= 0)
    hops = _hops(seen, cause, reached)
    hits = [
        Hit(seen.names[place], int(since[place]), hops[place])
        for place in np.flatnonzero(reached).tolist()
        if place in hops
    ]
    return Cascade(cause, tuple(sorted(hits, key=lambda hit: (hit.at_s, hit.hops, hit.component))))


def _hops(seen: Telemetry, cause: Cause, reached: Flags) -> dict[int, int]:
    """From a component 0; from an edge its caller is 1 away; more load has struck the entry."""
    if cause.kind == COMPONENT:
        return distances(seen, cause.place, reached)
    if cause.kind == EDGE:
        caller = seen.place(seen.pairs[cause.place][0])
        if not reached[caller]:
            return {}
        return {place: n + 1 for place, n in distances(seen, caller, reached).items()}
    return distances(seen, seen.place(cause.name), reached)
