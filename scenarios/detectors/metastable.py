"""A metastable end: the system stays down although nothing is wrong with it any more.

docs/world.md: goodput below a half with no fault in the last 15 s. A detector is told no fault; it
infers that the trigger is gone: the load is no larger than when the system was well, all replicas
are there, nobody errs, works more slowly or less than then, no road loses or delays calls. What is
left to blame is the system's own doing: retries, a backlog, breakers that stay open (Bronson et
al., HotOS'21: a sustaining effect outlives its trigger). Who knows when the trigger ended may say
so: then that decides, since congestion, too, makes service times longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hms.scenarios.detectors.illness import Illness, waiting_on_calls
from hms.scenarios.detectors.normal import Normal, ended_well
from hms.scenarios.telemetry import Telemetry

LAST_S = 15
GOOD_BELOW = 0.5
DRAINS = 0.95
"""A queue below this share of what it was 15 s ago drains."""
ILL_FOR = 0.2
"""Share of the last seconds with a sign of own illness from which the trigger is still there."""


@dataclass(frozen=True, slots=True)
class MetastableEnd:
    """Down at the end, and nothing is wrong any more.

    Attributes:
        goodput_share: good answers over first attempts in the last 15 s.
        sustained_by: retries, backlog, breakers; what of these is larger than normal.
        amplification: calls of the busiest edge over its normal, at the end.
    """

    goodput_share: float
    sustained_by: tuple[str, ...]
    amplification: float


def find_metastable_end(
    seen: Telemetry, normal: Normal, illness: Illness, trigger_ended_s: float | None = None
) -> MetastableEnd | None:
    """The metastable state that the run ends in, None if it does not.

    Args:
        trigger_ended_s: when the trigger ended, where that is known; inferred if None.
    """
    if not normal.healthy or seen.seconds < normal.end + LAST_S:
        return None
    share = _goodput_share(seen)
    if share >= GOOD_BELOW or _drains(seen):
        return None
    if trigger_ended_s is None:
        if not _trigger_is_gone(illness) or _is_out_of_sight(seen, illness):
            return None
    elif trigger_ended_s > seen.seconds - LAST_S:
        return None
    return MetastableEnd(share, _sustained_by(seen, normal), _amplification(seen, normal))


def _goodput_share(seen: Telemetry) -> float:
    good, _ = ended_well(seen)
    edges, entries = seen.edges, list(seen.entries)
    first = (edges.calls + edges.blocked - edges.retries)[:, entries]
    offered = float(first[-LAST_S:].sum())
    return float(good[-LAST_S:].sum()) / offered if offered > 0.0 else 1.0


def _drains(seen: Telemetry) -> bool:
    """Whether what is queued becomes less: a system that is on its way back is not stuck."""
    queued = (seen.components.present - waiting_on_calls(seen))[:, ~seen.client]
    queued = np.maximum(queued, 0.0).sum(axis=1)
    return bool(queued[-1] < DRAINS * queued[-LAST_S])


def _trigger_is_gone(illness: Illness) -> bool:
    """No component, edge or load shows a sign in more than a few of the last seconds."""
    for flags in (illness.ill_components(), illness.ill_edges(), illness.load):
        if float(flags[-LAST_S:].mean(axis=0).max(initial=0.0)) > ILL_FOR:
            return False
    return True


def _is_out_of_sight(seen: Telemetry, illness: Illness) -> bool:
    """Whether breakers let so little through that nothing proves the callee well.

    Behind an open breaker an illness shows in its probes only: one bad one is enough, and at least
    one must have been good.
    """
    edges, last = seen.edges, slice(-LAST_S, None)
    ill = np.asarray(illness.ill_components()[last].any(axis=0))
    for k, (_, callee) in enumerate(seen.pairs):
        sent, blocked = edges.calls[last, k].sum(), edges.blocked[last, k].sum()
        if blocked > sent and (ill[seen.place(callee)] or edges.ok[last, k].sum() < 1.0):
            return True
    return False


def _sustained_by(seen: Telemetry, normal: Normal) -> tuple[str, ...]:
    edges, parts = seen.edges, seen.components
    last = slice(-LAST_S, None)
    calls = np.maximum(edges.calls[last].sum(axis=0), 1e-9)
    retries = edges.retries[last].sum(axis=0) / calls
    held_back = edges.blocked[last].sum(axis=0) / (calls + edges.blocked[last].sum(axis=0))
    usual = normal.of(parts.present)
    backlog = parts.present[last].mean(axis=0) > 3.0 * usual + 5.0
    found = {
        "retries": float(retries.max(initial=0.0)) > 0.1,
        "backlog": bool((backlog & ~seen.client).any()),
        "breakers": float(held_back.max(initial=0.0)) > 0.1,
    }
    return tuple(name for name, is_so in found.items() if is_so)


def _amplification(seen: Telemetry, normal: Normal) -> float:
    usual = normal.of(seen.edges.calls)
    now = seen.edges.calls[-LAST_S:].mean(axis=0)
    asked = usual > 1e-6
    return float((now[asked] / usual[asked]).max(initial=1.0)) if asked.any() else 1.0
