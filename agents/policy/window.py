"""Counts and rates of the last calls, or the last seconds, in constant memory.

A ring of slots. A count window closes a slot when it holds its share of the size, and evicts
the oldest calls, a part of a slot if need be (all of it when each slot is one call: `slots`
is then at least `window_calls + 1`). A time window has `slots` slices of equal length; when
time enters a new slice, the slices that have left the window are emptied, also those that
nobody called in.

Amounts are floats: one call is 1.0, and k successes may be added as one amount of k.
"""

from dataclasses import dataclass

from hms.agents.policy.kinds import SLACK, WINDOW_SLOTS, WINDOW_TIME
from hms.agents.policy.parameters import BreakerParameters, Floats, floats


@dataclass(slots=True)
class WindowState:
    """`slots` is an argument of every function: the arrays may be of another length."""

    at: int = 0  # the slot that is being filled
    tail: int = 0  # count window: the oldest slot
    no: int = 0  # time window: number of the slice being filled, counted from start_s
    start_s: float = 0.0
    total: float = 0.0
    failed: float = 0.0
    slow: float = 0.0
    calls: Floats = floats(WINDOW_SLOTS)
    fails: Floats = floats(WINDOW_SLOTS)
    slows: Floats = floats(WINDOW_SLOTS)


def clear(w: WindowState, slots: int, now_s: float) -> None:
    """A new, empty window that starts now."""
    w.at = 0
    w.tail = 0
    w.no = 0
    w.start_s = now_s
    w.total = 0.0
    w.failed = 0.0
    w.slow = 0.0
    for i in range(slots):
        w.calls[i] = 0.0
        w.fails[i] = 0.0
        w.slows[i] = 0.0


def slice_number(w: WindowState, p: BreakerParameters, slots: int, now_s: float) -> int:
    """The slice that `now_s` lies in; never below the current one, so time never goes back."""
    if now_s <= w.start_s:
        return w.no
    return max(int((now_s - w.start_s) * float(slots) / p.window_s + SLACK), w.no)


def turn(w: WindowState, p: BreakerParameters, slots: int, now_s: float) -> None:
    """Bring a time window to now: empty the slices that have left it."""
    if p.window_kind != WINDOW_TIME:
        return
    no = slice_number(w, p, slots, now_s)
    steps = no - w.no
    if steps <= 0:
        return
    w.no = no
    for _ in range(min(steps, slots)):
        w.at += 1
        if w.at >= slots:
            w.at = 0
        w.calls[w.at] = 0.0
        w.fails[w.at] = 0.0
        w.slows[w.at] = 0.0
    w.total = 0.0  # summed anew, so that subtractions never leave a residue
    w.failed = 0.0
    w.slow = 0.0
    for i in range(slots):
        w.total += w.calls[i]
        w.failed += w.fails[i]
        w.slow += w.slows[i]


def add(
    w: WindowState, p: BreakerParameters, slots: int, calls: float, failed: float, slow: float
) -> None:
    """Add results; a time window must have been turned to now before."""
    by_count = p.window_kind != WINDOW_TIME
    if by_count and w.calls[w.at] * float(slots - 1) + SLACK >= float(p.window_calls):
        w.at += 1
        if w.at >= slots:
            w.at = 0
        if w.at == w.tail:
            drop_tail(w, slots)
    w.calls[w.at] += calls
    w.fails[w.at] += failed
    w.slows[w.at] += slow
    w.total += calls
    w.failed += failed
    w.slow += slow
    if by_count and w.total > float(p.window_calls) + SLACK:
        evict(w, slots, w.total - float(p.window_calls))


def drop_tail(w: WindowState, slots: int) -> None:
    """Evict the whole oldest slot."""
    w.total -= w.calls[w.tail]
    w.failed -= w.fails[w.tail]
    w.slow -= w.slows[w.tail]
    w.calls[w.tail] = 0.0
    w.fails[w.tail] = 0.0
    w.slows[w.tail] = 0.0
    w.tail += 1
    if w.tail >= slots:
        w.tail = 0


