"""Is a group of replicas ill, and of what?

One rule an illness, looked at from the most urgent down; to enter, the rule must hold for
`confirm_s`, to leave, the value must be below `way_back` times the threshold; an illness that
leaves while the rule of another holds gives way to that one at once. Response times
are judged against the usual ones, learned while well. No data is never a reason: without
arrivals nothing new is found, and what was found stays until something speaks against it.
A group that starts is new: what was wrong with the old process says nothing about it.

A group that changes between well and ill `flap_changes` times within `flap_s` is flapping: one
illness that it has, besides, whenever it is well, until it has kept one state for `flap_s`.
"""

from dataclasses import dataclass

from hms.agents.policy.kinds import (
    DEPENDENCY,
    ERRORS,
    FLAP_ENTRIES,
    FLAPPING,
    FLAPS_HELD,
    FOREVER_S,
    MEMORY,
    NONE,
    SATURATED,
    SLACK,
    SLOTS_PER_COMPONENT,
    SLOW,
    UNRESPONSIVE,
)
from hms.agents.policy.parameters import DetectionParameters, Floats, floats

ARRIVALS_MIN_RPS = 0.1  # below it there is nothing to judge
SLOW_MIN_S = 0.001  # nothing below it is slow
LEARN_RATE = 0.05  # share of the distance to what is seen, a second


@dataclass(slots=True)
class SlotObservation:
    """One group of identical replicas, means over the last control period."""

    replicas: float = 0.0  # 0: no such group
    up: bool = False
    starting: bool = False
    arrivals_rps: float = 0.0
    answered_rps: float = 0.0
    error_share: float = 0.0  # of the answers, whoever is to blame
    own_error_share: float = 0.0  # those that no callee caused
    response_s: float = 0.0
    own_response_s: float = 0.0  # without the time on callees
    queue_share: float = 0.0
    refused_share: float = 0.0
    memory_share: float = 0.0
    silence_s: float = 0.0  # since the last answer, while some wait for one
    missing: bool = False  # the report did not come: nothing above says anything


@dataclass(slots=True)
class DetectionState:
    """What is usual, found and suspected, a number for each slot."""

    usual_s: Floats = floats(SLOTS_PER_COMPONENT)  # own response while well; 0: not yet known
    usual_response_s: Floats = floats(SLOTS_PER_COMPONENT)
    learned_s: Floats = floats(SLOTS_PER_COMPONENT)
    issue: Floats = floats(SLOTS_PER_COMPONENT)
    since_s: Floats = floats(SLOTS_PER_COMPONENT)
    suspect: Floats = floats(SLOTS_PER_COMPONENT)
    suspect_since_s: Floats = floats(SLOTS_PER_COMPONENT)
    flapping: Floats = floats(SLOTS_PER_COMPONENT)  # 1 while it flaps, well or ill
    changes: Floats = floats(SLOTS_PER_COMPONENT)  # between well and ill, at most FLAPS_HELD
    change_at: Floats = floats(SLOTS_PER_COMPONENT)  # where the next one is noted
    change_s: Floats = floats(FLAP_ENTRIES)  # a ring of their times for each slot


def urgency(issue: int) -> int:
    """The order in which illnesses are looked at and treated; 1 is the most urgent."""
    if issue == UNRESPONSIVE:
        return 1
    if issue == MEMORY:
        return 2
    if issue == ERRORS:
        return 3
    if issue == SLOW:
        return 4
    if issue == SATURATED:
        return 5
    if issue == NONE:
        return 9
    return issue  # dependency 6, flapping 7, custom 8


def can_tell(o: SlotObservation, issue: int) -> bool:
    """Whether what is seen of a slot says anything about an illness."""
    if o.missing or o.starting:
        return False
    if issue == UNRESPONSIVE and (not o.up or o.silence_s > 0.0):
        return True
    return o.up and (issue == MEMORY or o.arrivals_rps > ARRIVALS_MIN_RPS)


