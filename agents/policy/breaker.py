"""May this call pass? A circuit breaker over amounts of calls.

What it promises is ADR 0005, how one source serves single calls and amounts is
ADR 0005, section 1. In short: thresholds and times are reached at >=, only slow is above;
every transition starts an era, and the caller reports a result only to the era that admitted
the call; half-open is decided as soon as it is sure; reading changes nothing; no timers.
Consecutive failures in an amount of mixed results earn a credit, the expected number of runs
of k failures among n calls, n(1-q)q^k/(1-q^k).
"""

from dataclasses import dataclass, field

from hms.agents.policy.kinds import (
    CAUSE_CONSECUTIVE,
    CAUSE_FAILURE_RATE,
    CAUSE_FORCED,
    CAUSE_GIVEN,
    CAUSE_NONE,
    CAUSE_SLOW_IN_FLIGHT,
    CAUSE_SLOW_RATE,
    CLOSED,
    FORCED_OPEN,
    FOREVER_S,
    GROWTH_LINEAR,
    HALF_OPEN,
    METRICS_ONLY,
    OPEN,
    PASS,
    PASS_AS_PROBE,
    REFUSED,
    SLACK,
)
from hms.agents.policy.parameters import BreakerParameters
from hms.agents.policy.window import WindowState, add, clear, refit, turn

UNDECIDED = 0
CLOSE = -1
OPENINGS_MAX = 1000  # counted no further; the open time is at its cap long before


@dataclass(slots=True)
class BreakerState:
    """One breaker; the runtime's window may have another number of slots."""

    phase: int = CLOSED
    era: int = 0  # rises with every transition; a result counts only in the era that let it in
    cause: int = CAUSE_NONE  # of the last opening
    opened_in_row: int = 0  # openings since it last closed
    opened_at_s: float = 0.0
    due_s: float = 0.0  # open: when a probe may come
    open_u: float = 0.0  # drawn once an opening
    given: bool = False  # the open time was told by `open_for`: reconfiguring leaves it
    row: float = 0.0  # failures in a row
    credit: float = 0.0  # share of a run of failures earned by mixed amounts
    breached: bool = False  # metrics-only: it would be open
    admitted: float = 0.0  # half-open: permits taken, by this era, not by this moment
    done: float = 0.0  # half-open: probes recorded, lost ones too
    failed: float = 0.0
    slow: float = 0.0
    probed_s: float = 0.0  # half-open: when the last probes started
    window: WindowState = field(default_factory=WindowState)


def is_slow(p: BreakerParameters, duration_s: float) -> bool:
    """Whether a call of this duration counts as slow: above the limit, not at it."""
    return duration_s > p.slow_call_s + SLACK


def may_pass(
    s: BreakerState, p: BreakerParameters, slots: int, now_s: float, slow_in_flight: float,
    u: float,
) -> int:
    """REFUSED, PASS, or PASS_AS_PROBE; the latter takes a permit and owes a `record_probe`.

    Args:
        slow_in_flight: calls under way that are past `slow_call_s` already.
    """
    if not p.enabled:
        return PASS
    if s.phase == CLOSED:
        if slow_in_flight > 0.0:
            turn(s.window, p, slots, now_s)
            cause = breach(p, s.window.total, s.window.failed, s.window.slow, slow_in_flight)
            if cause != CAUSE_NONE:
                trip(s, p, cause, now_s, u)
                return REFUSED
        return PASS
    if s.phase == OPEN and now_s + SLACK >= s.due_s:
        start_era(s, HALF_OPEN)
    if s.phase == HALF_OPEN:
        if s.admitted + 1.0 > float(p.half_open_calls) + SLACK:
            return REFUSED
        s.admitted += 1.0
        s.probed_s = now_s
        return PASS_AS_PROBE
    return REFUSED if s.phase == OPEN or s.phase == FORCED_OPEN else PASS


