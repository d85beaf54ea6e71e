"""How well is a component, by its reports? Healthy, degraded, critical or failed.

A report meets a state, and with it every milder one, when one of its values has reached that
state's limit; it is below a state's way back when all of them are below their share of the
limit. A state is entered after `reports_in` reports in a row that meet it, and held until
`reports_out` in a row were below its way back: neither one bad report nor one good one moves
it, and no state is left because a worse one was. Silence is Failed, without a report to say so.

An open dependency is Degraded, never worse by itself: a component whose neighbour is ill must
not be restarted for it. So is flapping.
"""

from dataclasses import dataclass

from hms.agents.policy.kinds import SLACK
from hms.agents.policy.parameters import Floats, HealthParameters, floats

HEALTHY = 0
DEGRADED = 1
CRITICAL = 2
FAILED = 3
STATES = 4
STATE_NAMES = ("healthy", "degraded", "critical", "failed")

MANY = 1000  # reports: more need not be told apart
GAP_RATE = 0.2  # share of the distance to the last gap between reports, a report
LEARN_RATE = 0.05  # share of the distance to the response seen, a second
NEVER = 1e18  # above every value of a report


@dataclass(slots=True)
class HealthState:
    """Which state, since when, and how many reports in a row speak for another."""

    state: int = HEALTHY
    since_s: float = 0.0
    meeting: Floats = floats(STATES)  # reports in a row that meet a state
    below: Floats = floats(STATES)  # reports in a row below its way back
    reports: int = 0  # so far, up to MANY
    latest_s: float = 0.0
    gap_s: float = 0.0  # usual time between reports
    usual_s: float = 0.0  # response while healthy
    learned: int = 0  # spans that `usual_s` rests on, up to `warm_up`
    learned_s: float = 0.0


@dataclass(slots=True)
class HealthReport:
    """What one report says, in ratios and seconds."""

    error_share: float = 0.0
    memory_share: float = 0.0  # of the limit; 0 if there is none
    response_s: float = 0.0


def errors_limit(p: HealthParameters, state: int) -> float:
    """Share of errors from which a state is met."""
    if state == FAILED:
        return p.failed_error_rate
    return p.critical_error_rate if state == CRITICAL else p.degraded_error_rate


def memory_limit(p: HealthParameters, state: int) -> float:
    """Share of the memory limit from which a state is met."""
    judged = state == CRITICAL and p.critical_memory_share <= 1.0
    return p.critical_memory_share if judged else NEVER


def slow_limit_s(s: HealthState, p: HealthParameters, state: int, scale: float) -> float:
    """Response from which a state is met, `scale` times its limit."""
    limit_s = NEVER
    if state == FAILED:
        return limit_s
    factor = p.critical_slow_factor if state == CRITICAL else p.degraded_slow_factor
    if factor > 0.0 and s.learned >= p.warm_up:
        limit_s = max(max(factor * scale, 1.0) * s.usual_s, p.slow_least_s)
    given_s = p.critical_response_s if state == CRITICAL else p.degraded_response_s
    if given_s > 0.0:
        limit_s = min(limit_s, given_s * scale)
    return limit_s


def meets(s: HealthState, p: HealthParameters, o: HealthReport, state: int) -> bool:
    """Whether a value of the report has reached the limit of this very state."""
    return (
        o.error_share + SLACK >= errors_limit(p, state)
        or o.memory_share + SLACK >= memory_limit(p, state)
        or o.response_s + SLACK >= slow_limit_s(s, p, state, 1.0)
    )


def holds(s: HealthState, p: HealthParameters, o: HealthReport, state: int) -> bool:
    """Whether a value of the report has not yet found this very state's way back."""
    return (
        o.error_share + SLACK >= errors_limit(p, state) * p.errors_way_back
        or o.memory_share + SLACK >= memory_limit(p, state) * p.memory_way_back
        or o.response_s + SLACK >= slow_limit_s(s, p, state, p.slow_way_back)
    )


def level_met(s: HealthState, p: HealthParameters, o: HealthReport) -> int:
    """The worst state that the report meets."""
    if meets(s, p, o, FAILED):
        return FAILED
    if meets(s, p, o, CRITICAL):
        return CRITICAL
    return DEGRADED if meets(s, p, o, DEGRADED) else HEALTHY


def level_held(s: HealthState, p: HealthParameters, o: HealthReport) -> int:
    """The worst state whose way back the report has not found."""
    if holds(s, p, o, FAILED):
        return FAILED
    if holds(s, p, o, CRITICAL):
        return CRITICAL
    return DEGRADED if holds(s, p, o, DEGRADED) else HEALTHY


