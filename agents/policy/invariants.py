"""0, or the number of the broken rule (CONTRIBUTING.md, section 8); checked once a control period.

A laboratory stops on a broken rule and names seed, tick, component. The runtime keeps its
host up: it admits calls, stops acting, counts, and logs once.
"""

from hms.agents.policy.breaker import BreakerState
from hms.agents.policy.guard import DAY_S, TEN_MINUTES_S, GuardState, limit_ends_s
from hms.agents.policy.kinds import (
    GUARD_ACTS,
    HALF_OPEN,
    ISSUE_KINDS,
    LADDER_ENTRIES,
    LADDER_STEPS,
    METRICS_ONLY,
    OPEN,
    SLACK,
)
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
    return WHOLE
