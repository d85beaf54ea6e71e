"""A fault: what breaks, where, when, how badly, and what ends it.

A fault of a file may be *broad*: struck by zone or label, again and again at random, or made of
others. `faults/expand.py` turns broad ones into plain ones, which is what an engine runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

COMPOSITE = "composite"


@dataclass(frozen=True, slots=True)
class Selector:
    """Which components (of an edge fault: callees) are struck: all conditions must hold.

    Attributes:
        kind: service, store or queue.
        zone, version: of a component, or of its groups of replicas: then those groups only.
        label: (key, value) of `labels`.
        pick: so many of the components found, drawn by the fault's seed; 0: all of them.
    """

    kind: str = ""
    zone: str = ""
    version: str = ""
    label: tuple[str, str] | None = None
    pick: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks; kinds and their parameters are in `scenarios/fault_kinds.py`.

    Attributes:
        component, edge: what is struck; both None: see `selector`.
        replicas: how many of each component are struck, 0 for all.
        duration_s: `math.inf` where only an act ends it.
        until: "restart" or "roll_back": the act that ends it, "" for none. With a finite
            `duration_s` beside it the fault ends by whichever comes first.
        parameters: in SI units, at full strength.
        group: the group of replicas struck, "" for any of them.
        share: struck share of the replicas, rounded up, where `replicas` is 0; 0: all.
        selector: a broad target in place of `component` and `edge`.
        ramp_s: how long its effect takes to grow from nothing to full, linearly.
        magnitude: share of the full effect, 0 to 1.
        spread_s: the components of a selector are struck within this time, not at once.
        mtbf_s, mttr_s: mean time between failures and to repair: struck again and again from
            `start_s` for `duration_s`, both times exponential; 0: once.
        seed: of what is drawn: times of repeated ones, spread, picks.
        faults: the parts of a composite; their `start_s` counts from its own.
    """

    kind: str
    component: str | None = None
    edge: tuple[str, str] | None = None
    replicas: int = 0
    start_s: float = 0.0
    duration_s: float = math.inf
    until: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)
    group: str = ""
    share: float = 0.0
    selector: Selector | None = None
    ramp_s: float = 0.0
    magnitude: float = 1.0
    spread_s: float = 0.0
    mtbf_s: float = 0.0
    mttr_s: float = 0.0
    seed: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def heals_itself(self) -> bool:
        """Whether it passes without an act."""
        return math.isfinite(self.duration_s)