def evict(w: WindowState, slots: int, excess: float) -> None:
    """Take `excess` calls from the oldest end, of the last slot only a part."""
    over = excess
    for _ in range(slots):
        if over <= SLACK:
            break
        held = w.calls[w.tail]
        if w.tail != w.at and held <= over + SLACK:
            over -= held
            drop_tail(w, slots)
            continue
        if held > 0.0:
            kept = max(held - over, 0.0) / held
            w.total -= held * (1.0 - kept)
            w.failed -= w.fails[w.tail] * (1.0 - kept)
            w.slow -= w.slows[w.tail] * (1.0 - kept)
            w.calls[w.tail] = held * kept
            w.fails[w.tail] *= kept
            w.slows[w.tail] *= kept
        break


def stale(w: WindowState, p: BreakerParameters, slots: int, now_s: float) -> int:
    """How many slots have left the window since it was last turned."""
    if p.window_kind != WINDOW_TIME:
        return 0
    return min(slice_number(w, p, slots, now_s) - w.no, slots)


def total_at(w: WindowState, p: BreakerParameters, slots: int, now_s: float) -> float:
    """Calls in the window now; changes nothing."""
    left = w.total
    for k in range(stale(w, p, slots, now_s)):
        left -= w.calls[(w.at + 1 + k) % slots]
    return max(left, 0.0)


def failed_at(w: WindowState, p: BreakerParameters, slots: int, now_s: float) -> float:
    """Failures in the window now; changes nothing."""
    left = w.failed
    for k in range(stale(w, p, slots, now_s)):
        left -= w.fails[(w.at + 1 + k) % slots]
    return max(left, 0.0)


def slow_at(w: WindowState, p: BreakerParameters, slots: int, now_s: float) -> float:
    """Slow calls in the window now; changes nothing."""
    left = w.slow
    for k in range(stale(w, p, slots, now_s)):
        left -= w.slows[(w.at + 1 + k) % slots]
    return max(left, 0.0)


def refit(
    w: WindowState, old: BreakerParameters, new: BreakerParameters, slots: int, now_s: float
) -> None:
    """After a change of parameters: keep what the new window can hold.

    A time window keeps its counts, the new width holds from the next turn; a count window
    keeps the newest; a window of another kind starts empty.
    """
    if old.window_kind != new.window_kind:
        clear(w, slots, now_s)
        return
    if new.window_kind == WINDOW_TIME:
        if old.window_s != new.window_s:
            turn(w, old, slots, now_s)
            w.start_s = now_s
            w.no = 0
        return
    if w.total > float(new.window_calls) + SLACK:
        evict(w, slots, w.total - float(new.window_calls))


def fill(
    w: WindowState, p: BreakerParameters, slots: int, before_s: float, after_s: float,
    calls_rps: float, failed_rps: float, slow_rps: float,
) -> None:
    """Pass over a steady flow from `before_s` to `after_s` as if it had been counted."""
    if p.window_kind != WINDOW_TIME:
        passed_s = after_s - before_s
        add(w, p, slots, calls_rps * passed_s, failed_rps * passed_s, slow_rps * passed_s)
        return
    turn(w, p, slots, after_s)
    width_s = p.window_s / float(slots)
    for k in range(slots):
        from_s = w.start_s + float(w.no - k) * width_s
        shared_s = min(from_s + width_s, after_s) - max(from_s, before_s)
        if shared_s > 0.0:
            i = (w.at + slots - k) % slots
            w.calls[i] += calls_rps * shared_s
            w.fails[i] += failed_rps * shared_s
            w.slows[i] += slow_rps * shared_s
            w.total += calls_rps * shared_s
            w.failed += failed_rps * shared_s
            w.slow += slow_rps * shared_s


def transfer(
    w: WindowState, p: BreakerParameters, slots: int, older: WindowState, older_slots: int
) -> None:
    """Add what another count window holds, oldest first; for rings of another length."""
    for k in range(older_slots):
        i = (older.tail + k) % older_slots
        if older.calls[i] > 0.0:
            add(w, p, slots, older.calls[i], older.fails[i], older.slows[i])
