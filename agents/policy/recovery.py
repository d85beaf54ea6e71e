"""Which act next, and did the last one help?

Each illness has a ladder of at most three steps. An act's effect is waited for; if the
illness is gone, the step was effective, and a recurrence before the calm starts at it again;
if not, the next step follows, and after the last one the agent escalates, once. After
`delay_reset_s` without the illness all starts anew. Before its n-th repetition a step waits as
a Kubernetes restart does: nothing the first time, then `delay_first_s`, times the multiplier,
to the cap. A step that cools down on these replicas is passed over.
"""

from dataclasses import dataclass

from hms.agents.policy.kinds import (
    ADJUST,
    CUSTOM_ACT,
    FALLBACK,
    FOREVER_S,
    ISSUE_KINDS,
    LADDER_ENTRIES,
    LADDER_STEPS,
    NO_ACTION,
    NONE,
    RESTART,
    SCALE,
    SLACK,
)
from hms.agents.policy.parameters import Floats, RecoveryParameters, floats

CALM_S = 60.0  # where a ladder names none
REPEATS_MAX = 100.0  # counted no further; the delay is at its cap

EFFECTIVE = 1
UNDECIDED = 0
INEFFECTIVE = -1


@dataclass(slots=True)
class RecoveryState:
    """The act under way, and where each illness stands on its ladder."""

    issue: int = NONE  # of the last act
    slot: int = 0
    step: int = 0
    waiting: bool = False  # for its effect
    due_s: float = 0.0  # judged by then
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


def is_disruptive(act: int) -> bool:
    """Whether it takes replicas out of service, so that the guard is asked."""
    if act == RESTART:
        return True
    return act == CUSTOM_ACT


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
    return int(rp.act[entry(issue, position)]) == NO_ACTION


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
        if int(rp.act[i]) == NO_ACTION:
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
        if int(rp.act[i]) == NO_ACTION:
            break
        if step < int(r.position[issue]):
            continue
        delayed_s = r.since_s[issue] + delay_s(rp, i, r.repeats[i])
        first_s = min(first_s, max(delayed_s, cooled_s(r, rp, i, slot)))
    return max(first_s, now_s)


def begin_act(
    r: RecoveryState, rp: RecoveryParameters, issue: int, slot: int, step: int, now_s: float
) -> None:
    """The act starts; its effect is waited for."""
    i = entry(issue, step)
    r.issue = issue
    r.slot = slot
    r.step = step
    r.waiting = True
    r.due_s = now_s + rp.patience_s[i]
    r.well = False
    r.position[issue] = float(step)
    r.acted_s[i] = now_s
    r.acted_slot[i] = float(slot + 1)
    r.repeats[i] = min(r.repeats[i] + 1.0, REPEATS_MAX)


def settle(
    r: RecoveryState, gone: bool, ill: bool, judged: bool, settle_s: float, now_s: float
) -> int:
    """Judge the act under way: EFFECTIVE, INEFFECTIVE, or UNDECIDED as yet.

    Args:
        gone: nothing is seen of the illness, in replicas that answer.
        ill: it is still there.
        judged: there is something to judge: the replicas are not just starting, no new
            suspicion is being confirmed.
        settle_s: how long it must be gone to be believed before the patience ends.
    """
    if not r.waiting:
        return UNDECIDED
    if gone and not r.well:
        r.well_since_s = now_s
    r.well = gone
    if gone and now_s + SLACK >= min(r.well_since_s + settle_s, r.due_s):
        r.waiting = False
        return EFFECTIVE
    if now_s + SLACK < r.due_s:
        return UNDECIDED
    if not judged:
        r.due_s = now_s + settle_s
        return UNDECIDED
    r.waiting = False
    if not ill:
        return EFFECTIVE
    r.position[r.issue] = float(r.step + 1)
    r.since_s[r.issue] = now_s
    return INEFFECTIVE
