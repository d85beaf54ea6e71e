"""One component's agent, once a control period: look, judge the last act, choose the next.

At most one act a period, for the most urgent illness that has a step left and of which something
is to be seen: no data is never a reason to act. While an act's effect is waited for, only a more
urgent illness of other replicas comes before it. An act that did not help is undone, if it can be,
in the same period (specification 3.4.2; verification.py).
"""

from dataclasses import dataclass

from hms.agents.policy.detection import (
    DetectionState,
    SlotObservation,
    calmed_s,
    can_tell,
    confirmed_s,
    detect_slot,
    slo_failing,
    urgency,
)
from hms.agents.policy.guard import FREE, LIMITED, GuardState, free_s, held_back, note_act
from hms.agents.policy.kinds import (
    DISRUPTIVE,
    FOREVER_S,
    INCONCLUSIVE,
    INEFFECTIVE,
    ISSUE_KINDS,
    NO_ACTION,
    NONE,
    SLACK,
    SLOTS_PER_COMPONENT,
    UNDECIDED,
    UNRESPONSIVE,
)
from hms.agents.policy.parameters import DetectionParameters, GuardParameters, RecoveryParameters
from hms.agents.policy.recovery import (
    RecoveryState,
    act_at,
    act_class,
    begin_act,
    choose,
    entry,
    has_undo,
    is_exhausted,
    ready_s,
    see,
)
from hms.agents.policy.verification import conclude, hold_s


@dataclass(slots=True)
class Act:
    """What the agent does this period, and what became of its last act."""

    kind: int = NO_ACTION
    slot: int = 0  # of a restart, reconnect, custom act: one replica of this group
    amount: float = 0.0
    target: int = 0
    issue: int = NONE
    step: int = 0
    escalate: bool = False  # told once an illness: no step helped, or the guard holds them back
    escalate_issue: int = NONE
    settled: int = UNDECIDED  # the last act: a verdict of kinds.py
    settled_issue: int = NONE
    settled_step: int = 0
    undo: bool = False  # that act did not help: take it back, before anything else is done
    undo_issue: int = NONE
    undo_step: int = 0
    wake_s: float = 0.0  # when something comes next if all that is seen stays the same


def step_component(
    d: DetectionState, r: RecoveryState, g: GuardState,
    dp: DetectionParameters, gp: GuardParameters, rp: RecoveryParameters,
    o: list[SlotObservation], a: Act, now_s: float, u: float,
) -> None:
    """One control period; writes `a`."""
    a.kind = NO_ACTION
    a.slot = 0
    a.amount = 0.0
    a.target = 0
    a.issue = NONE
    a.step = 0
    a.escalate = False
    a.escalate_issue = NONE
    a.undo = False
    a.undo_issue = NONE
    a.undo_step = 0
    a.wake_s = FOREVER_S
    look(d, r, dp, rp, o, a, now_s)
    judge(d, r, dp, gp, rp, o, a, now_s)
    slot = most_urgent(d, r, gp, rp, o)
    if slot >= 0:
        act_on(d, r, g, dp, gp, rp, o, a, slot, now_s)
    if a.kind != NO_ACTION:
        other = most_urgent(d, r, gp, rp, o)  # whom it may turn to while it waits
        if other >= 0:
            a.wake_s = min(a.wake_s, ready_s(r, rp, int(d.issue[other]), other, now_s))
    if r.waiting:
        a.wake_s = min(a.wake_s, r.due_s)
        if r.well:
            a.wake_s = min(a.wake_s, r.well_since_s + hold_s(dp, rp))
    a.wake_s = max(a.wake_s, now_s)


def look(
    d: DetectionState, r: RecoveryState, dp: DetectionParameters, rp: RecoveryParameters,
    o: list[SlotObservation], a: Act, now_s: float,
) -> None:
    """What every slot has, and which illnesses there are."""
    for i in range(SLOTS_PER_COMPONENT):
        detect_slot(d, dp, o[i], i, now_s)
        a.wake_s = min(a.wake_s, confirmed_s(d, dp, i, FOREVER_S))
        a.wake_s = min(a.wake_s, calmed_s(d, dp, i))
    for issue in range(ISSUE_KINDS):
        if issue != NONE:
            see(r, rp, issue, is_present(d, issue), now_s)


def is_present(d: DetectionState, issue: int) -> bool:
    """Whether some slot has this illness."""
    found = False
    for i in range(SLOTS_PER_COMPONENT):
        found = found or int(d.issue[i]) == issue
    return found


