"""Faults begin, grow and end: what each does to replicas, edges and load.

Strengths, effects and which fault holds what are the `fluid` engine's own (its faults.py,
effects.py and roads.py); here are only the replicas, each one of its own.
"""

from hms.scenarios.engines.fluid.effects import neutral, set_effect
from hms.scenarios.engines.fluid.faults import (
    NEVER,
    NOBODY,
    at_level,
    flush,
    on_edge,
    on_replicas,
    spikes,
)
from hms.scenarios.engines.fluid.roads import begin_on_edge, end_on_edge, mark_trouble, mend_stale
from hms.scenarios.engines.request.caches import set_misses
from hms.scenarios.engines.request.groups import new_group, size_of
from hms.scenarios.engines.request.platform import crash, settle_replica, take_down
from hms.scenarios.engines.request.sending import hold_ended
from hms.scenarios.faults.kinds import (
    BAD_DEPLOY,
    CACHE_FLUSH,
    CLOCK_SKEW,
    CRASH,
    CRASH_LOOP,
    FLAPPING_PROBE,
    GC_PAUSE,
    SERVICE,
    SPIKE,
    UNTIL_END,
    UNTIL_RESTART,
    UNTIL_ROLL_BACK,
)
from hms.scenarios.machine_code import compiled


@compiled
def go_down(s, f, ri):
    """A crash: the platform starts it again, an act does, or it is down for a stated time."""
    world = s.world[0]
    r = s.replicas[ri]
    lasts = f.end_tick < NEVER
    if r.up == 1 and lasts:
        world.lost_by_faults += take_down(s, ri)
    elif r.up == 1:
        crash(s, ri, f.value > 0.0 and s.comps[r.component].restarts_itself == 1)
    if lasts:
        r.starts_tick = max(r.starts_tick, max(f.end_tick, world.tick + 1))
        if f.until == UNTIL_END:
            r.down_until = max(r.down_until, r.starts_tick)


@compiled
def strike(s, f, fault, ri):
    """One replica is struck by a fault on replicas."""
    if f.kind == CRASH:
        go_down(s, f, ri)
        return
    world = s.world[0]
    r = s.replicas[ri]
    c = s.comps[r.component]
    r.held_by[f.kind] = fault
    value, value2 = at_level(f, 1.0 / f.ramp_ticks if f.ramp_ticks > 0 else 1.0)
    set_effect(f.kind, c, r, value, value2, world)
    if f.until == UNTIL_RESTART:
        r.cures |= 1 << f.kind
    elif f.until == UNTIL_ROLL_BACK or f.kind == BAD_DEPLOY:
        r.bad_version = 1
        r.rolls |= 1 << f.kind
    if f.kind == GC_PAUSE:
        r.gc_start = world.tick
    elif f.kind == CLOCK_SKEW:
        r.skewed = 1
    elif f.kind == CRASH_LOOP and r.up == 1:
        crash(s, ri, c.restarts_itself == 1)
    settle_replica(s, ri)


@compiled
def strike_replicas(s, f, fault):
    """The first k replicas of a component or group (all, if k is 0), split off where need be."""
    i = f.component
    c = s.comps[i]
    left = f.replicas if f.replicas > 0 else 1 << 30
    apart = f.kind == FLAPPING_PROBE  # their probes differ by chance
    last = c.slots_used
    for slot in range(last):
        size = size_of(s, c, slot)
        struck = min(left, size)
        new = slot
        for ri in range(c.r0, c.r1):
            r = s.replicas[ri]
            mine = r.there == 1 and r.slot == slot and (f.group == 0 or r.group == f.group)
            if struck <= 0 or not mine:
                continue
            if (new == slot or apart) and struck < size and c.slots_used < c.slots_max:
                new = new_group(s, i, slot)
            struck -= 1
            left -= 1
            r.slot = new
            strike(s, f, fault, ri)
    if f.kind == CLOCK_SKEW:
        skew_calls(s, f, c)