def holds(
    s: DetectionState, p: DetectionParameters, o: SlotObservation, slot: int,
    issue: int, scale: float,
) -> bool:
    """Whether the rule of one illness holds at `scale` times its threshold."""
    asked = o.arrivals_rps > ARRIVALS_MIN_RPS
    if issue == UNRESPONSIVE:
        return (not o.up) or (asked and o.silence_s + SLACK >= p.silence_s * scale)
    if issue == MEMORY:
        return o.memory_share + SLACK >= p.memory_share * scale
    if issue == ERRORS:
        return asked and o.own_error_share + SLACK >= p.error_rate * scale
    factor = max(p.slow_factor * scale, 1.0)
    if issue == SLOW:
        slow = o.own_response_s > SLOW_MIN_S and s.usual_s[slot] > 0.0
        return asked and slow and o.own_response_s + SLACK >= factor * s.usual_s[slot]
    if issue == SATURATED:
        queued = o.queue_share + SLACK >= p.queue_share * scale
        return asked and (queued or o.refused_share + SLACK >= p.error_rate * scale)
    if issue == DEPENDENCY:
        late = o.response_s > SLOW_MIN_S and s.usual_response_s[slot] > 0.0
        late = late and o.response_s + SLACK >= factor * s.usual_response_s[slot]
        return asked and (late or o.error_share + SLACK >= p.error_rate * scale)
    return False


def candidate(
    s: DetectionState, p: DetectionParameters, o: SlotObservation, slot: int
) -> int:
    """The most urgent illness whose rule holds now."""
    if holds(s, p, o, slot, UNRESPONSIVE, 1.0):
        return UNRESPONSIVE
    if holds(s, p, o, slot, MEMORY, 1.0):
        return MEMORY
    if holds(s, p, o, slot, ERRORS, 1.0):
        return ERRORS
    if holds(s, p, o, slot, SLOW, 1.0):
        return SLOW
    if holds(s, p, o, slot, SATURATED, 1.0):
        return SATURATED
    if holds(s, p, o, slot, DEPENDENCY, 1.0):
        return DEPENDENCY
    return NONE


def persists(
    s: DetectionState, p: DetectionParameters, o: SlotObservation, slot: int, issue: int
) -> bool:
    """Whether an illness found before has not yet found its way back."""
    if issue == UNRESPONSIVE:
        return (not o.up) or o.silence_s + SLACK >= p.silence_s * p.way_back
    if issue != MEMORY and o.arrivals_rps <= ARRIVALS_MIN_RPS:
        return True
    return holds(s, p, o, slot, issue, p.way_back)


def forget(s: DetectionState, slot: int) -> None:
    """Nothing is wrong with it, as far as is known."""
    s.issue[slot] = float(NONE)
    s.suspect[slot] = float(NONE)


def is_ill(s: DetectionState, slot: int) -> bool:
    """Whether something is wrong with it now; one that flaps may be well."""
    issue = int(s.issue[slot])
    return issue != NONE and issue != FLAPPING


def detect_slot(
    s: DetectionState, p: DetectionParameters, o: SlotObservation, slot: int, now_s: float
) -> int:
    """Look once a control period; the illness of the slot, NONE if it is well."""
    was_ill = is_ill(s, slot)
    if o.replicas <= 0.0 or o.starting:
        forget(s, slot)
        s.learned_s[slot] = now_s
    elif o.missing:
        s.suspect[slot] = float(NONE)
        s.learned_s[slot] = now_s
    else:
        diagnose(s, p, o, slot, now_s)
    if is_ill(s, slot) != was_ill:
        note_change(s, p, slot, now_s)
    if s.flapping[slot] > 0.0:
        show_flapping(s, p, o, slot, now_s)
    return int(s.issue[slot])


def diagnose(
    s: DetectionState, p: DetectionParameters, o: SlotObservation, slot: int, now_s: float
) -> None:
    """What the rules say about a slot that can be looked at."""
    found = candidate(s, p, o, slot)
    issue = int(s.issue[slot]) if is_ill(s, slot) else NONE
    if issue != NONE and not persists(s, p, o, slot, issue):
        issue = found  # it is ill already: what takes over needs no confirming, and is no flap
        s.since_s[slot] = now_s
    if found == NONE or urgency(found) >= urgency(issue):
        s.suspect[slot] = float(NONE)
    else:
        if int(s.suspect[slot]) == NONE:
            s.suspect_since_s[slot] = now_s
        s.suspect[slot] = float(found)
        if now_s + SLACK >= s.suspect_since_s[slot] + p.confirm_s:
            issue = found
            s.since_s[slot] = now_s
            s.suspect[slot] = float(NONE)
    s.issue[slot] = float(issue)
    learn(s, o, slot, issue == NONE and found == NONE, now_s)