def record(
    s: BreakerState, p: BreakerParameters, slots: int, now_s: float,
    calls: float, failed: float, slow: float, u: float,
) -> int:
    """Results of calls that passed while closed; returns the phase after it.

    One call is (1, 0 or 1, 0 or 1), k plain successes are (k, 0, 0). A failure may be slow
    too and then is in both rates. Any result may trip it, a success as well.
    """
    watching = s.phase == METRICS_ONLY
    if not p.enabled or not (s.phase == CLOSED or watching):
        return s.phase
    turn(s.window, p, slots, now_s)
    add(s.window, p, slots, calls, failed, slow)
    in_row = count_in_row(s, p, calls, failed)
    cause = breach(p, s.window.total, s.window.failed, s.window.slow, 0.0)
    if in_row:
        cause = CAUSE_CONSECUTIVE
    if watching:
        if cause != CAUSE_NONE and not s.breached:
            s.cause = cause
        if in_row:
            s.credit = 0.0
        s.breached = cause != CAUSE_NONE
        return s.phase
    if cause != CAUSE_NONE:
        trip(s, p, cause, now_s, u)
    return s.phase


def count_in_row(s: BreakerState, p: BreakerParameters, calls: float, failed: float) -> bool:
    """Whether the failures in a row reach the limit with these results."""
    if calls <= 0.0:
        return False
    if failed <= SLACK:
        s.row = 0.0
        return False
    if p.consecutive_failures <= 0:
        return False
    if failed + SLACK >= calls:
        s.row += calls
        return s.row + SLACK >= float(p.consecutive_failures)
    s.row = 0.0
    q = failed / calls
    power = 1.0
    for _ in range(p.consecutive_failures):
        power *= q
        if power < 1e-30:
            break
    if power < 1.0:
        s.credit += calls * (1.0 - q) * power / (1.0 - power)
    return s.credit + SLACK >= 1.0


def breach(
    p: BreakerParameters, total: float, failed: float, slow: float, slow_in_flight: float
) -> int:
    """The rate rule that these counts break, or CAUSE_NONE."""
    least = float(p.minimum_calls)
    if total > 0.0 and total + SLACK >= least and failed + SLACK >= p.failure_rate * total:
        return CAUSE_FAILURE_RATE
    seen = total + slow_in_flight
    slow_seen = slow + slow_in_flight
    if seen > 0.0 and seen + SLACK >= least and slow_seen + SLACK >= p.slow_call_rate * seen:
        return CAUSE_SLOW_RATE if slow_in_flight <= 0.0 else CAUSE_SLOW_IN_FLIGHT
    return CAUSE_NONE


def record_probe(
    s: BreakerState, p: BreakerParameters, slots: int, now_s: float,
    failed: bool, slow: bool, u: float,
) -> int:
    """One whole probe is back, or lost at the end of its lease (failed); returns the phase."""
    if s.phase != HALF_OPEN:
        return s.phase
    s.done += 1.0
    if failed:
        s.failed += 1.0
    if slow:
        s.slow += 1.0
    verdict = half_open_verdict(p, s.done, s.failed, s.slow)
    if verdict > UNDECIDED:
        trip(s, p, verdict, now_s, u)
    elif verdict == CLOSE:
        start_era(s, CLOSED)
        s.opened_in_row = 0
        s.cause = CAUSE_NONE
        clear(s.window, slots, now_s)
    return s.phase


def half_open_verdict(p: BreakerParameters, done: float, failed: float, slow: float) -> int:
    """UNDECIDED, CLOSE, or the cause to open again.

    With a rate rule: open at p*rate failures, close when so many can no longer come. With
    consecutive failures alone, one failure opens.
    """
    probes = float(p.half_open_calls)
    need_failed = probes * p.failure_rate
    if p.failure_rate > 1.0:
        need_failed = 1.0 if p.consecutive_failures > 0 else probes + 1.0
    need_slow = probes * p.slow_call_rate
    if p.slow_call_rate > 1.0:
        need_slow = probes + 1.0
    if failed + SLACK >= need_failed:
        return CAUSE_FAILURE_RATE if p.failure_rate <= 1.0 else CAUSE_CONSECUTIVE
    if slow + SLACK >= need_slow:
        return CAUSE_SLOW_RATE
    left = probes - done
    if left + failed + SLACK < need_failed and left + slow + SLACK < need_slow:
        return CLOSE
    return UNDECIDED


