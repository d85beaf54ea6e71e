"""Again, and after how long? Retry budget and backoff.

The budget is a bucket of thousandths of tokens (a retry costs 1000, a success deposits
1000 * budget_ratio, rounded to whole thousandths), so that counting calls is exact and sums
over many calls are usable. What is held is what is missing: zero is a full bucket.
"""

from dataclasses import dataclass

from hms.agents.policy.kinds import (
    ATTEMPT_CANCELLED,
    ATTEMPT_ERROR,
    ATTEMPT_REFUSED,
    ATTEMPT_TIMEOUT,
    ATTEMPT_UNAVAILABLE,
    BUDGET_IN_FLIGHT,
    BUDGET_NONE,
    JITTER_DECORRELATED,
    JITTER_EQUAL,
    JITTER_FULL,
    SLACK,
)
from hms.agents.policy.parameters import RetryParameters

TOKEN = 1000.0  # thousandths


@dataclass(slots=True)
class RetryState:
    """One retry budget, shared by all who call the dependency."""

    spent: float = 0.0  # thousandths missing from a full bucket
    refilled_s: float = 0.0


def may_retry(p: RetryParameters, attempt: int, outcome: int) -> bool:
    """Whether an attempt that ended so may be made again; attempts count from 1."""
    if attempt >= p.max_attempts:
        return False
    if outcome == ATTEMPT_REFUSED:
        return p.retry_on_refused
    if outcome == ATTEMPT_UNAVAILABLE:
        return p.retry_on_unavailable
    if outcome == ATTEMPT_ERROR:
        return p.retry_on_error
    if outcome == ATTEMPT_CANCELLED:
        return p.retry_on_cancelled
    return p.retry_on_timeout if outcome == ATTEMPT_TIMEOUT else False


def refill(r: RetryState, p: RetryParameters, now_s: float) -> None:
    """Tokens by time; a clock that steps back refills nothing, then or later."""
    if now_s > r.refilled_s:
        r.spent = max(r.spent - (now_s - r.refilled_s) * p.budget_min_rps * TOKEN, 0.0)
        r.refilled_s = now_s


def deposit(r: RetryState, p: RetryParameters, successes: float) -> None:
    """What successes put back, at most to the brim."""
    each = float(int(p.budget_ratio * TOKEN + 0.5))
    r.spent = max(r.spent - successes * each, 0.0)


def spend(r: RetryState, p: RetryParameters, retries: float) -> None:
    """Retries that were made within what `tokens_left` had granted."""
    r.spent = min(r.spent + retries * TOKEN, max(p.budget_max * TOKEN, r.spent))


def drift(r: RetryState, p: RetryParameters, retries: float, successes: float) -> None:
    """What a steady flow takes and puts back: floor and brim are met at its end, never between."""
    each = float(int(p.budget_ratio * TOKEN + 0.5))
    spent = r.spent + retries * TOKEN - successes * each
    r.spent = max(min(spent, max(p.budget_max * TOKEN, r.spent)), 0.0)


def tokens_left(r: RetryState, p: RetryParameters) -> float:
    """Tokens in the bucket, whole and part."""
    return max(p.budget_max * TOKEN - r.spent, 0.0) / TOKEN


def take(r: RetryState, p: RetryParameters, now_s: float) -> bool:
    """Take one token for one retry, before its wait; False: none is left."""
    if p.budget_kind == BUDGET_NONE:
        return True
    refill(r, p, now_s)
    if r.spent + TOKEN > p.budget_max * TOKEN + SLACK:
        return False
    r.spent += TOKEN
    return True


def give_back(r: RetryState) -> None:
    """The retry was never made (cancelled while it waited)."""
    r.spent = max(r.spent - TOKEN, 0.0)


def in_flight_left(p: RetryParameters, active: float, retries_active: float) -> float:
    """Further retries that may be under way at once; `active` are all calls, retries too."""
    allowed = max(float(p.in_flight_min), p.in_flight_share * active)
    return max(allowed - retries_active, 0.0)


def retries_left(
    r: RetryState, p: RetryParameters, active: float, retries_active: float
) -> float:
    """Retries that may start now, whole ones; -1: no limit."""
    if p.budget_kind == BUDGET_NONE:
        return -1.0
    if p.budget_kind == BUDGET_IN_FLIGHT:
        return in_flight_left(p, active, retries_active)
    return float(int(tokens_left(r, p) + SLACK))


def longest_wait_s(p: RetryParameters, attempt: int) -> float:
    """The wait after this attempt before chance: base, times the multiplier, to the cap."""
    wait_s = p.base_s
    if p.multiplier > 1.0:
        for _ in range(attempt - 1):
            if wait_s >= p.max_s:
                break
            wait_s *= p.multiplier
    return min(wait_s, p.max_s)


def backoff_s(p: RetryParameters, attempt: int, previous_s: float, u: float) -> float:
    """The wait after attempt `attempt` (from 1) before the next one.

    Args:
        previous_s: the wait before this one, 0 before the first; decorrelated needs it: it
            draws from base to three times it (AWS, "Exponential backoff and jitter").
    """
    longest_s = longest_wait_s(p, attempt)
    if p.jitter_kind == JITTER_FULL:
        return longest_s * u
    if p.jitter_kind == JITTER_EQUAL:
        return longest_s * (0.5 + 0.5 * u)
    if p.jitter_kind == JITTER_DECORRELATED:
        top_s = min(p.max_s, 3.0 * max(previous_s, p.base_s))
        return min(p.base_s + u * (top_s - p.base_s), p.max_s)
    return longest_s


def mean_backoff_s(p: RetryParameters, attempt: int) -> float:
    """The mean wait after this attempt, for engines that flow means."""
    if p.jitter_kind != JITTER_DECORRELATED:
        return backoff_s(p, attempt, 0.0, 0.5)
    wait_s = 0.0
    for _ in range(max(attempt, 1)):
        wait_s = backoff_s(p, 1, wait_s, 0.5)
    return wait_s