def changed_s(s: DetectionState, slot: int, n: int) -> float:
    """When the n-th latest change of a slot was, n from 1; -FOREVER_S if it had fewer."""
    if float(n) > s.changes[slot]:
        return -FOREVER_S
    at = int(s.change_at[slot]) + FLAPS_HELD - n
    return s.change_s[(slot * FLAPS_HELD + at % FLAPS_HELD) % FLAP_ENTRIES]


def note_change(s: DetectionState, p: DetectionParameters, slot: int, now_s: float) -> None:
    """It fell ill or became well; too often of late, and it flaps."""
    at = int(s.change_at[slot])
    s.change_s[(slot * FLAPS_HELD + at) % FLAP_ENTRIES] = now_s
    s.change_at[slot] = float((at + 1) % FLAPS_HELD)
    s.changes[slot] = min(s.changes[slot] + 1.0, float(FLAPS_HELD))
    if p.flap_changes > 0 and now_s <= changed_s(s, slot, p.flap_changes) + p.flap_s + SLACK:
        s.flapping[slot] = 1.0


def show_flapping(
    s: DetectionState, p: DetectionParameters, o: SlotObservation, slot: int, now_s: float
) -> None:
    """While it flaps, that is what it has when nothing worse is found."""
    if o.replicas <= 0.0 or now_s + SLACK >= calmed_s(s, p, slot):
        forget_flaps(s, slot)
    elif int(s.issue[slot]) == NONE and not o.starting:
        s.issue[slot] = float(FLAPPING)


def forget_flaps(s: DetectionState, slot: int) -> None:
    """It has kept one state for long enough, or is another group now."""
    s.flapping[slot] = 0.0
    s.changes[slot] = 0.0
    if int(s.issue[slot]) == FLAPPING:
        s.issue[slot] = float(NONE)


def calmed_s(s: DetectionState, p: DetectionParameters, slot: int) -> float:
    """When it will have stopped flapping if it keeps its state; FOREVER_S if it does not flap."""
    return changed_s(s, slot, 1) + p.flap_s if s.flapping[slot] > 0.0 else FOREVER_S


def learn(s: DetectionState, o: SlotObservation, slot: int, well: bool, now_s: float) -> None:
    """Follow the usual response times slowly, while well and answering."""
    passed_s = max(now_s - s.learned_s[slot], 0.0)
    s.learned_s[slot] = now_s
    if not well or o.answered_rps <= ARRIVALS_MIN_RPS:
        return
    share = min(LEARN_RATE * passed_s, 1.0)
    if s.usual_s[slot] <= 0.0:
        share = 1.0
    s.usual_s[slot] += share * (o.own_response_s - s.usual_s[slot])
    s.usual_response_s[slot] += share * (o.response_s - s.usual_response_s[slot])


def slo_failing(
    s: DetectionState, p: DetectionParameters, o: SlotObservation, slot: int
) -> bool:
    """Whether the slot fails those who ask it, by what they see: down, wrong, late, unanswered."""
    if not o.up or o.answered_rps + SLACK < 0.5 * o.arrivals_rps:
        return True
    if o.arrivals_rps <= ARRIVALS_MIN_RPS:
        return int(s.issue[slot]) == UNRESPONSIVE
    return holds(s, p, o, slot, ERRORS, 1.0) or holds(s, p, o, slot, DEPENDENCY, 1.0)


def copy_slot(s: DetectionState, slot: int, new: int) -> None:
    """Slot `new` was split off from `slot`: it knows what that knew."""
    s.usual_s[new] = s.usual_s[slot]
    s.usual_response_s[new] = s.usual_response_s[slot]
    s.learned_s[new] = s.learned_s[slot]
    s.issue[new] = s.issue[slot]
    s.since_s[new] = s.since_s[slot]
    s.suspect[new] = s.suspect[slot]
    s.suspect_since_s[new] = s.suspect_since_s[slot]
    s.flapping[new] = s.flapping[slot]
    s.changes[new] = s.changes[slot]
    s.change_at[new] = s.change_at[slot]
    for k in range(FLAPS_HELD):
        s.change_s[(new * FLAPS_HELD + k) % FLAP_ENTRIES] = s.change_s[
            (slot * FLAPS_HELD + k) % FLAP_ENTRIES
        ]


def confirmed_s(s: DetectionState, p: DetectionParameters, slot: int, never_s: float) -> float:
    """When a suspicion becomes an illness if it lasts; `never_s` if there is none."""
    if int(s.suspect[slot]) == NONE:
        return never_s
    return s.suspect_since_s[slot] + p.confirm_s