def give_back_probe(s: BreakerState) -> None:
    """A probe ended neutral (ignored, cancelled): its permit is free again."""
    if s.phase == HALF_OPEN:
        s.admitted = max(s.admitted - 1.0, s.done)


def trip(s: BreakerState, p: BreakerParameters, cause: int, now_s: float, u: float) -> None:
    """Open, for longer each time until it closes."""
    start_era(s, OPEN)
    s.cause = cause
    s.opened_at_s = now_s
    s.open_u = u
    s.due_s = now_s + open_duration_s(p, s.opened_in_row, u)
    s.opened_in_row = min(s.opened_in_row + 1, OPENINGS_MAX)


def open_duration_s(p: BreakerParameters, opened_in_row: int, u: float) -> float:
    """How long it stays open after so many openings; chance only takes off."""
    duration_s = p.open_s
    if p.open_growth == GROWTH_LINEAR:
        duration_s = p.open_s * float(opened_in_row + 1)
    elif p.open_multiplier > 1.0:
        for _ in range(opened_in_row):
            if duration_s >= p.open_max_s:
                break
            duration_s *= p.open_multiplier
    return min(duration_s, p.open_max_s) * (1.0 - p.jitter_share * u)


def start_era(s: BreakerState, phase: int) -> None:
    """Enter a phase: results of calls admitted before count nowhere any more."""
    s.phase = phase
    s.era += 1
    s.given = False
    s.breached = False
    s.row = 0.0
    s.credit = 0.0
    s.admitted = 0.0
    s.done = 0.0
    s.failed = 0.0
    s.slow = 0.0


def open_for(s: BreakerState, now_s: float, duration_s: float) -> None:
    """Open at once for a time the callee named (Retry-After); the open count stays."""
    start_era(s, OPEN)
    s.given = True
    s.cause = CAUSE_GIVEN
    s.opened_at_s = now_s
    s.due_s = now_s + duration_s


def set_mode(s: BreakerState, slots: int, mode: int, now_s: float) -> None:
    """By hand: FORCED_OPEN, DISABLED, METRICS_ONLY, or CLOSED, which is release and reset."""
    start_era(s, mode)
    s.opened_in_row = 0
    s.cause = CAUSE_FORCED if mode == FORCED_OPEN else CAUSE_NONE
    s.opened_at_s = now_s
    s.due_s = now_s
    clear(s.window, slots, now_s)


def lose_era(s: BreakerState, now_s: float) -> None:
    """Calls under way can no longer report (a restart): half-open is open again, and due."""
    if s.phase == HALF_OPEN:
        start_era(s, OPEN)
        s.opened_at_s = now_s
        s.due_s = now_s
        s.given = True
    elif s.phase != OPEN:
        s.era += 1


def remaining_s(s: BreakerState, now_s: float) -> float:
    """How long until a call may come; 0 means come, FOREVER_S only by hand."""
    if s.phase == FORCED_OPEN:
        return FOREVER_S
    return max(s.due_s - now_s, 0.0) if s.phase == OPEN else 0.0


def reconfigure(
    s: BreakerState, old: BreakerParameters, new: BreakerParameters, slots: int, now_s: float
) -> None:
    """Go on under other parameters: phase and counts stay, an open time is measured anew.

    Nothing trips by it; the next result is judged by the new rules. Permits taken stay taken.
    """
    refit(s.window, old, new, slots, now_s)
    if s.phase == OPEN and not s.given:
        opened_before = max(s.opened_in_row - 1, 0)
        s.due_s = s.opened_at_s + open_duration_s(new, opened_before, s.open_u)
