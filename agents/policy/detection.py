"""Is a group of replicas ill, and of what?

One rule an illness, looked at from the most urgent down; to enter, the rule must hold for
`confirm_s`, to leave, the value must be below `way_back` times the threshold. Response times
are judged against the usual ones, learned while well. No data is never a reason: without
arrivals nothing new is found, and what was found stays until something speaks against it.
A group that starts is new: what was wrong with the old process says nothing about it.
"""

from dataclasses import dataclass

from hms.agents.policy.kinds import (
    DEPENDENCY,
    ERRORS,
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
    silence_s: float = 0.0  # since the last answer


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


def detect_slot(
    s: DetectionState, p: DetectionParameters, o: SlotObservation, slot: int, now_s: float
) -> int:
    """Look once a control period; the illness of the slot, NONE if it is well."""
    if o.replicas <= 0.0 or o.starting:
        forget(s, slot)
        s.learned_s[slot] = now_s
        return NONE
    found = candidate(s, p, o, slot)
    issue = int(s.issue[slot])
    if issue != NONE and not persists(s, p, o, slot, issue):
        issue = NONE
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
    return issue


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


def confirmed_s(s: DetectionState, p: DetectionParameters, slot: int, never_s: float) -> float:
    """When a suspicion becomes an illness if it lasts; `never_s` if there is none."""
    if int(s.suspect[slot]) == NONE:
        return never_s
    return s.suspect_since_s[slot] + p.confirm_s
