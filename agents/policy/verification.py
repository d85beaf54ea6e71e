"""Did the act help? What it was expected to do is looked for within its patience.

An act whose illness stays gone is effective. One whose illness is still seen when its patience
ends is not: it is undone where it has an undo, and the next step follows. Where nothing is
to be seen (no arrivals, replicas starting, a report missing) there is no verdict: the look is
extended, within `extension_s`, and what remains unseen then is inconclusive, which is never a
reason to act, to undo, or to count a step as a failure.
"""

from hms.agents.policy.detection import (
    DetectionState,
    SlotObservation,
    can_tell,
    changed_s,
    forget_flaps,
)
from hms.agents.policy.kinds import (
    DEPENDENCY,
    EFFECTIVE,
    FLAPPING,
    FOREVER_S,
    INCONCLUSIVE,
    INEFFECTIVE,
    NONE,
    SLACK,
    SLOTS_PER_COMPONENT,
    UNDECIDED,
)
from hms.agents.policy.parameters import DetectionParameters, RecoveryParameters
from hms.agents.policy.recovery import RecoveryState, act_at, entry, is_for_all

# What the replicas that an act was for show of its effect.
UNSEEN = 0  # nothing to judge: no data, or something new is suspected
GONE = 1  # the illness is gone, in replicas that answer
NOT_ILL = 2  # gone, but nobody answers as yet
ILL = 3  # it is still there


def hold_s(dp: DetectionParameters, rp: RecoveryParameters) -> float:
    """How long an illness must be gone to be believed: a relapse would be found by then."""
    return dp.confirm_s + rp.verification.hold_s


def suffers(issue: int, of: int, for_all: bool) -> bool:
    """Whether an illness counts against an act for another illness of the same replicas.

    Of an act on one group of replicas, whatever they suffer themselves counts against it.
    """
    if issue == of:
        return True
    if for_all or issue == NONE:
        return False
    return issue != DEPENDENCY and issue != FLAPPING


def evidence(
    d: DetectionState, r: RecoveryState, rp: RecoveryParameters, o: list[SlotObservation],
    bound: bool,
) -> int:
    """UNSEEN, GONE, NOT_ILL or ILL, of the act under way.

    Args:
        bound: False for stacks that are not ours: they judge by what they knew last, too.
    """
    for_all = is_for_all(act_at(rp, r.issue, r.step))
    told = not bound
    ill = False
    sure = True
    answered = True
    for i in range(SLOTS_PER_COMPONENT):
        if o[i].replicas <= 0.0 or not (for_all or i == r.slot):
            continue
        issue = int(d.issue[i])
        against = suffers(issue, r.issue, for_all)
        seen = not bound or can_tell(o[i], issue if against else r.issue)
        told = told or seen
        ill = ill or (against and seen)
        sure = sure and not o[i].starting and int(d.suspect[i]) == NONE and (seen or not against)
        answered = answered and (for_all or o[i].answered_rps > 0.0)
    if not (told and sure):
        return UNSEEN
    if r.issue == FLAPPING:  # its end shows by no further change, not by being well just now
        return ILL if changed_s(d, r.slot, 1) > r.acted_s[entry(r.issue, r.step)] else NOT_ILL
    if ill:
        return ILL
    return GONE if answered else NOT_ILL


def settle(r: RecoveryState, seen: int, held_s: float, now_s: float) -> int:
    """Judge the act under way: EFFECTIVE, INEFFECTIVE, INCONCLUSIVE, or UNDECIDED as yet.

    Args:
        seen: the evidence.
        held_s: how long the illness must be gone to be believed before the patience ends.
    """
    if not r.waiting:
        return UNDECIDED
    gone = seen == GONE
    if gone and not r.well:
        r.well_since_s = now_s
    r.well = gone
    if gone and now_s + SLACK >= min(r.well_since_s + held_s, r.due_s):
        r.waiting = False
        return EFFECTIVE
    if now_s + SLACK < r.due_s and not (r.extended and seen == ILL):
        return UNDECIDED
    if seen == UNSEEN:
        if now_s + SLACK < r.limit_s:
            r.extended = r.limit_s < FOREVER_S  # a stack that is not ours looks again at due_s
            r.due_s = r.limit_s if r.extended else now_s + held_s
            return UNDECIDED
        r.waiting = False
        return INCONCLUSIVE
    r.waiting = False
    if seen != ILL:
        return EFFECTIVE
    r.position[r.issue] = float(r.step + 1)
    r.since_s[r.issue] = now_s
    return INEFFECTIVE


def conclude(
    d: DetectionState, r: RecoveryState, rp: RecoveryParameters, dp: DetectionParameters,
    o: list[SlotObservation], bound: bool, now_s: float,
) -> int:
    """The verdict of this period; what has stopped flapping is well from then on."""
    verdict = settle(r, evidence(d, r, rp, o, bound), hold_s(dp, rp), now_s)
    if verdict == EFFECTIVE and r.issue == FLAPPING:
        forget_flaps(d, r.slot)
    return verdict
