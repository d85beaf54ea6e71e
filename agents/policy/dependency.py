"""One edge in virtual time: retry budget and breaker, one call a tick.

A batch door over breaker.py and retry.py for engines that flow amounts (docs/formats.md, "Tick
contract"): all that was observed in the last tick goes in, what is granted to the next comes
out. Results are whole calls, sampled by the engine (ADR 0005, section 1); the engine
drops results of an era that is over.

While half-open, results count probe by probe. Which of a tick's n results are the failures is
not observed, so they are spread evenly: result i of n fails if (2i + n + 2f)/2n passes a whole
number, f failures in all; the single failure among three is the second. Slow calls likewise.
"""

from dataclasses import dataclass

from hms.agents.policy.breaker import BreakerState, record, record_probe, start_era
from hms.agents.policy.kinds import (
    BUDGET_TOKENS,
    CLOSED,
    FORCED_OPEN,
    FOREVER_S,
    HALF_OPEN,
    METRICS_ONLY,
    OPEN,
    SCOPE_REPLICA,
    SLACK,
    WINDOW_SLOTS,
)
from hms.agents.policy.parameters import BreakerParameters, RetryParameters
from hms.agents.policy.retry import (
    RetryState,
    deposit,
    drift,
    refill,
    retries_left,
    spend,
    tokens_left,
)
from hms.agents.policy.window import fill


@dataclass(slots=True)
class EdgeObservation:
    """What was seen on an edge in the last tick."""

    calls: float = 0.0  # whole results of the current era
    failed: float = 0.0
    slow: float = 0.0
    started: float = 0.0  # calls that started under the current era, mass: takes permits
    successes: float = 0.0  # of any era, mass: fills the budget
    retries: float = 0.0  # that started, mass: spent from the budget
    active: float = 0.0  # calls in flight, retries too
    retries_active: float = 0.0


@dataclass(slots=True)
class EdgeGrant:
    """What the edge may do in the next tick."""

    share: float = 0.0  # of the calls that may pass
    permits: float = 0.0  # half-open: probes that may still start; -1: no limit
    tokens: float = 0.0  # retries that may start; -1: no limit
    era: int = 0
    phase: int = CLOSED
    wake_s: float = 0.0  # when this changes by itself


def admits_all(b: BreakerState, bp: BreakerParameters) -> bool:
    """Whether no breaker is at work on the edge as a whole."""
    return not bp.enabled or bp.scope == SCOPE_REPLICA


def step_dependency(
    b: BreakerState, r: RetryState, bp: BreakerParameters, rp: RetryParameters,
    o: EdgeObservation, g: EdgeGrant, now_s: float, dt_s: float, u: float,
) -> None:
    """One tick: count what was observed up to `now_s`, grant until `now_s + dt_s`.

    A breaker that is due within the tick is due at its start, not a tick later by rounding.
    """
    spend(r, rp, o.retries)
    deposit(r, rp, o.successes)
    refill(r, rp, now_s)
    if not admits_all(b, bp):
        if b.phase == CLOSED or b.phase == METRICS_ONLY:
            record(b, bp, WINDOW_SLOTS, now_s, o.calls, o.failed, o.slow, u)
        elif b.phase == HALF_OPEN:
            count_probes(b, bp, o, now_s, u)
        if b.phase == OPEN and now_s + dt_s * 1e-6 >= b.due_s:
            start_era(b, HALF_OPEN)
    grant(b, r, bp, rp, o, g, now_s)


def count_probes(
    b: BreakerState, bp: BreakerParameters, o: EdgeObservation, now_s: float, u: float
) -> None:
    """Half-open: permits taken, results back, probes lost at the end of their lease.

    The lease of all probes under way runs from the last start among them.
    """
    if o.started > 0.0:
        b.admitted += o.started
        b.probed_s = now_s
    n = int(o.calls + SLACK)
    failed = int(o.failed + SLACK)
    slow = int(o.slow + SLACK)
    for i in range(n):
        if b.phase != HALF_OPEN:
            return
        probe_failed = (2 * (i + 1) * failed + n) // (2 * n) > (2 * i * failed + n) // (2 * n)
        probe_slow = (2 * (i + 1) * slow + n) // (2 * n) > (2 * i * slow + n) // (2 * n)
        record_probe(b, bp, WINDOW_SLOTS, now_s, probe_failed, probe_slow, u)
    if b.phase == HALF_OPEN and now_s + SLACK >= lease_end_s(b, bp):
        for _ in range(int(b.admitted - b.done + 1.0 - SLACK)):
            if b.phase != HALF_OPEN:
                return
            record_probe(b, bp, WINDOW_SLOTS, now_s, True, False, u)
        b.admitted = max(b.admitted, b.done)


def lease_end_s(b: BreakerState, bp: BreakerParameters) -> float:
    """When the probes under way are lost; FOREVER_S if none is."""
    if b.admitted - b.done <= SLACK:
        return FOREVER_S
    return b.probed_s + bp.half_open_lease_s


def grant(
    b: BreakerState, r: RetryState, bp: BreakerParameters, rp: RetryParameters,
    o: EdgeObservation, g: EdgeGrant, now_s: float,
) -> None:
    """Write what may start in the next tick."""
    g.era = b.era
    g.phase = b.phase
    g.tokens = retries_left(r, rp, o.active, o.retries_active)
    g.share = 1.0
    g.permits = -1.0
    if not admits_all(b, bp):
        if b.phase == OPEN or b.phase == FORCED_OPEN:
            g.share = 0.0
            g.permits = 0.0
        elif b.phase == HALF_OPEN:
            g.permits = max(float(bp.half_open_calls) - b.admitted, 0.0)
    g.wake_s = calm_s(b, r, bp, rp, now_s)


def calm_s(
    b: BreakerState, r: RetryState, bp: BreakerParameters, rp: RetryParameters, now_s: float
) -> float:
    """Until when nothing changes by itself: breaker due, lease end, the next token by time."""
    wake_s = FOREVER_S
    if not admits_all(b, bp):
        if b.phase == OPEN:
            wake_s = max(b.due_s, now_s)
        elif b.phase == HALF_OPEN:
            wake_s = lease_end_s(b, bp)
    if rp.budget_kind == BUDGET_TOKENS and r.spent > 0.0 and rp.budget_min_rps > 0.0:
        tokens = tokens_left(r, rp)
        missing = float(int(tokens + SLACK)) + 1.0 - tokens
        wake_s = min(wake_s, now_s + missing / rp.budget_min_rps)
    return wake_s


def skip_dependency(
    b: BreakerState, r: RetryState, bp: BreakerParameters, rp: RetryParameters,
    o: EdgeObservation, before_s: float, after_s: float, dt_s: float,
) -> None:
    """Jump over a steady flow of `o` a tick that trips nothing.

    The window is filled as that flow would have filled it, the budget moves by its slope.
    The engine jumps only where the flow is free of failures or far from opening it.
    """
    if dt_s <= 0.0:
        return
    ticks = (after_s - before_s) / dt_s
    drift(r, rp, o.retries * ticks, o.successes * ticks)
    refill(r, rp, after_s)
    if not admits_all(b, bp) and (b.phase == CLOSED or b.phase == METRICS_ONLY):
        fill(
            b.window, bp, WINDOW_SLOTS, before_s, after_s,
            o.calls / dt_s, o.failed / dt_s, o.slow / dt_s,
        )
        if o.calls > 0.0 and o.failed <= 0.0:
            b.row = 0.0