def judge(
    d: DetectionState, r: RecoveryState, dp: DetectionParameters, gp: GuardParameters,
    rp: RecoveryParameters, o: list[SlotObservation], a: Act, now_s: float,
) -> None:
    """Did the act under way help? If not, undo it; if no step is left, escalate, once."""
    a.settled = UNDECIDED
    a.settled_issue = r.issue
    a.settled_step = r.step
    if not r.waiting:
        return
    a.settled = conclude(d, r, rp, dp, o, gp.bound, now_s)
    if a.settled != INEFFECTIVE:
        return
    if gp.bound and rp.verification.undo and has_undo(act_at(rp, r.issue, r.step)):
        a.undo = True
        a.undo_issue = r.issue
        a.undo_step = r.step
    if not is_exhausted(r, rp, r.issue):
        return
    tell_once(r, a, r.issue)
    if not gp.bound:
        r.position[r.issue] = 0.0


def tell_once(r: RecoveryState, a: Act, issue: int) -> None:
    """Say, once, that this illness needs someone else."""
    if r.escalated[issue] <= 0.0:
        r.escalated[issue] = 1.0
        a.escalate = True
        a.escalate_issue = issue


def most_urgent(
    d: DetectionState, r: RecoveryState, gp: GuardParameters, rp: RecoveryParameters,
    o: list[SlotObservation],
) -> int:
    """The slot to treat now, -1 if none; of equally ill ones the one with most replicas."""
    best = -1
    for i in range(SLOTS_PER_COMPONENT):
        issue = int(d.issue[i])
        if issue == NONE or is_exhausted(r, rp, issue):
            continue
        if gp.bound and not can_tell(o[i], issue):
            continue
        if r.waiting and (i == r.slot or urgency(issue) >= urgency(r.issue)):
            continue
        if best < 0:
            best = i
            continue
        other = int(d.issue[best])
        larger = issue == other and o[i].replicas > o[best].replicas
        if larger or urgency(issue) < urgency(other):
            best = i
    return best


def act_on(
    d: DetectionState, r: RecoveryState, g: GuardState,
    dp: DetectionParameters, gp: GuardParameters, rp: RecoveryParameters,
    o: list[SlotObservation], a: Act, slot: int, now_s: float,
) -> None:
    """The next step for this slot, if it is time and the guard lets it."""
    issue = int(d.issue[slot])
    step = choose(r, rp, issue, slot, now_s)
    if step < 0:
        a.wake_s = min(a.wake_s, ready_s(r, rp, issue, slot, now_s))
        return
    i = entry(issue, step)
    act = act_at(rp, issue, step)
    if act_class(act) == DISRUPTIVE:
        reason = held_back(
            g, gp, serving_beside(d, dp, o, slot), disrupted(o, slot),
            slo_failing(d, dp, o[slot], slot), now_s,
        )
        if reason == LIMITED:
            tell_once(r, a, issue)
            a.wake_s = min(a.wake_s, free_s(g, gp, now_s))
        if reason != FREE:
            return
        note_act(g, now_s)
    a.kind = act
    a.slot = slot
    a.amount = rp.amount[i]
    a.target = int(rp.target[i])
    a.issue = issue
    a.step = step
    if r.waiting:  # nobody looks at the effect of the act before any more
        a.settled = INCONCLUSIVE
    extension_s = rp.verification.extension_s if gp.bound else FOREVER_S
    begin_act(r, rp, issue, slot, step, extension_s, now_s)


def serving_beside(
    d: DetectionState, dp: DetectionParameters, o: list[SlotObservation], slot: int
) -> float:
    """Replicas that serve if one of `slot` is taken out; ill ones that still answer count."""
    replicas = 0.0
    for i in range(SLOTS_PER_COMPONENT):
        serves = o[i].up and not o[i].starting and int(d.issue[i]) != UNRESPONSIVE
        if serves and o[i].error_share + SLACK < dp.error_rate:
            replicas += o[i].replicas - 1.0 if i == slot else o[i].replicas
    return replicas


def disrupted(o: list[SlotObservation], slot: int) -> float:
    """Replicas of other slots that are out of service, starting again."""
    replicas = 0.0
    for i in range(SLOTS_PER_COMPONENT):
        if i != slot and o[i].starting:
            replicas += o[i].replicas
    return replicas
