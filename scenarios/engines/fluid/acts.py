"""What an act does to the world. docs/world.md, "Actions on the world"."""

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
from hms.scenarios.engines.fluid.effects import end_effects, refresh
from hms.scenarios.engines.fluid.roads import mark_trouble
from hms.scenarios.engines.fluid.units import split_unit, start_after, take_down
from hms.scenarios.machine_code import compiled

MOST_ADDED = 2.0
ROLL_BACK = 0


@compiled
def note_split(s, component, slot, new):
    """Agents and callers know a group of replicas by its slot: tell them of a new one."""
    world = s.world[0]
    row = s.splits[world.splits_n]
    row.component = component
    row.slot = slot
    row.new = new
    world.splits_n += 1
    world.several = 1


@compiled
def split_one(s, component, slot):
    """Split one replica off a slot, telling everybody. Returns its unit."""
    c = s.comps[component]
    before = c.u1
    g = split_unit(c, c.u0 + slot, 1.0, s.units, s.edges, s.incoming, s.rings)
    if c.u1 > before:
        note_split(s, component, slot, g - c.u0)
    return g


@compiled
def watch_breach(s, component, g):
    """Before a unit is disrupted: is it the last of its component that serves?"""
    world = s.world[0]
    c = s.comps[component]
    last = serves(s.units[g])
    for other in range(c.u0, c.u1):
        last = last and (other == g or not serves(s.units[other]))
    note_breach(world, s.agents[component], last, world.last_good, world.last_bad)


@compiled
def restart(s, component, slot, tick, roll_back):
    """One replica of the slot is restarted by order; a roll-back changes its version too."""
    world = s.world[0]
    c = s.comps[component]
    g = split_one(s, component, slot)
    watch_breach(s, component, g)
    u = s.units[g]
    world.lost_in_flight += take_down(c, u, world, s.units, s.edges, s.rings, tick)
    u.down_by_act = 1
    world.acts_down = 1
    world.restarts += u.n
    start_after(c, u, world, 0.0, tick)
    if roll_back:
        version_before(c, u, world)


@compiled
def version_before(c, u, world):
    """The unit starts its former version: what was bad about the new one is over."""
    u.bad_version = 0
    if u.rolls != 0:
        end_effects(u.rolls, c, u, world)
        u.rolls = 0


@compiled
def roll_back(s, component, slot, tick):
    """Every replica of the slot goes back to the version before, all at once."""
    world = s.world[0]
    c = s.comps[component]
    u = s.units[c.u0 + slot]
    if u.bad_version == 0:
        restart(s, component, slot, tick, u.bad_version == 0)
        return
    watch_breach(s, component, c.u0 + slot)
    world.lost_in_flight += take_down(c, u, world, s.units, s.edges, s.rings, tick)
    u.down_by_act = 1
    world.acts_down = 1
    world.restarts += u.n
    start_after(c, u, world, 0.0, tick)
    version_before(c, u, world)


@compiled
def reconnect(s, component):
    """Stale connections of the component's calls are replaced: what is sent from now on arrives.

    Nothing is charged: what was sent on a stale connection was failing already.
    """
    c = s.comps[component]
    for k in range(c.e0, c.e1):
        e = s.edges[k]
        if e.stale_until_tick > 0:
            e.stale_until_tick = 0
            e.cut = 0
            mark_trouble(e)
        elif e.cut == 0:
            e.stale_until_tick = 0


@compiled
def on_control(world, tick):
    """The first start of a control period that is not before `tick`."""
    return (tick + world.control_every - 1) // world.control_every * world.control_every


@compiled
def scale(s, component, replicas, tick):
    """More replicas, there after the start-up time, paid from now on."""
    world = s.world[0]
    c = s.comps[component]
    room = MOST_ADDED * c.replicas - c.added_replicas
    count = max(min(replicas, room), 0.0)
    c.former = count
    if count > 0.0:
        c.added_replicas += count
        world.added = 1
        c.arriving += count
        c.arriving_tick = on_control(world, tick + max(1, int(c.startup_s * world.dt_inv + 0.5)))


