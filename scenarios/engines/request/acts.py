"""What an act does to the world, request by request. docs/world.md, "Actions on the world"."""

from hms.agents.policy.kinds import (
    ADJUST,
    CUSTOM_ACT,
    FALLBACK,
    LADDER_STEPS,
    NO_ACTION,
    RECONNECT,
    RESTART,
    SCALE,
    TARGET_LIMIT,
    TARGET_MAX_ATTEMPTS,
    TARGET_QUEUE_LIMIT,
)
from hms.scenarios.engines.fluid.breaches import note_breach, serves
from hms.scenarios.engines.fluid.effects import end_effects
from hms.scenarios.engines.fluid.roads import mark_trouble
from hms.scenarios.engines.request.faults import let_through
from hms.scenarios.engines.request.groups import part_from, size_of, worst_of
from hms.scenarios.engines.request.platform import settle_replica, start_after, take_down
from hms.scenarios.machine_code import compiled

MOST_ADDED = 2.0
ROLL_BACK = 0


@compiled
def watch_breach(s, i, ri, slot):
    """Before replica ri, or all bad ones of a group if -1: do they alone serve their component?"""
    world = s.world[0]
    c = s.comps[i]
    last = False
    beside = False
    for other in range(c.r0, c.r1):
        r = s.replicas[other]
        if r.there == 0 or r.leaving == 1 or not serves(r):
            continue
        taken = other == ri or (ri < 0 and r.slot == slot and r.bad_version == 1)
        last = last or taken
        beside = beside or not taken
    second = world.tick // world.control_every - 1
    if second >= 0:
        row = s.windows[min(second, s.windows.shape[0] - 1)]
        note_breach(world, s.agents[i], last and not beside, row.good, row.bad)


@compiled
def restart_one(s, ri, rolls_back):
    """A replica is restarted by order; a roll-back changes its version too."""
    world = s.world[0]
    r = s.replicas[ri]
    world.lost_in_flight += take_down(s, ri)
    r.down_by_act = 1
    world.restarts += 1.0
    if rolls_back:
        r.bad_version = 0
        if r.rolls != 0:
            end_effects(r.rolls, s.comps[r.component], r, world)
            r.rolls = 0
    start_after(s, ri, 0.0)


@compiled
def restart(s, i, slot, rolls_back):
    """One replica of a group restarts, the worst of it."""
    ri = worst_of(s, i, slot)
    if ri >= 0:
        watch_breach(s, i, ri, slot)
        part_from(s, i, ri, 1)
        restart_one(s, ri, rolls_back)


@compiled
def roll_back(s, i, slot):
    """Every bad replica of the group goes back to the version before; without one, a restart."""
    c = s.comps[i]
    bad = False
    for ri in range(c.r0, c.r1):
        r = s.replicas[ri]
        if r.there == 1 and r.slot == slot and r.bad_version == 1:
            if not bad:
                watch_breach(s, i, -1, slot)
            bad = True
            restart_one(s, ri, True)
    if not bad:
        restart(s, i, slot, True)


@compiled
def reconnect(s, i):
    """Stale connections of the component's calls are replaced: what is sent now arrives."""
    c = s.comps[i]
    for k in range(c.e0, c.e1):
        e = s.edges[k]
        if e.stale_until_tick > 0:
            e.cut = 0
        if e.stale_until_tick > 0 or e.cut == 0:
            e.stale_until_tick = 0
        mark_trouble(e)
    let_through(s)


@compiled
def on_control(world, tick):
    """The first start of a control period that is not before `tick`."""
    return (tick + world.control_every - 1) // world.control_every * world.control_every


@compiled
def scale(s, i, replicas):
    """More replicas, there after the start-up time, paid from now on."""
    world = s.world[0]
    c = s.comps[i]
    count = max(min(replicas, MOST_ADDED * c.replicas - c.added_replicas), 0.0)
    c.former = count
    if count > 0.0:
        c.added_replicas += count
        c.arriving += count
        wait = max(1, int(c.startup_s * world.dt_inv + 0.5))
        c.arriving_tick = on_control(world, world.tick + wait)


@compiled
def largest_group(s, c, well):
    """The group with most replicas, among those that are well if asked for; -1 if none is."""
    best = -1
    most = 0
    for slot in range(c.slots_used):
        size = size_of(s, c, slot)
        fit = not well
        for ri in range(c.r0, c.r1):
            r = s.replicas[ri]
            mine = r.there == 1 and r.slot == slot
            fit = fit or (mine and r.up == 1 and r.hung == 0 and r.bad_version == 0)
        if fit and size > most:
            best = slot
            most = size
    return best


