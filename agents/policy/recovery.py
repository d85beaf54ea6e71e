"""Which act next?

Each illness has a ladder of at most three steps. An act's effect is waited for
(verification.py); if the illness is gone, a recurrence before the calm starts at the same step
again; if not, the next step follows, and after the last one the agent escalates, once. After
`delay_reset_s` without the illness all starts anew. Before its n-th repetition a step waits as
a Kubernetes restart does: nothing the first time, then `delay_first_s`, times the multiplier,
to the cap. A step that cools down on these replicas is passed over.

An act is reversible, disruptive (the guard is asked) or destructive: never done unasked.
"""

from dataclasses import dataclass

from hms.agents.policy.kinds import (
    ADJUST,
    CUSTOM_ACT,
    DEPENDENCY,
    DESTRUCTIVE,
    DISRUPTIVE,
    FALLBACK,
    FOREVER_S,
    ISSUE_KINDS,
    LADDER_ENTRIES,
    LADDER_STEPS,
    NO_ACTION,
    NONE,
    RESTART,
    REVERSIBLE,
    SCALE,
    SLACK,
)
from hms.agents.policy.parameters import Floats, RecoveryParameters, floats

CALM_S = 60.0  # where a ladder names none
REPEATS_MAX = 100.0  # counted no further; the delay is at its cap


@dataclass(slots=True)
class RecoveryState:
    """The act under way, and where each illness stands on its ladder."""

    issue: int = NONE  # of the last act
    slot: int = 0
    step: int = 0
    waiting: bool = False  # for its effect
    due_s: float = 0.0  # judged by then
    limit_s: float = 0.0  # without data no later than then
    extended: bool = False  # its patience is over: what is still ill is not waited for
    well: bool = False  # the effect is there, and
    well_since_s: float = 0.0
    present: Floats = floats(ISSUE_KINDS)  # 1: some slot has it
    since_s: Floats = floats(ISSUE_KINDS)  # when it came, or the last try at it ended
    seen_s: Floats = floats(ISSUE_KINDS)  # when it was last there
    position: Floats = floats(ISSUE_KINDS)  # next step of its ladder
    escalated: Floats = floats(ISSUE_KINDS)
    acted_s: Floats = floats(LADDER_ENTRIES)
    acted_slot: Floats = floats(LADDER_ENTRIES)  # slot + 1; 0: never
    repeats: Floats = floats(LADDER_ENTRIES)


def act_class(act: int) -> int:
    """What an act may cost; what is not known is destructive."""
    if act < NO_ACTION or act > CUSTOM_ACT:
        return DESTRUCTIVE
    if act == CUSTOM_ACT:
        return DISRUPTIVE
    return DISRUPTIVE if act == RESTART else REVERSIBLE


def has_undo(act: int) -> bool:
    """Whether it can be taken back: a setting, a fallback, more replicas."""
    return is_for_all(act)


def is_for_all(act: int) -> bool:
    """Whether it changes the whole component, not one group of its replicas."""
    if act == ADJUST:
        return True
    if act == FALLBACK:
        return True
    return act == SCALE


def entry(issue: int, step: int) -> int:
    """Where a step stands in the arrays."""
    return issue * LADDER_STEPS + step


def act_at(rp: RecoveryParameters, issue: int, step: int) -> int:
    """The act of a step; NO_ACTION where the ladder ends.

    It ends before a destructive act, and before a restart for what a dependency does: the
    cause is to be healed, not its caller.
    """
    act = int(rp.act[entry(issue, step)])
    if act_class(act) == DESTRUCTIVE or (issue == DEPENDENCY and act == RESTART):
        return NO_ACTION
    return act


def calm_s(rp: RecoveryParameters, issue: int) -> float:
    """Time without the illness after which its ladder starts anew."""
    named_s = rp.delay_reset_s[entry(issue, 0)]
    return named_s if named_s > 0.0 else CALM_S


