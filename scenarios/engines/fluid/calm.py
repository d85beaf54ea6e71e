"""Jumping over time in which nothing changes. docs/decisions/0003 tells why it may.

A snapshot is compared once a control period; when nothing moved by more than 1e-6 a tick for as
long as the longest memory that is not empty, time jumps to the next thing that can change: a fault,
an act, a probe that would change its mind, a rate, a timer of a decision, an emptying budget.
Rings count computed ticks and the clock adds an offset, so that a jump touches no ring.
"""

from hms.scenarios.engines.fluid.decisions import may_open, wake_tick
from hms.scenarios.engines.fluid.faults import next_fault_change
from hms.scenarios.engines.fluid.platform import next_change
from hms.scenarios.machine_code import compiled

TOLERANCE = 1e-6
LONGEST_SILENCE_S = 31.0
NEGLIGIBLE = 1e-9


@compiled
def moved(now, before, scale):
    """Relative change, against a scale below which nothing matters."""
    return abs(now - before) / (abs(now) + scale)


@compiled
def largest_change(s):
    """Largest relative change since the last look; takes a new snapshot."""
    worst = 0.0
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        for g in range(c.u0, c.u1):
            u = s.units[g]
            worst = max(worst, moved(u.queued + u.waiting, u.present_before, 1e-3 * u.n))
            worst = max(worst, moved(u.out, u.out_before, 1e-3))
            worst = max(worst, moved(u.age, u.age_before, 1e-6))
            worst = max(worst, moved(u.error_share, u.error_before, 1e-3))
            worst = max(worst, moved(u.r, u.r_before, 1e-2))
            worst = max(worst, moved(u.waiting_error, u.waiting_error_before, 1e-2))
            u.present_before = u.queued + u.waiting
            u.out_before = u.out
            u.age_before = u.age
            u.error_before = u.error_share
            u.r_before = u.r
            u.waiting_error_before = u.waiting_error
    for q in range(s.edges.shape[0]):
        e = s.edges[q]
        flow = e.offered + e.ok + e.late
        worst = max(worst, moved(flow, e.flow_before, 1e-3))
        e.flow_before = flow
    return worst


@compiled
def memory_ticks(s, tick):
    """How long the world must rest: as long as the rings still hold late calls or retries."""
    needed = s.world[0].control_every
    for k in range(s.edges.shape[0]):
        e = s.edges[k]
        if tick <= e.late_hot or tick <= e.first_hot:
            needed = max(needed, e.timeout_ticks + s.world[0].control_every)
    for i in range(s.comps.shape[0]):
        needed = max(needed, (s.comps[i].late_periods + 1) * s.world[0].control_every)
    return needed


@compiled
def budget_ticks(s):
    """How long every retry that is wanted will be granted; 0 while a budget refuses some."""
    ticks = s.world[0].ticks
    for k in range(s.edges.shape[0]):
        o = s.callers[k].steady
        tokens = s.callers[k].grant.tokens
        if s.edges[k].agent == 0 or tokens < 0.0 or o.failed <= NEGLIGIBLE:
            continue
        deposit = s.callers[k].retry_p.budget_ratio * o.successes
        if tokens < o.retries + 1.0:
            if deposit > NEGLIGIBLE:
                return 0
        elif o.retries > deposit:
            ticks = min(ticks, int((tokens - o.retries) / (o.retries - deposit)))
    return ticks


@compiled
def next_world_change(s, tick):
    """Tick of the clock at which the world itself next changes: faults, acts, platform, load."""
    world = s.world[0]
    due = next_change(world, s.comps, s.units, tick)
    due = min(due, next_fault_change(world, s.faults, tick))
    if tick <= world.stale_last:
        for k in range(s.edges.shape[0]):
            if s.edges[k].stale_until_tick > 0:
                due = min(due, s.edges[k].stale_until_tick)
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        if c.arriving > 0.0:
            due = min(due, c.arriving_tick)
        if c.fallback_until_tick > tick:
            due = min(due, c.fallback_until_tick)
    second = tick // world.control_every
    for client in range(s.rates.shape[0]):
        at = second + 1
        while at < s.rates.shape[1] and s.rates[client, at] == s.rates[client, second]:
            at += 1
        if at < s.rates.shape[1]:
            due = min(due, at * world.control_every)
    return due


@compiled
def jump_length(s, tick):
    """How many ticks may be passed over from the end of this control period; 0 for none."""
    world = s.world[0]
    if world.fast == 0 or world.noisy == 1:  # each look at a noisy metric is a draw that may matter
        return 0
    if largest_change(s) > TOLERANCE * world.control_every or world.disturbed == 1:
        world.calm_ticks = 0
    else:
        world.calm_ticks += world.control_every
    world.disturbed = 0
    if world.calm_ticks < memory_ticks(s, world.computed):
        return 0
    for k in range(s.edges.shape[0]):
        e = s.edges[k]
        if e.agent == 1 and (may_open(s, k) or e.half_open == 1):
            return 0
    for g in range(s.units.shape[0]):
        if s.units[g].silent_s > 0.0 and s.units[g].silent_s <= LONGEST_SILENCE_S:
            return 0
    due = min(next_world_change(s, tick), wake_tick(s, tick))
    left = min(due - tick, budget_ticks(s))
    left = left // world.control_every * world.control_every
    return max(0, min(left, world.ticks - tick))
