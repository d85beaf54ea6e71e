"""A breaker to be saved, and what a saved one says to a live one.

Restoring never loosens what this process learned since it started (ADR 0005, section 2).
"""

from __future__ import annotations

from hms.agents.healing.store.records import BreakerRecord
from hms.agents.policy import breaker as decision
from hms.agents.policy.kinds import (
    CAUSE_NAMES,
    CLOSED,
    FORCED_OPEN,
    HALF_OPEN,
    OPEN,
    PHASE_NAMES,
)

LEFT_MAX_S = 86_400.0  # of a record that says more, as of any Retry-After


def record_of(
    dependency: str, state: decision.BreakerState, now_s: float, *,
    last_error: str, holders: tuple[str, ...], by_quorum: bool,
) -> BreakerRecord:
    """What is to be kept. A verdict of the peers is theirs, so our own is saved: closed."""
    if by_quorum:
        return BreakerRecord(dependency)
    is_open = state.phase == OPEN
    return BreakerRecord(
        dependency,
        phase=PHASE_NAMES[state.phase],
        left_s=decision.remaining_s(state, now_s) if is_open else 0.0,
        opened_in_row=state.opened_in_row,
        open_u=state.open_u,
        cause=CAUSE_NAMES[state.cause],
        last_error=last_error,
        holders=holders,
        open_since_s=max(now_s - state.opened_at_s, 0.0) if is_open else 0.0,
        given=state.given,
    )


def fault_of(record: BreakerRecord) -> str:
    """Why a record cannot be believed; empty when it can. Torn ones may hold anything."""
    try:
        return record.fault()
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        return f"torn: {error}"


def resume(
    state: decision.BreakerState, slots: int, record: BreakerRecord, now_s: float
) -> bool:
    """Go on from a record that can be believed; whether anything changed."""
    saved = PHASE_NAMES.index(record.phase)
    if saved in (OPEN, HALF_OPEN):
        return _resume_open(state, record, now_s)
    if saved == CLOSED or state.phase == saved:
        return False
    if saved == FORCED_OPEN or state.phase == CLOSED:
        decision.set_mode(state, slots, saved, now_s)
        return True
    return False


def _resume_open(state: decision.BreakerState, record: BreakerRecord, now_s: float) -> bool:
    due_s = now_s
    if record.phase == PHASE_NAMES[OPEN]:
        due_s = now_s + min(record.left_s, LEFT_MAX_S)
    if state.phase == OPEN:
        tighter = due_s > state.due_s
        state.due_s = max(state.due_s, due_s)
        state.opened_in_row = max(state.opened_in_row, record.opened_in_row)
        return tighter
    if state.phase != CLOSED:
        return False
    if record.phase == PHASE_NAMES[HALF_OPEN]:
        decision.start_era(state, HALF_OPEN)
        decision.lose_era(state, now_s)  # its probes can no longer report
    else:
        decision.start_era(state, OPEN)
        state.given = record.given
    state.due_s = due_s
    state.opened_at_s = now_s - record.open_since_s
    state.open_u = record.open_u
    state.cause = CAUSE_NAMES.index(record.cause)
    state.opened_in_row = min(max(record.opened_in_row, 0), decision.OPENINGS_MAX)
    return True
