"""The runtime's windows: exact, one slot a call, eight bytes a number."""

from __future__ import annotations

from array import array
from typing import cast

from hms.agents.policy import breaker as decision
from hms.agents.policy.kinds import WINDOW_TIME
from hms.agents.policy.parameters import BreakerParameters, Floats
from hms.agents.policy.window import WindowState, transfer, turn

TIME_SLICES = 10


def slots_for(parameters: BreakerParameters) -> int:
    """Slots of the runtime's window: one for each call and one being filled, or ten slices."""
    if parameters.window_kind == WINDOW_TIME:
        return TIME_SLICES
    return parameters.window_calls + 1


def empty_window(slots: int) -> WindowState:
    """An empty window of so many slots."""
    return WindowState(calls=_zeros(slots), fails=_zeros(slots), slows=_zeros(slots))


def refitted(
    state: decision.BreakerState, old: BreakerParameters, new: BreakerParameters, now_s: float
) -> int:
    """Give the state a window for other parameters, with what it can hold; its slots."""
    before, slots = slots_for(old), slots_for(new)
    if slots != before:
        window = state.window
        state.window = empty_window(slots)
        if old.window_kind == new.window_kind:
            transfer(state.window, new, slots, window, before)
        else:
            state.window.start_s = now_s
    decision.reconfigure(state, old, new, slots, now_s)
    return slots


def successes_are_harmless(
    state: decision.BreakerState, p: BreakerParameters, overdue: int
) -> bool:
    """Whether no success can change the phase, however many come before the next look.

    A success only lowers the rates once there are enough results, so the breach is asked for at
    the moment when it would be highest: with just enough of them.
    """
    window, least = state.window, float(p.minimum_calls)
    if state.breached or decision.breach(
        p, max(window.total, least), window.failed, window.slow, 0.0
    ):
        return False
    if not overdue:
        return True
    under_way = float(overdue)
    total = max(window.total, least - under_way)
    return not decision.breach(p, total, window.failed, window.slow, under_way)


def turn_to(
    state: decision.BreakerState, p: BreakerParameters, slots: int, now_s: float
) -> None:
    """Let what has left a time window leave it."""
    turn(state.window, p, slots, now_s)


def slice_end_s(state: decision.BreakerState, p: BreakerParameters, slots: int) -> float:
    """A moment just before the current slice of a time window ends; never of a count window."""
    if p.window_kind != WINDOW_TIME:
        return float("inf")
    window = state.window
    width_s = p.window_s / float(slots)
    return window.start_s + (float(window.no + 1) - 1e-6) * width_s


def _zeros(slots: int) -> Floats:
    return cast(Floats, array("d", [0.0]) * slots)  # of exactly this size
