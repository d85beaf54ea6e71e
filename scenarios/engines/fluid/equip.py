"""A compiled scenario under one policy: time-outs, attempts, budgets and admission put in place."""

import math

from hms.agents.policy.kinds import BUDGET_NONE, JITTER_EQUAL, JITTER_FULL, SCOPE_REPLICA
from hms.scenarios.elementary import exp_
from hms.scenarios.engines.fluid.effects import refresh
from hms.scenarios.engines.fluid.records import ATTEMPTS, LONGEST_TIMEOUT_S, POOLS, SLOT_FIELDS
from hms.scenarios.machine_code import compiled, door
from hms.scenarios.policy_jit import decisions

mean_backoff_s = decisions()["retry.mean_backoff_s"]
AT_ONCE = 0.2


@compiled
def ring_size(ticks):
    """The smallest power of two that holds so many ticks."""
    size = 1
    while size < ticks:
        size *= 2
    return size


@compiled
def attempts_within(p, call_s, total_s):
    """Attempts that can begin before the total time-out ends."""
    attempts = min(p.max_attempts, ATTEMPTS)
    if total_s <= 0.0:
        return attempts
    spent = call_s
    possible = 1
    for k in range(1, attempts):
        spent += mean_backoff_s(p, k)
        if spent >= total_s:
            break
        possible += 1
        spent += call_s
    return possible


@compiled
def equip_edge(e, p, b, call_s, total_s, dt):
    """One caller's settings on one edge."""
    if e.agent == 1:
        if call_s > 0.0:
            e.timeout_s = call_s
        if total_s > 0.0:
            e.timeout_s = min(e.timeout_s, total_s)
        e.attempts = attempts_within(p, e.timeout_s, total_s)
        e.retry_refused = 1.0 if p.retry_on_refused else 0.0
        e.retry_unavailable = 1.0 if p.retry_on_unavailable else 0.0
        e.retry_error = 1.0 if p.retry_on_error else 0.0
        e.retry_timeout = 1.0 if p.retry_on_timeout else 0.0
        e.tokens = -1.0 if p.budget_kind == BUDGET_NONE else p.budget_max
        e.backoff_s = p.base_s
        e.backoff_max_s = p.max_s
        e.backoff_multiplier = p.multiplier
        spread = p.jitter_kind == JITTER_FULL or p.jitter_kind == JITTER_EQUAL
        e.full_jitter = 1.0 if spread else 0.0
        e.scope_replica = 1 if b.enabled and b.scope == SCOPE_REPLICA and e.slots > 1 else 0
        e.slow_counts = 1 if b.enabled and b.slow_call_rate <= 1.0 else 0
        e.slow_after_s = b.slow_call_s
    else:
        e.attempts = 1
    e.timeout_s = min(e.timeout_s, LONGEST_TIMEOUT_S)
    e.retries = e.attempts - 1
    e.timeout_ticks = max(1, math.ceil(e.timeout_s / dt - 1e-9))
    e.mask = ring_size(e.timeout_ticks + 2) - 1
    for k in range(POOLS):
        e.release[k] = 1.0
    for k in range(1, e.attempts):
        wait_s = mean_backoff_s(p, k)
        if wait_s > dt * AT_ONCE:
            e.release[k] = 1.0 - exp_(-dt / wait_s)


@compiled
def place_edge(e, size):
    """Where an edge's lists lie in `rings` from `size` on; returns where the next may begin."""
    several = e.slots if e.slots > 1 else 0
    e.ring0 = size
    e.pp = e.ring0 + (e.mask + 1) * 2 * e.attempts
    e.share0 = e.pp + 2 * POOLS + SLOT_FIELDS * e.slots
    e.pi0 = e.share0 + (e.mask + 1) * several
    e.slot0 = e.pi0 + e.slots
    e.carry0 = e.slot0 + 2 * e.slots
    return e.carry0 + e.slots


@door("i8(state, f8[:,:], f8[:,:], f8[:])")
def equip(s, timeouts, admission, memory_marks):
    """The whole scenario; closure tables are placed before. Returns the length of `rings`."""
    world = s.world[0]
    size = 0
    for k in range(s.edges.shape[0]):
        caller = s.callers[k]
        e = s.edges[k]
        equip_edge(e, caller.retry_p, caller.breaker_p, timeouts[k, 0], timeouts[k, 1], world.dt)
        world.by_replica |= e.scope_replica
        world.due_n += e.due
        for slot in range(4):
            caller.outlier_grant.share[slot] = 1.0
        caller.outlier_grant.split = -1
        size = place_edge(e, size)
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        longest = 1
        for q in range(c.i0, c.i1):
            longest = max(longest, s.edges[s.incoming[q]].timeout_ticks)
        c.ring_mask = ring_size(longest + 6) - 1
        c.limit = admission[i, 0]
        c.queue_limit = admission[i, 1]
        c.memory_mark = memory_marks[i]
        world.noisy |= c.noisy
        if c.u1 - c.u0 > 1:
            world.several = 1
        for slot in range(c.slots):
            s.units[c.u0 + slot].ring = size
            size += c.ring_mask + 1
        for g in range(c.u0, c.u1):
            refresh(c, s.units[g])
    return size
