"""The event log: a line for each changed decision or act, equal bytes in every way of running.

Line: tick, entity, rule, before, after; floats by `repr`. The last line is a SHA-256 over all
physics arrays and decision states in declared order, so that equal logs mean equal worlds.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from hms.scenarios.machine_code import door

RULE_PHASE = 1
RULE_EJECTED = 2
RULE_ISSUE = 3
RULE_ACT = 4
RULE_ESCALATED = 5
RULE_UNDONE = 6
RULE_NAMES = ("", "phase", "ejected", "issue", "act", "escalated", "undone")

EVENTS_MAX = 20_000


@door("void(state, i8, i8, i8, f8, f8)")
def log_event(s, tick, entity, rule, before, after):
    """Write one event down; beyond the log's room it is only counted."""
    world = s.world[0]
    if world.record == 1 and world.events_n < s.events.shape[0]:
        row = s.events[world.events_n]
        row.tick = tick
        row.entity = entity
        row.rule = rule
        row.before = before
        row.after = after
    world.events_n += 1


Event = tuple[int, int, int, float, float]


def lines(events: Iterable[Event], digest: str) -> list[str]:
    """The log's text, one event a line, the digest last."""
    text = [
        f"{tick} {entity} {RULE_NAMES[rule]} {before!r} {after!r}"
        for tick, entity, rule, before, after in events
    ]
    return [*text, f"sha256 {digest}"]


def digest(arrays: Sequence[np.ndarray], numbers: Iterable[float | int | bool]) -> str:
    """SHA-256 of physics arrays, field by field (padding does not count), and of states."""
    total = hashlib.sha256()
    for array in arrays:
        for name in array.dtype.names or ("",):
            column = array[name] if name else array
            total.update(np.ascontiguousarray(column).tobytes())
    for number in numbers:
        total.update(repr(float(number)).encode())
    return total.hexdigest()
