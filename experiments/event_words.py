"""An event log in words: which breaker opened, who was found ill, who acted, when.

The log itself (`scenarios/event_log.py`) has numbers only: `tick entity rule before after`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hms.agents.policy.kinds import (
    ACT_NAMES,
    CUSTOM_ACT,
    ISSUE_NAMES,
    PHASE_NAMES,
    SLOTS_PER_COMPONENT,
)

PHASE, EJECTED, ISSUE, ACT = "phase", "ejected", "issue", "act"
ESCALATED, UNDONE = "escalated", "undone"
DIGEST = "sha256"
ROLL_BACK = "roll back"
"""The one custom act that the engines carry out."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log.

    Attributes:
        rule: phase, ejected, issue, act, escalated or undone.
        component: whose; for an edge, the caller.
        callee: the other end of an edge, "" otherwise.
        slot: which group of replicas, -1 where that has no meaning.
        before, after: what changed, in words; of an act the issue and the act.
    """

    t_s: float
    rule: str
    component: str
    callee: str
    slot: int
    before: str
    after: str

    @property
    def text(self) -> str:
        """`cartservice: restart (unresponsive)`."""
        if self.rule == PHASE:
            return f"{self.component} -> {self.callee}: breaker {self.after}"
        if self.rule == EJECTED:
            return f"{self.component} -> {self.callee}: replica groups out {self.after}"
        if self.rule == ACT:
            return f"{self.component}: {self.after} ({self.before})"
        if self.rule == ESCALATED:
            return f"{self.component}: escalated, nothing left to try ({self.after})"
        if self.rule == UNDONE:
            return f"{self.component}: took back {self.after}, no help against {self.before}"
        if self.after == ISSUE_NAMES[0]:
            return f"{self.component}: well again ({self.before})"
        return f"{self.component}: found ill, {self.after}"


def read_events(
    lines: Iterable[str],
    components: Sequence[str],
    edges: Sequence[tuple[str, str]],
    tick_s: float = 0.1,
) -> Iterator[Event]:
    """The log's events in order.

    Args:
        components: names in the engine's order.
        edges: (caller, callee) in the engine's order.

    Raises:
        ValueError: a line is not one of a log.
    """
    for line in lines:
        words = line.split()
        if words and words[0] == DIGEST:
            continue
        if len(words) != 5:
            raise ValueError(f"not a line of an event log: {line!r}")
        tick, entity, rule = int(words[0]), int(words[1]), words[2]
        before, after = float(words[3]), float(words[4])
        yield _event(round(tick * tick_s, 9), rule, entity, (before, after), components, edges)


def _event(
    t_s: float,
    rule: str,
    entity: int,
    change: tuple[float, float],
    components: Sequence[str],
    edges: Sequence[tuple[str, str]],
) -> Event:
    before, after = (int(value) for value in change)
    if rule == PHASE:
        caller, callee = edges[entity]
        words = (PHASE_NAMES[before].replace("_", "-"), PHASE_NAMES[after].replace("_", "-"))
        return Event(t_s, rule, caller, callee, -1, *words)
    if rule == EJECTED:
        caller, callee = edges[entity]
        return Event(t_s, rule, caller, callee, -1, _slots(before), _slots(after))
    if rule == ESCALATED:
        return Event(t_s, rule, components[entity], "", -1, "", ISSUE_NAMES[after])
    if rule == UNDONE:
        step = f"step {after + 1}"
        return Event(t_s, rule, components[entity], "", -1, ISSUE_NAMES[before], step)
    place, slot = divmod(entity, SLOTS_PER_COMPONENT)
    if rule == ISSUE:
        words = (ISSUE_NAMES[before], ISSUE_NAMES[after])
    elif rule == ACT:
        words = (ISSUE_NAMES[before], ROLL_BACK if after == CUSTOM_ACT else ACT_NAMES[after])
    else:
        raise ValueError(f"unknown rule {rule!r} in an event log")
    return Event(t_s, rule, components[place], "", slot, *words)


def _slots(mask: int) -> str:
    """Which groups of replicas are out: `0, 2`, or none."""
    out = [str(slot) for slot in range(SLOTS_PER_COMPONENT) if mask & (1 << slot)]
    return ", ".join(out) or "none"
