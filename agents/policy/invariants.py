"""0, or the number of the broken rule (CONTRIBUTING.md, section 8); checked once a control period.

A laboratory stops on a broken rule and names seed, tick, component. The runtime keeps its
host up: it admits calls, stops acting, counts, and logs once.
"""

from hms.agents.policy.breaker import BreakerState
from hms.agents.policy.detection import DetectionState
from hms.agents.policy.guard import DAY_S, TEN_MINUTES_S, GuardState, limit_ends_s
from hms.agents.policy.health import MANY, STATES, HealthState
from hms.agents.policy.kinds import (
    FLAPS_HELD,
    FOREVER_S,
    GUARD_ACTS,
    HALF_OPEN,
    ISSUE_KINDS,
    LADDER_ENTRIES,
    LADDER_STEPS,
    METRICS_ONLY,
    OPEN,
    SLACK,
    SLOTS_PER_COMPONENT,
)
from hms.agents.policy.outlier import OutlierObservation, OutlierState, total
from hms.agents.policy.parameters import BreakerParameters, GuardParameters, RetryParameters
from hms.agents.policy.recovery import REPEATS_MAX, RecoveryState
from hms.agents.policy.retry import TOKEN, RetryState

WHOLE = 0
PHASE = 1  # a phase that is none
PERMITS = 2  # more probes admitted, or back, than there are permits
WINDOW = 3  # counts negative, more failures than calls, or not a number
OPENING = 4  # due before it opened
BUDGET = 5  # more spent than the bucket holds, or less than nothing
GUARD = 6  # more disruptive acts in ten minutes or a day than allowed
LADDER = 7  # a step that does not exist, or repetitions below zero
TALLY = 8  # admitted is not ok + failed + ignored + cancelled + late + in flight
TIME = 9  # went back
VERSION = 10  # of the configuration, did not rise
FLOW = 11  # arrived is not served + failed + dropped + in the system, or one of them is no amount
ISSUE = 12  # an illness that is none, or changes that no slot remembers
EJECTED = 13  # more replicas out than there are
HEALTH = 14  # a state of health that is none, or a count of reports that is no count
REPEATED = 15  # an act done twice under one idempotency key
SWITCH = 16  # an act begun without a look at the kill switch within the second before
RULE_NAMES = (
    "whole", "phase", "permits", "window", "opening", "budget", "guard", "ladder", "tally", "time",
    "version", "flow", "issue", "ejected", "health", "repeated", "switch",
)  # fmt: skip
SWITCH_AGE_S = 1.0
RESIDUE = 1e-6  # what rounding may leave of amounts


def breaker_rule(s: BreakerState, p: BreakerParameters, slots: int, permits_max: float) -> int:
    """Check one breaker.

    Args:
        permits_max: the most permits since it became half-open; above `half_open_calls` only
            if it was reconfigured meanwhile.
    """
    if s.phase < 0 or s.phase > METRICS_ONLY:
        return PHASE
    if s.phase == HALF_OPEN:
        most = max(float(p.half_open_calls), permits_max) + RESIDUE
        if s.admitted > most or s.done > most or s.failed > s.done or s.slow > s.done:
            return PERMITS
    w = s.window
    if not (w.total >= -RESIDUE and w.failed >= -RESIDUE and w.slow >= -RESIDUE):
        return WINDOW
    if w.failed > w.total + RESIDUE or w.slow > w.total + RESIDUE:
        return WINDOW
    for i in range(slots):
        if not (w.calls[i] >= -RESIDUE and w.fails[i] >= -RESIDUE and w.slows[i] >= -RESIDUE):
            return WINDOW
    early = s.phase == OPEN and s.due_s < s.opened_at_s - SLACK
    return OPENING if early else WHOLE


def retry_rule(r: RetryState, p: RetryParameters) -> int:
    """Check one retry budget; `budget_max` must not have shrunk since it was last full."""
    held = r.spent >= 0.0 and r.spent <= p.budget_max * TOKEN + RESIDUE
    return WHOLE if held else BUDGET


def guard_rule(g: GuardState, p: GuardParameters) -> int:
    """Check, right after an act, that the acts before it left room for it."""
    if g.held < 0 or g.held > GUARD_ACTS or g.at < 0 or g.at >= GUARD_ACTS:
        return GUARD
    if not p.bound or g.held < 2:
        return WHOLE
    latest_s = g.times[(g.at + GUARD_ACTS - 1) % GUARD_ACTS]
    few_s = limit_ends_s(g, p.acts_per_10_min + 1, TEN_MINUTES_S, latest_s)
    day_s = limit_ends_s(g, p.acts_per_day + 1, DAY_S, latest_s)
    over = g.held > p.acts_per_10_min and few_s > latest_s + SLACK
    return GUARD if over or (g.held > p.acts_per_day and day_s > latest_s + SLACK) else WHOLE


