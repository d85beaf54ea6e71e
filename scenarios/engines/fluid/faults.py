"""Faults begin, grow and end: what each does to units, edges and load.

Of two faults of one kind on the same replica or edge the later one holds it; the end of the other
then changes nothing. Rows lie in the order of their starts.
"""

from hms.scenarios.engines.fluid.effects import neutral, set_effect
from hms.scenarios.engines.fluid.platform import crash
from hms.scenarios.engines.fluid.roads import begin_on_edge, end_on_edge, mark_trouble, mend_stale
from hms.scenarios.engines.fluid.units import split_unit, take_down
from hms.scenarios.faults.kinds import (
    BAD_DEPLOY,
    CACHE_FLUSH,
    CLOCK_SKEW,
    CRASH,
    CRASH_LOOP,
    DNS,
    FLAPPING_PROBE,
    GC_PAUSE,
    LATENCY,
    LOSS,
    PARTITION,
    SERVICE,
    SPIKE,
    UNTIL_END,
    UNTIL_RESTART,
    UNTIL_ROLL_BACK,
)
from hms.scenarios.machine_code import compiled

NEVER = 1 << 59
NOBODY = 0


@compiled
def on_edge(kind):
    """Whether a fault of this kind strikes edges."""
    return kind in (LATENCY, LOSS, PARTITION, DNS)


@compiled
def on_replicas(kind):
    """Whether a fault of this kind strikes replicas of a component."""
    return not on_edge(kind) and kind not in (SPIKE, SERVICE, CACHE_FLUSH)


@compiled
def at_level(f, level):
    """Both values of a fault at a share of its full strength."""
    if level >= 1.0:
        return f.value, f.value2
    first, second = neutral(f.kind)
    if f.kind == SPIKE:
        first = 1.0
    return first + (f.value - first) * level, second + (f.value2 - second) * level


@compiled
def go_down(f, c, u, world, units, edges, rings, tick):
    """A crash: the platform starts it again, an act does, or it is down for a stated time."""
    lasts = f.end_tick < NEVER
    if u.up == 1 and lasts:
        world.lost_by_faults += take_down(c, u, world, units, edges, rings, tick)
    elif u.up == 1:
        restarts = f.value > 0.0 and c.restarts_itself == 1
        crash(c, u, world, units, edges, rings, tick, restarts)
    if lasts:
        u.starts_tick = max(u.starts_tick, max(f.end_tick, tick + 1))
        if f.until == UNTIL_END:
            u.down_until = max(u.down_until, u.starts_tick)


@compiled
def strike(f, fault, c, u, world, units, edges, rings, tick):
    """One unit is struck by a fault on replicas."""
    if f.kind == CRASH:
        go_down(f, c, u, world, units, edges, rings, tick)
        return
    u.held_by[f.kind] = fault
    value, value2 = at_level(f, 1.0 / f.ramp_ticks if f.ramp_ticks > 0 else 1.0)
    set_effect(f.kind, c, u, value, value2, world)
    if f.until == UNTIL_RESTART:
        u.cures |= 1 << f.kind
    elif f.until == UNTIL_ROLL_BACK or f.kind == BAD_DEPLOY:
        u.bad_version = 1
        u.rolls |= 1 << f.kind
    if f.kind == GC_PAUSE:
        u.gc_start = tick
    elif f.kind == CLOCK_SKEW:
        u.skewed = 1
    elif f.kind == CRASH_LOOP and u.up == 1:
        crash(c, u, world, units, edges, rings, tick, c.restarts_itself == 1)


@compiled
def strike_replicas(f, fault, world, comps, units, edges, incoming, rings, tick):
    """The first k replicas of a component or group (all, if k is 0), split off where need be."""
    c = comps[f.component]
    left = float(f.replicas) if f.replicas > 0 else 1e9
    if f.kind == FLAPPING_PROBE:
        split_all(f, c, units, edges, incoming, rings)
    last = c.u1
    for g in range(c.u0, last):
        if left > 1e-9 and (f.group == 0 or units[g].group == f.group):
            ill = split_unit(c, g, min(left, units[g].n), units, edges, incoming, rings)
            left -= units[ill].n
            strike(f, fault, c, units[ill], world, units, edges, rings, tick)
    if f.kind == CLOCK_SKEW:
        skew_calls(f, c, units, edges)


@compiled
def split_all(f, c, units, edges, incoming, rings):
    """Each replica a unit of its own, as far as there are places: their probes differ by chance."""
    for g in range(c.u0, c.u1):
        if f.group == 0 or units[g].group == f.group:
            while units[g].n > 1.5 and c.u1 - c.u0 < c.slots:
                split_unit(c, g, 1.0, units, edges, incoming, rings)