@compiled
def arrive(s, i):
    """Replicas ordered before are there: they join the largest group that is up."""
    c = s.comps[i]
    slot = max(largest_group(s, c, True), 0)
    while c.arriving >= 1.0 and c.r1 < c.r2:
        ri = c.r1
        c.r1 += 1
        r = s.replicas[ri]
        r.there = 1
        r.up = 1
        r.in_rotation = 1
        r.slot = slot
        r.up_since_s = s.world[0].now
        settle_replica(s, ri)
        c.arriving -= 1.0
    c.arriving = 0.0
    c.arriving_tick = 0


@compiled
def remove(s, i):
    """The replicas that the last order added go: first those not there yet, then of the largest.

    They finish what they work on and get no more; one of the group is kept.
    """
    c = s.comps[i]
    expected = min(c.former, c.arriving)
    c.arriving -= expected
    slot = largest_group(s, c, False)
    gone = max(min(c.former - expected, size_of(s, c, slot) - 1.0), 0.0)
    c.added_replicas -= expected + gone
    ri = c.r1 - 1
    while gone >= 1.0 and ri >= c.r0:
        r = s.replicas[ri]
        if r.there == 1 and r.slot == slot and r.leaving == 0:
            r.leaving = 1
            gone -= 1.0
        ri -= 1


@compiled
def adjust(s, i, target, value):
    """A setting of the component or of its calls changes at once."""
    c = s.comps[i]
    if target == TARGET_MAX_ATTEMPTS:
        for k in range(c.e0, c.e1):
            e = s.edges[k]
            e.former_attempts = e.attempts
            e.attempts = min(max(1, int(value)), e.attempts)
        return
    if target == TARGET_LIMIT:
        c.former = c.limit
        c.limit = value
    elif target == TARGET_QUEUE_LIMIT:
        c.former = c.queue_limit
        c.queue_limit = value
    for ri in range(c.r0, c.r1):
        settle_replica(s, ri)


@compiled
def undo(s, i, act, target):
    """The last act did not help: what it changed is as it was before."""
    c = s.comps[i]
    if act == FALLBACK:
        c.fallback_until_tick = int(c.former)
    elif act == SCALE:
        remove(s, i)
    elif target == TARGET_MAX_ATTEMPTS:
        for k in range(c.e0, c.e1):
            s.edges[k].attempts = s.edges[k].former_attempts
    else:
        adjust(s, i, target, c.former)


@compiled
def perform(s, i, a):
    """One act of one agent."""
    world = s.world[0]
    if a.kind == RESTART:
        restart(s, i, a.slot, False)
    elif a.kind == CUSTOM_ACT:
        if a.target == ROLL_BACK:
            roll_back(s, i, a.slot)
    elif a.kind == SCALE:
        scale(s, i, a.amount)
    elif a.kind == RECONNECT:
        reconnect(s, i)
    elif a.kind == FALLBACK:
        c = s.comps[i]
        c.former = float(c.fallback_until_tick)
        until = world.tick + int(a.amount * world.dt_inv + 0.5)
        c.fallback_until_tick = on_control(world, until)
    elif a.kind == ADJUST:
        adjust(s, i, a.target, a.amount)


@compiled
def perform_all(s):
    """All acts decided now, in the order of components."""
    for i in range(s.comps.shape[0]):
        a = s.agents[i].act
        if a.undo:
            p = s.agents[i].recovery_p
            k = a.undo_issue * LADDER_STEPS + a.undo_step
            undo(s, i, int(p.act[k]), int(p.target[k]))
            a.undo = False
        if a.kind != NO_ACTION:
            perform(s, i, a)
            a.kind = NO_ACTION


@compiled
def settle_acts(s):
    """Once a control period: arrivals of ordered replicas, fallbacks that begin or end."""
    tick = s.world[0].tick
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        if c.arriving > 0.0 and tick >= c.arriving_tick:
            arrive(s, i)
        local = 1.0 if tick < c.fallback_until_tick else 0.0
        for k in range(c.e0, c.e1):
            e = s.edges[k]
            e.fallback_share = local if e.soft == 1 else 0.0