def ladder_rule(r: RecoveryState) -> int:
    """Check one component's ladders."""
    for issue in range(ISSUE_KINDS):
        if not (r.position[issue] >= 0.0 and r.position[issue] <= float(LADDER_STEPS)):
            return LADDER
    for i in range(LADDER_ENTRIES):
        if not (r.repeats[i] >= 0.0 and r.repeats[i] <= REPEATS_MAX):
            return LADDER
    if r.issue < 0 or r.issue >= ISSUE_KINDS or r.step < 0 or r.step >= LADDER_STEPS:
        return LADDER
    return LADDER if r.waiting and not r.due_s <= r.limit_s + SLACK else WHOLE


def detection_rule(d: DetectionState) -> int:
    """Check what one component's agent believes of its groups of replicas."""
    for i in range(SLOTS_PER_COMPONENT):
        kinds = float(ISSUE_KINDS)
        known = d.issue[i] >= 0.0 and d.issue[i] < kinds
        if not (known and d.suspect[i] >= 0.0 and d.suspect[i] < kinds):
            return ISSUE
        held = d.changes[i] >= 0.0 and d.changes[i] <= float(FLAPS_HELD)
        if not (held and d.change_at[i] >= 0.0 and d.change_at[i] < float(FLAPS_HELD)):
            return ISSUE
    return WHOLE


def health_rule(s: HealthState) -> int:
    """Check which state of health a component is in, and what speaks for another."""
    if s.state < 0 or s.state >= STATES or s.reports < 0 or s.reports > MANY:
        return HEALTH
    for k in range(STATES):
        if not (s.meeting[k] >= 0.0 and s.meeting[k] <= float(MANY)):
            return HEALTH
        if not (s.below[k] >= 0.0 and s.below[k] <= float(MANY)):
            return HEALTH
    usual = s.usual_s >= 0.0 and s.usual_s < FOREVER_S
    return WHOLE if usual and s.gap_s >= 0.0 and s.learned >= 0 else HEALTH


def outlier_rule(s: OutlierState, o: OutlierObservation) -> int:
    """Check the replicas behind one edge: the ejected ones are among those there are."""
    out = 0.0
    for i in range(SLOTS_PER_COMPONENT):
        if not (s.ejected[i] >= 0.0 and s.ejected[i] <= 1.0 and s.times[i] >= 0.0):
            return EJECTED
        out += s.ejected[i] * o.replicas[i]
    return WHOLE if out <= total(o) + RESIDUE else EJECTED


def tally_rule(
    admitted: float, ok: float, failed: float, ignored: float, cancelled: float, late: float,
    in_flight: float,
) -> int:
    """Every call that a breaker let in has ended in one way, or is under way.

    Take all of them at one moment: under the breaker's lock.
    """
    ended = ok + failed + ignored + cancelled + late
    least = min(min(ok, failed), min(min(ignored, cancelled), min(late, in_flight)))
    return WHOLE if least >= 0.0 and abs(admitted - ended - in_flight) <= RESIDUE else TALLY


def time_rule(before_s: float, now_s: float) -> int:
    """Monotonic time does not go back."""
    return WHOLE if now_s >= before_s else TIME


def version_rule(before: int, after: int) -> int:
    """Each configuration that is taken over has a higher version than the one before."""
    return WHOLE if after > before else VERSION


def flow_rule(
    arrived: float, served: float, failed: float, dropped: float, in_system: float
) -> int:
    """What arrived is somewhere; no amount is negative, endless or not a number.

    Amounts may differ by what rounding leaves, relative to what arrived.
    """
    least = min(min(arrived, in_system), min(min(served, failed), dropped))
    if not (least >= -RESIDUE and arrived < FOREVER_S):
        return FLOW
    gap = abs(arrived - served - failed - dropped - in_system)
    return WHOLE if gap <= RESIDUE * (1.0 + arrived) else FLOW


def act_rule(acts_of_key: int, looked_s: float, began_s: float) -> int:
    """One act under one key; the kill switch is read before each.

    Args:
        acts_of_key: acts that were done under this one's key, this one counted in.
        looked_s: when the switch was last read.
        began_s: when the act began.
    """
    if acts_of_key > 1:
        return REPEATED
    return WHOLE if began_s <= looked_s + SWITCH_AGE_S + SLACK else SWITCH
