"""When a breaker opens: in a run, or after how many failed calls in a row."""

from __future__ import annotations

from collections.abc import Sequence

from hms.agents.policy.breaker import BreakerState, record
from hms.agents.policy.kinds import OPEN, SCOPE_REPLICA, WINDOW_COUNT, WINDOW_SLOTS
from hms.agents.policy.parameters import BreakerParameters
from hms.experiments.event_words import EJECTED, PHASE, Event

MOST_CALLS = 10_000
"""A breaker that has not opened by then never does."""


def opened_s(
    events: Sequence[Event], edge: tuple[str, str], scope: int, from_s: float
) -> float | None:
    """Seconds from `from_s` to the edge's first opening, or ejection; None: there was none."""
    rule, out = (EJECTED, None) if scope == SCOPE_REPLICA else (PHASE, "open")
    for event in events:
        if event.rule != rule or (event.component, event.callee) != edge or event.t_s < from_s:
            continue
        if event.after == out or (out is None and event.after != "none"):
            return event.t_s - from_s
    return None


def failures_to_open(breaker: BreakerParameters, rate_rps: float) -> int | None:
    """Failed calls in a row that open a breaker whose window is full of successes.

    The decision itself is asked, call by call at the edge's rate; None: it does not open.
    """
    if not breaker.enabled or rate_rps <= 0.0:
        return None
    state = BreakerState()
    gap_s = 1.0 / rate_rps
    window_s = breaker.window_calls * gap_s
    if breaker.window_kind != WINDOW_COUNT:
        window_s = breaker.window_s
    well = min(MOST_CALLS, int(window_s / gap_s) + 1)
    for call in range(well):
        record(state, breaker, WINDOW_SLOTS, call * gap_s, 1.0, 0.0, 0.0, 0.5)
    for failed in range(1, MOST_CALLS + 1):
        now_s = (well + failed) * gap_s
        if record(state, breaker, WINDOW_SLOTS, now_s, 1.0, 1.0, 0.0, 0.5) == OPEN:
            return failed
    return None