def see(
    r: RecoveryState, rp: RecoveryParameters, issue: int, present: bool, now_s: float
) -> None:
    """Note whether an illness is there; one that comes back after a calm is new."""
    was = r.present[issue] > 0.0
    if present and not was:
        if now_s + SLACK >= r.seen_s[issue] + calm_s(rp, issue):
            start_anew(r, issue)
        r.since_s[issue] = now_s
    if present or was or (r.waiting and r.issue == issue):
        r.seen_s[issue] = now_s  # the calm counts from the first look at which it was gone
    r.present[issue] = 1.0 if present else 0.0


def start_anew(r: RecoveryState, issue: int) -> None:
    """First step, no delays, nothing told to anyone."""
    r.position[issue] = 0.0
    r.escalated[issue] = 0.0
    for step in range(LADDER_STEPS):
        r.repeats[entry(issue, step)] = 0.0


def is_exhausted(r: RecoveryState, rp: RecoveryParameters, issue: int) -> bool:
    """Whether no step is left."""
    position = int(r.position[issue])
    if position >= LADDER_STEPS:
        return True
    return act_at(rp, issue, position) == NO_ACTION


def delay_s(rp: RecoveryParameters, i: int, repeats: float) -> float:
    """The wait before a step that has been done so often."""
    if repeats < 1.0 or rp.delay_first_s[i] <= 0.0:
        return 0.0
    wait_s = rp.delay_first_s[i]
    for _ in range(int(repeats) - 1):
        if wait_s >= rp.delay_max_s[i] or rp.delay_multiplier[i] <= 1.0:
            break
        wait_s *= rp.delay_multiplier[i]
    return min(wait_s, rp.delay_max_s[i])


def cooled_s(r: RecoveryState, rp: RecoveryParameters, i: int, slot: int) -> float:
    """Until when a step may not be done on these replicas; 0 if there is no such time."""
    act = int(rp.act[i])
    same = is_for_all(act) or int(r.acted_slot[i]) == slot + 1
    if r.acted_slot[i] <= 0.0 or not same:
        return 0.0
    return r.acted_s[i] + rp.cool_down_s[i]


def choose(
    r: RecoveryState, rp: RecoveryParameters, issue: int, slot: int, now_s: float
) -> int:
    """The step of the ladder to do now, or -1: wait, or nothing is left."""
    for step in range(LADDER_STEPS):
        i = entry(issue, step)
        if act_at(rp, issue, step) == NO_ACTION:
            return -1
        if step < int(r.position[issue]):
            continue
        if cooled_s(r, rp, i, slot) <= now_s + SLACK:
            delayed_s = r.since_s[issue] + delay_s(rp, i, r.repeats[i])
            return step if delayed_s <= now_s + SLACK else -1
    return -1


def ready_s(
    r: RecoveryState, rp: RecoveryParameters, issue: int, slot: int, now_s: float
) -> float:
    """When `choose` first finds a step if the illness stays; FOREVER_S if never."""
    first_s = FOREVER_S
    for step in range(LADDER_STEPS):
        i = entry(issue, step)
        if act_at(rp, issue, step) == NO_ACTION:
            break
        if step < int(r.position[issue]):
            continue
        delayed_s = r.since_s[issue] + delay_s(rp, i, r.repeats[i])
        first_s = min(first_s, max(delayed_s, cooled_s(r, rp, i, slot)))
    return max(first_s, now_s)


def begin_act(
    r: RecoveryState, rp: RecoveryParameters, issue: int, slot: int, step: int,
    extension_s: float, now_s: float,
) -> None:
    """The act starts; its effect is waited for, without data at most `extension_s` longer."""
    i = entry(issue, step)
    r.issue = issue
    r.slot = slot
    r.step = step
    r.waiting = True
    r.due_s = now_s + rp.patience_s[i]
    r.limit_s = r.due_s + extension_s
    r.extended = False
    r.well = False
    r.position[issue] = float(step)
    r.acted_s[i] = now_s
    r.acted_slot[i] = float(slot + 1)
    r.repeats[i] = min(r.repeats[i] + 1.0, REPEATS_MAX)
