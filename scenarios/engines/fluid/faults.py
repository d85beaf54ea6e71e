"""Faults begin and end: what each does to units, edges and load."""

from hms.scenarios.engines.fluid.platform import crash
from hms.scenarios.engines.fluid.units import split_unit
from hms.scenarios.faults.kinds import (
    BAD_DEPLOY,
    CAPACITY,
    CRASH,
    ERROR,
    HANG,
    LATENCY,
    LEAK,
    LOSS,
    PARTITION,
    SERVICE,
    SLOW,
    SPIKE,
    UNTIL_RESTART,
)
from hms.scenarios.machine_code import compiled


@compiled
def strike(f, c, u, world, units, edges, rings, tick):
    """One unit is struck by a fault on replicas."""
    by_restart = f.until == UNTIL_RESTART
    if f.kind == CRASH:
        restarts = f.value > 0.0 and c.restarts_itself == 1
        if u.up == 1:
            crash(c, u, world, units, edges, rings, tick, restarts)
    elif f.kind == HANG:
        u.hung = 1
    elif f.kind == ERROR:
        u.error_fault = f.value
        if by_restart:
            u.cures |= 2
    elif f.kind == SLOW:
        u.slow_factor = f.value
        if by_restart:
            u.cures |= 1
    elif f.kind == LEAK:
        u.leak_mb_s = f.value
        if by_restart:
            u.cures |= 4
    elif f.kind == BAD_DEPLOY:
        u.bad_version = 1
        u.bad_error = f.value
        u.bad_slow_factor = f.value2
    elif f.kind == CAPACITY:
        u.cores = f.value
        u.cores_scale = c.cores / f.value


@compiled
def relieve(f, c, u):
    """The fault ends by itself on one unit."""
    if f.kind == HANG:
        u.hung = 0
    elif f.kind == ERROR:
        u.error_fault = 0.0
    elif f.kind == SLOW:
        u.slow_factor = 1.0
    elif f.kind == LEAK:
        u.leak_mb_s = 0.0
    elif f.kind == BAD_DEPLOY:
        u.bad_version = 0
        u.bad_error = 0.0
        u.bad_slow_factor = 1.0
    elif f.kind == CAPACITY:
        u.cores = c.cores
        u.cores_scale = 1.0


@compiled
def strike_replicas(f, world, comps, units, edges, incoming, rings, tick):
    """The first k replicas of a component (all, if k is 0), split off where need be."""
    c = comps[f.component]
    left = float(f.replicas) if f.replicas > 0 else 1e9
    last = c.u1
    for g in range(c.u0, last):
        if left > 1e-9:
            ill = split_unit(c, g, min(left, units[g].n), units, edges, incoming, rings)
            left -= units[ill].n
            strike(f, c, units[ill], world, units, edges, rings, tick)


@compiled
def change_edge(f, e, world, tick, begins):
    """A fault on an edge begins or ends; a partition leaves its connections stale."""
    if f.kind == LATENCY:
        e.added_s = f.value if begins else 0.0
        e.delay_s = 2.0 * e.network_s + e.added_s
    elif f.kind == LOSS:
        e.loss = f.value if begins else 0.0
    elif f.kind == PARTITION:
        if begins:
            e.cut = 1
        elif f.stale_s > 0.0 and e.stale_until_tick >= 0:
            e.stale_until_tick = tick + int(f.stale_s * world.dt_inv + 0.5)
        else:
            e.cut = 0


@compiled
def on_replicas(kind):
    """Whether a fault of this kind strikes replicas of a component."""
    edge = kind in (LATENCY, LOSS, PARTITION)
    return not edge and kind != SPIKE and kind != SERVICE


@compiled
def begin_and_end(world, faults, comps, units, edges, incoming, rings, tick):
    """All faults whose time it is; returns how many changed."""
    changed = 0
    for k in range(faults.shape[0]):
        f = faults[k]
        if f.active == 0 and tick == f.start_tick:
            f.active = 1
            changed += 1
            if on_replicas(f.kind):
                strike_replicas(f, world, comps, units, edges, incoming, rings, tick)
            elif f.kind == SPIKE:
                world.load_factor *= f.value
            elif f.kind == SERVICE:
                comps[f.component].service_s *= f.value
            else:
                change_edge(f, edges[f.edge], world, tick, f.active == 1)
        elif f.active == 1 and tick == f.end_tick:
            f.active = 2
            changed += 1
            if on_replicas(f.kind):
                c = comps[f.component]
                for g in range(c.u0, c.u1):
                    relieve(f, c, units[g])
            elif f.kind == SPIKE:
                world.load_factor /= f.value
            elif f.kind == SERVICE:
                comps[f.component].service_s /= f.value
            else:
                change_edge(f, edges[f.edge], world, tick, f.active == 1)
    for k in range(edges.shape[0]):
        e = edges[k]
        if e.stale_until_tick > 0 and tick >= e.stale_until_tick:
            e.stale_until_tick = 0
            e.cut = 0
            changed += 1
    return changed