@compiled
def remove(c, units):
    """The replicas that the last order added go: those not there yet, then of the largest group.

    What they work on is taken over by the rest of their group, which keeps at least one.
    """
    expected = min(c.former, c.arriving)
    c.arriving -= expected
    largest = c.u0
    for g in range(c.u0, c.u1):
        if units[g].n > units[largest].n:
            largest = g
    u = units[largest]
    there = max(min(c.former - expected, u.n - 1.0), 0.0)
    u.n -= there
    u.n_inv = 1.0 / u.n
    c.added_replicas -= expected + there


@compiled
def arrive(c, units):
    """Replicas ordered before are there: they join the largest group that is up."""
    best = -1
    for g in range(c.u0, c.u1):
        u = units[g]
        well = u.up == 1 and u.hung == 0 and u.bad_version == 0
        if well and (best < 0 or u.n > units[best].n):
            best = g
    if best < 0:
        best = c.u0
    u = units[best]
    u.n += c.arriving
    u.n_inv = 1.0 / u.n
    c.arriving = 0.0
    c.arriving_tick = 0


@compiled
def adjust(s, component, target, value):
    """A setting of the component or of its calls changes at once."""
    c = s.comps[component]
    if target == TARGET_MAX_ATTEMPTS:
        for k in range(c.e0, c.e1):
            e = s.edges[k]
            e.former_retries = e.retries
            e.retries = min(max(0, int(value) - 1), e.attempts - 1)
        return
    if target == TARGET_LIMIT:
        c.former = c.limit
        c.limit = value
    elif target == TARGET_QUEUE_LIMIT:
        c.former = c.queue_limit
        c.queue_limit = value
    for g in range(c.u0, c.u1):
        refresh(c, s.units[g])


@compiled
def undo(s, component, act, target):
    """The last act did not help: what it changed is as it was before."""
    c = s.comps[component]
    if act == FALLBACK:
        c.fallback_until_tick = int(c.former)
    elif act == SCALE:
        remove(c, s.units)
    elif target == TARGET_MAX_ATTEMPTS:
        for k in range(c.e0, c.e1):
            s.edges[k].retries = s.edges[k].former_retries
    else:
        adjust(s, component, target, c.former)


@compiled
def perform(s, component, a, tick):
    """One act of one agent."""
    if a.kind == RESTART:
        restart(s, component, a.slot, tick, a.kind != RESTART)
    elif a.kind == CUSTOM_ACT:
        if a.target == ROLL_BACK:
            roll_back(s, component, a.slot, tick)
    elif a.kind == SCALE:
        scale(s, component, a.amount, tick)
    elif a.kind == RECONNECT:
        reconnect(s, component)
    elif a.kind == FALLBACK:
        c = s.comps[component]
        world = s.world[0]
        c.former = float(c.fallback_until_tick)
        c.fallback_until_tick = on_control(world, tick + int(a.amount * world.dt_inv + 0.5))
    elif a.kind == ADJUST:
        adjust(s, component, a.target, a.amount)


@compiled
def perform_all(s, tick):
    """All acts decided at this tick's start, in the order of components; whether there were any."""
    acted = False
    for i in range(s.comps.shape[0]):
        a = s.agents[i].act
        if a.undo:
            p = s.agents[i].recovery_p
            k = a.undo_issue * LADDER_STEPS + a.undo_step
            undo(s, i, int(p.act[k]), int(p.target[k]))
            a.undo = False
            acted = True
        if a.kind != NO_ACTION:
            perform(s, i, a, tick)
            a.kind = NO_ACTION
            acted = True
    return acted


@compiled
def settle_acts(s, tick):
    """Once a control period: arrivals of ordered replicas, fallbacks that begin or end."""
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        if c.arriving > 0.0 and tick >= c.arriving_tick:
            arrive(c, s.units)
        local = 1.0 if tick < c.fallback_until_tick else 0.0
        for k in range(c.e0, c.e1):
            e = s.edges[k]
            e.fallback_share = local if e.soft == 1 else 0.0