@compiled
def skew_calls(s, f, c):
    """The share of a component's calls that come from replicas whose clock is too wrong."""
    wrong = 0.0
    total = 0.0
    for ri in range(c.r0, c.r1):
        if s.replicas[ri].there == 1:
            total += 1.0
            wrong += s.replicas[ri].skewed
    share = wrong / total if abs(f.value) > f.value2 else 0.0
    for k in range(c.e0, max(c.e1, c.p1)):
        s.edges[k].skew = share
        mark_trouble(s.edges[k])


@compiled
def relieve(s, f, fault, ri):
    """The fault ends by itself on one replica, if it still holds it."""
    r = s.replicas[ri]
    if f.kind == CRASH or r.held_by[f.kind] != fault:
        return
    r.held_by[f.kind] = NOBODY
    first, second = neutral(f.kind)
    set_effect(f.kind, s.comps[r.component], r, first, second, s.world[0])
    r.cures &= ~(1 << f.kind)
    r.rolls &= ~(1 << f.kind)
    if r.rolls == 0:
        r.bad_version = 0
    if f.kind == CLOCK_SKEW:
        r.skewed = 0
    settle_replica(s, ri)


@compiled
def begin_fault(s, f, fault):
    """A fault begins."""
    f.now, second = at_level(f, 1.0 / f.ramp_ticks if f.ramp_ticks > 0 else 1.0)
    c = s.comps[f.component]
    if on_edge(f.kind):
        begin_on_edge(f.kind, s.edges[f.edge], f.now, second, fault)
    elif f.kind == SERVICE:
        c.service_s *= f.now
    elif f.kind == CACHE_FLUSH:
        flush(f, c, s.world[0])
        set_misses(s, c)
    elif on_replicas(f.kind):
        strike_replicas(s, f, fault)


@compiled
def grow_fault(s, f, fault):
    """A fault with a ramp is a tick stronger."""
    f.now, second = at_level(f, (s.world[0].tick - f.start_tick + 1) / f.ramp_ticks)
    if on_edge(f.kind):
        begin_on_edge(f.kind, s.edges[f.edge], f.now, second, fault)
    elif on_replicas(f.kind):
        c = s.comps[f.component]
        for ri in range(c.r0, c.r1):
            if s.replicas[ri].there == 1 and s.replicas[ri].held_by[f.kind] == fault:
                set_effect(f.kind, c, s.replicas[ri], f.now, second, s.world[0])
                settle_replica(s, ri)


@compiled
def end_fault(s, f, fault):
    """A fault ends by itself."""
    world = s.world[0]
    if on_edge(f.kind):
        end_on_edge(f.kind, s.edges[f.edge], f.stale_s, fault, world, world.tick)
    elif f.kind == SERVICE:
        s.comps[f.component].service_s /= f.now
    elif on_replicas(f.kind):
        c = s.comps[f.component]
        for ri in range(c.r0, c.r1):
            if s.replicas[ri].there == 1:
                relieve(s, f, fault, ri)
        if f.kind == CLOCK_SKEW:
            skew_calls(s, f, c)


@compiled
def let_through(s):
    """Where a cut is over, what it held back arrives."""
    for k in range(s.edges.shape[0]):
        if s.edges[k].cut == 0 and s.queues[3 * s.replicas.shape[0] + k].n > 0:
            hold_ended(s, k)


@compiled
def begin_and_end(s):
    """All faults whose time it is."""
    world = s.world[0]
    tick = world.tick
    changed = 0
    spiking = False
    for k in range(world.faults_over, s.faults.shape[0]):
        f = s.faults[k]
        if f.start_tick > tick:
            break
        before = changed
        if f.active == 0:
            f.active = 1
            changed += 1
            begin_fault(s, f, k + 1)
        elif f.active == 1 and tick < f.start_tick + f.ramp_ticks:
            changed += 1
            grow_fault(s, f, k + 1)
        if f.active == 1 and tick >= f.end_tick:
            f.active = 2
            changed += 1
            end_fault(s, f, k + 1)
        spiking = spiking or (f.kind == SPIKE and changed > before)
    if spiking:
        world.load_factor = spikes(world, s.faults, tick)
    while world.faults_over < s.faults.shape[0] and s.faults[world.faults_over].active == 2:
        world.faults_over += 1
    if changed + mend_stale(world, s.edges, tick) > 0:
        let_through(s)