def silence_s(s: HealthState, p: HealthParameters) -> float:
    """Time without a report that is Failed; 0 while silence says nothing.

    Until as many reports have come as enter a state, nobody knows that more were to come.
    """
    if s.reports < p.reports_in:
        return 0.0
    return float(p.missing_reports) * max(p.interval_s, s.gap_s)


def is_silent(s: HealthState, p: HealthParameters, now_s: float) -> bool:
    """Whether so many reports are missing that the component counts as failed."""
    limit_s = silence_s(s, p)
    return limit_s > 0.0 and now_s + SLACK >= s.latest_s + limit_s


def status_at(
    s: HealthState, p: HealthParameters, now_s: float, dependency_open: bool, flapping: bool
) -> int:
    """The state as it is now; reading changes nothing."""
    if is_silent(s, p, now_s):
        return FAILED
    if dependency_open or flapping:
        return max(s.state, DEGRADED)
    return s.state


def enter(s: HealthState, state: int, at_s: float) -> None:
    """Go over to a state."""
    s.state = state
    s.since_s = at_s


def arrive(s: HealthState, p: HealthParameters, now_s: float) -> bool:
    """A report has come; whether it ends a silence. Learns how far apart reports usually are."""
    silent = is_silent(s, p, now_s)
    if silent:
        if s.state != FAILED:
            enter(s, FAILED, s.latest_s + silence_s(s, p))
        for k in range(STATES):
            s.below[k] = 0.0
    gap_s = now_s - s.latest_s
    limit_s = silence_s(s, p)
    if limit_s > 0.0:  # one long silence must not hide the next, a new rhythm must be learned
        gap_s = min(gap_s, limit_s)
    if s.reports == 1:
        s.gap_s = gap_s
    elif s.reports > 1:
        s.gap_s += GAP_RATE * (gap_s - s.gap_s)
    s.reports = min(s.reports + 1, MANY)
    s.latest_s = now_s
    return silent


def judge(s: HealthState, p: HealthParameters, o: HealthReport, now_s: float) -> int:
    """One report: the state after it."""
    met = level_met(s, p, o)
    worst = HEALTHY
    for k in range(STATES):
        s.meeting[k] = min(s.meeting[k] + 1.0, float(p.reports_in)) if met >= k else 0.0
        if s.meeting[k] >= float(p.reports_in):
            worst = k
    s.meeting[HEALTHY] = 0.0
    if s.state != HEALTHY:
        recover(s, p, level_held(s, p, o), now_s)
    if worst > s.state:
        enter(s, worst, now_s)
        for k in range(STATES):
            s.below[k] = 0.0
    return s.state


def recover(s: HealthState, p: HealthParameters, held: int, now_s: float) -> None:
    """Leave the states that reports in a row were below; `held` is this report's worst."""
    for k in range(STATES):
        s.below[k] = min(s.below[k] + 1.0, float(p.reports_out)) if held < k else 0.0
    left = s.state
    for k in range(STATES):
        state = STATES - 1 - k
        if state == left and state > HEALTHY and s.below[state] >= float(p.reports_out):
            left = state - 1
    if left < s.state:
        enter(s, left, now_s)


def learn(s: HealthState, p: HealthParameters, response_s: float, now_s: float) -> None:
    """Follow the usual response time, by the mean of a span in which calls were answered."""
    passed_s = max(now_s - s.learned_s, 0.0)
    s.learned_s = now_s
    if response_s <= 0.0 or s.state != HEALTHY or s.meeting[DEGRADED] > 0.0:
        return
    share = min(LEARN_RATE * passed_s, 1.0)
    if s.learned < p.warm_up:
        s.learned = min(s.learned + 1, p.warm_up)
        share = 1.0 / max(float(s.learned), 1.0)
    s.usual_s += share * (response_s - s.usual_s)


def quiet_errors(s: HealthState, p: HealthParameters) -> float:
    """Share of errors below which judging a report changes nothing; 0: always judge."""
    if s.state != HEALTHY or s.meeting[DEGRADED] > 0.0:
        return 0.0
    return min(min(p.degraded_error_rate, p.critical_error_rate), p.failed_error_rate) - SLACK


def quiet_memory(p: HealthParameters) -> float:
    """Share of the memory limit below which it says nothing."""
    return memory_limit(p, CRITICAL) - SLACK


def quiet_response_s(s: HealthState, p: HealthParameters) -> float:
    """Response below which it says nothing."""
    return min(slow_limit_s(s, p, DEGRADED, 1.0), slow_limit_s(s, p, CRITICAL, 1.0)) - SLACK
