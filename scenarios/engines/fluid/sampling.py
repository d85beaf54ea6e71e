"""Means to whole calls: the world flows means, the policy sees whole calls.

Fed with means a breaker is a caricature: rules on a rate never open below their threshold, rules on
consecutive failures never open at all (ADR 0005, section 1). So each edge carries its mass to
whole calls and draws how many of them failed, with a keyed number; nothing is drawn while all fail
or none does.
"""

import math

from hms.scenarios.draws import FAILED_CALLS, SLOW_CALLS, binomial, uniform
from hms.scenarios.engines.fluid.lateness import late_of
from hms.scenarios.machine_code import compiled

ROUNDING = 1e-9


@compiled
def drawn(calls, share, seed, entity, tick, stream):
    """Of `calls` whole calls, how many: a keyed binomial draw, none where the share is 0 or 1."""
    if calls <= 0.0 or share <= 0.0:
        return 0.0
    if share >= 1.0:
        return calls
    return binomial(calls, share, uniform(seed, entity, tick, stream))


@compiled
def slow_part(e, c, units, rings):
    """Share of the answers in time that took longer than the policy's slow call."""
    if e.slow_after_s >= e.timeout_s:
        return 0.0
    share = 0.0
    for slot in range(c.u1 - c.u0):
        u = units[c.u0 + slot]
        went = rings[e.pi0 + slot] if c.u1 - c.u0 > 1 else 1.0
        share += went * late_of(
            c, u, u.age, max(e.slow_after_s - e.delay_s, 1e-9), e.jitter_var
        )
    return min(1.0, share)


@compiled
def observe_edge(e, comps, units, rings, o, steady, fresh, first, edge, seed, tick):
    """What the caller's breaker and budget see of this tick, added to what they have not yet read.

    Args:
        fresh: they have read everything up to this tick.
        first: this is the first tick of a control period (`steady` holds means over one).
    """
    ok = max(0.0, e.ok - e.stale_ok)
    bad = max(0.0, e.bad + e.late - e.stale_bad)
    e.stale_ok = 0.0
    e.stale_bad = 0.0
    if fresh:
        forget(o)
    mass = ok + bad
    e.carry += mass
    calls = math.floor(e.carry + ROUNDING)
    e.carry = max(0.0, e.carry - calls)
    slow = 0.0
    if e.slow_counts == 1 and mass > 0.0:
        slow = slow_part(e, comps[e.callee], units, rings) * ok
        if e.timeout_s > e.slow_after_s:
            slow += max(0.0, min(e.late, bad))
    o.calls += calls
    if calls > 0.0 and mass > 0.0:
        o.failed += drawn(calls, bad / mass, seed, edge, tick, FAILED_CALLS)
        o.slow += drawn(calls, slow / mass, seed, edge, tick, SLOW_CALLS)
    o.started += e.offered
    o.successes += e.ok + e.quiet
    e.quiet = 0.0
    o.retries += e.spent
    o.active = max(0.0, e.outstanding)
    pooled = 0.0
    if e.pools_hot == 1:
        for k in range(1, e.attempts):
            pooled += rings[e.pp + k]
    o.retries_active = pooled + e.repeat_share * o.active
    keep_mean(e, steady, mass, bad, slow, first)
    e.spent = 0.0


@compiled
def forget(o):
    """An observation starts anew once it was read."""
    o.calls = 0.0
    o.failed = 0.0
    o.slow = 0.0
    o.started = 0.0
    o.successes = 0.0
    o.retries = 0.0


@compiled
def keep_mean(e, steady, mass, bad, slow, first):
    """The means of this control period, for jumps: amounts a tick."""
    if first:
        forget(steady)
    steady.calls = max(steady.calls, mass)
    steady.failed = max(steady.failed, bad)
    steady.slow = max(steady.slow, slow)
    steady.successes = e.ok
    steady.retries = max(steady.retries, e.spent)
    steady.started = e.offered


@compiled
def observe_replicas(e, c, units, rings, o, fresh, edge, seed, tick):
    """For ejection: whole calls and failures of each of the callee's units; whether any failed."""
    several = c.u1 - c.u0 > 1
    told = False
    for slot in range(e.slots):
        if fresh:
            o.calls[slot] = 0.0
            o.failed[slot] = 0.0
    for slot in range(c.u1 - c.u0):
        ok = rings[e.slot0 + 2 * slot] if several else e.ok
        bad = rings[e.slot0 + 2 * slot + 1] if several else e.bad + e.late
        rings[e.slot0 + 2 * slot] = 0.0
        rings[e.slot0 + 2 * slot + 1] = 0.0
        carry = rings[e.carry0 + slot] + ok + bad
        calls = math.floor(carry + ROUNDING)
        rings[e.carry0 + slot] = max(0.0, carry - calls)
        o.calls[slot] += calls
        if calls > 0.0 and bad > 0.0:
            entity = (edge << 3) + slot + 1
            o.failed[slot] += drawn(calls, bad / (ok + bad), seed, entity, tick, FAILED_CALLS)
        told = told or o.failed[slot] > 0.0
    return told


@compiled
def observe_slots(c, component, units, slots, period_s):
    """What the component's own agent sees of its units over the last control period."""
    for slot in range(4):
        o = slots[component * 4 + slot]
        if slot >= c.u1 - c.u0:
            o.replicas = 0.0
            continue
        u = units[c.u0 + slot]
        o.replicas = u.n
        o.up = u.up == 1
        o.starting = u.up == 0 and u.starts_tick >= 0
        o.arrivals_rps = u.sum_arrivals / period_s
        o.answered_rps = u.sum_answers / period_s
        answered = max(u.sum_answers, 1e-12)
        o.error_share = min(1.0, u.sum_errors / answered) if u.sum_errors > 0.0 else 0.0
        o.own_error_share = min(1.0, u.sum_own_errors / answered) if u.sum_own_errors > 0.0 else 0.0
        o.response_s = u.age
        o.own_response_s = u.wait_s + c.service_s / max(u.speed, 1e-3)
        room = max(1.0, u.k - u.workers)
        over = (u.queued + u.waiting) * u.n_inv - u.workers
        o.queue_share = min(1.0, max(0.0, over / room)) if u.workers < 1e8 else 0.0
        o.refused_share = min(1.0, u.sum_refused / max(u.sum_arrivals, 1e-12))
        if u.sum_refused <= 0.0:
            o.refused_share = 0.0
        o.memory_share = u.memory_mb / c.memory_limit_mb if c.memory_limit_mb > 0.0 else 0.0
        o.silence_s = u.silent_s
        u.sum_arrivals = 0.0
        u.sum_answers = 0.0
        u.sum_errors = 0.0
        u.sum_own_errors = 0.0
        u.sum_refused = 0.0