@compiled
def skew_calls(f, c, units, edges):
    """The share of a component's calls that come from replicas whose clock is too wrong."""
    wrong = 0.0
    total = 0.0
    for g in range(c.u0, c.u1):
        total += units[g].n
        if units[g].skewed == 1:
            wrong += units[g].n
    share = wrong / total if abs(f.value) > f.value2 else 0.0
    for k in range(c.e0, max(c.e1, c.p1)):
        edges[k].skew = share
        mark_trouble(edges[k])


@compiled
def relieve(f, fault, c, u, world, tick):
    """The fault ends by itself on one unit, if it still holds it."""
    if f.kind == CRASH or u.held_by[f.kind] != fault:
        return
    u.held_by[f.kind] = NOBODY
    first, second = neutral(f.kind)
    set_effect(f.kind, c, u, first, second, world)
    u.cures &= ~(1 << f.kind)
    u.rolls &= ~(1 << f.kind)
    if u.rolls == 0:
        u.bad_version = 0
    if f.kind == CLOCK_SKEW:
        u.skewed = 0


@compiled
def begin_fault(f, fault, world, comps, units, edges, incoming, rings, tick):
    """A fault begins."""
    level = 1.0 / f.ramp_ticks if f.ramp_ticks > 0 else 1.0
    f.now, second = at_level(f, level)
    if on_edge(f.kind):
        begin_on_edge(f.kind, edges[f.edge], f.now, second, fault)
    elif f.kind == SERVICE:
        comps[f.component].service_s *= f.now
    elif f.kind == CACHE_FLUSH:
        flush(f, comps[f.component], world)
    elif on_replicas(f.kind):
        strike_replicas(f, fault, world, comps, units, edges, incoming, rings, tick)


@compiled
def flush(f, c, world):
    """A cache forgets a share of its keys, on as many of its replicas as are struck."""
    part = f.replicas / c.replicas if f.replicas > 0 else 1.0
    c.hit_rate *= 1.0 - f.value * min(1.0, part)
    world.caches_cold = 1


@compiled
def grow_fault(f, fault, world, comps, units, edges, tick):
    """A fault with a ramp is a tick stronger."""
    f.now, second = at_level(f, (tick - f.start_tick + 1) / f.ramp_ticks)
    if on_edge(f.kind):
        begin_on_edge(f.kind, edges[f.edge], f.now, second, fault)
    elif on_replicas(f.kind):
        c = comps[f.component]
        for g in range(c.u0, c.u1):
            if units[g].held_by[f.kind] == fault:
                set_effect(f.kind, c, units[g], f.now, second, world)


@compiled
def end_fault(f, fault, world, comps, units, edges, tick):
    """A fault ends by itself."""
    if on_edge(f.kind):
        end_on_edge(f.kind, edges[f.edge], f.stale_s, fault, world, tick)
    elif f.kind == SERVICE:
        comps[f.component].service_s /= f.now
    elif on_replicas(f.kind):
        c = comps[f.component]
        for g in range(c.u0, c.u1):
            relieve(f, fault, c, units[g], world, tick)
        if f.kind == CLOCK_SKEW:
            skew_calls(f, c, units, edges)


@compiled
def spikes(world, faults, tick):
    """The factor of all spikes of all the load that last now."""
    factor = 1.0
    for k in range(world.faults_over, faults.shape[0]):
        f = faults[k]
        if f.start_tick > tick:
            break
        if f.kind == SPIKE and f.active == 1:
            factor *= f.now
    return factor


@compiled
def begin_and_end(world, faults, comps, units, edges, incoming, rings, tick):
    """All faults whose time it is; returns how many changed."""
    changed = 0
    spiking = False
    for k in range(world.faults_over, faults.shape[0]):
        f = faults[k]
        if f.start_tick > tick:
            break
        before = changed
        if f.active == 0:
            f.active = 1
            changed += 1
            begin_fault(f, k + 1, world, comps, units, edges, incoming, rings, tick)
        elif f.active == 1 and tick < f.start_tick + f.ramp_ticks:
            changed += 1
            grow_fault(f, k + 1, world, comps, units, edges, tick)
        if f.active == 1 and tick >= f.end_tick:
            f.active = 2
            changed += 1
            end_fault(f, k + 1, world, comps, units, edges, tick)
        spiking = spiking or (f.kind == SPIKE and changed > before)
    if spiking:
        world.load_factor = spikes(world, faults, tick)
    while world.faults_over < faults.shape[0] and faults[world.faults_over].active == 2:
        world.faults_over += 1
    return changed + mend_stale(world, edges, tick)


@compiled
def next_fault_change(world, faults, tick):
    """The tick of the clock at which a fault next begins, grows or ends."""
    due = NEVER
    for k in range(world.faults_over, faults.shape[0]):
        f = faults[k]
        if f.active == 0:
            return min(due, f.start_tick)
        if f.active == 1:
            due = min(due, f.end_tick)
            if tick < f.start_tick + f.ramp_ticks:
                return tick
    return due
