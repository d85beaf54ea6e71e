"""Faults begin and end: what each does to replicas, edges and load."""

from hms.scenarios.engines.request.calls import hold_ended
from hms.scenarios.engines.request.groups import new_group, size_of
from hms.scenarios.engines.request.platform import crash, settle_replica
from hms.scenarios.engines.request.stations import set_cores
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
def strike(s, f, ri):
    """One replica is struck."""
    r = s.replicas[ri]
    c = s.comps[r.component]
    by_restart = f.until == UNTIL_RESTART
    if f.kind == CRASH:
        if r.up == 1:
            crash(s, ri, f.value > 0.0 and c.restarts_itself == 1)
    elif f.kind == HANG:
        r.hung = 1
    elif f.kind == ERROR:
        r.error_fault = f.value
        r.cures |= 2 if by_restart else 0
    elif f.kind == SLOW:
        r.slow_factor = f.value
        r.cures |= 1 if by_restart else 0
    elif f.kind == LEAK:
        r.leak_mb_s = f.value
        r.cures |= 4 if by_restart else 0
    elif f.kind == BAD_DEPLOY:
        r.bad_version = 1
        r.bad_error = f.value
        r.bad_slow_factor = f.value2
    elif f.kind == CAPACITY:
        set_cores(s, ri, f.value)
    settle_replica(s, ri)


@compiled
def relieve(s, f, ri):
    """The fault ends by itself on one replica."""
    r = s.replicas[ri]
    if f.kind == HANG:
        r.hung = 0
    elif f.kind == ERROR:
        r.error_fault = 0.0
    elif f.kind == SLOW:
        r.slow_factor = 1.0
    elif f.kind == LEAK:
        r.leak_mb_s = 0.0
    elif f.kind == BAD_DEPLOY:
        r.bad_version = 0
        r.bad_error = 0.0
        r.bad_slow_factor = 1.0
    elif f.kind == CAPACITY:
        set_cores(s, ri, s.comps[r.component].cores)
    settle_replica(s, ri)


@compiled
def strike_replicas(s, f):
    """The first k replicas of a component (all, if k is 0), split off where need be."""
    i = f.component
    c = s.comps[i]
    left = f.replicas if f.replicas > 0 else 1 << 30
    last = c.slots_used
    for slot in range(last):
        size = size_of(s, c, slot)
        struck = min(left, size)
        if struck <= 0:
            continue
        left -= struck
        new = slot
        if struck < size and c.slots_used < c.slots_max:
            new = new_group(s, i, slot)
        for ri in range(c.r0, c.r1):
            r = s.replicas[ri]
            if struck > 0 and r.there == 1 and r.slot == slot:
                struck -= 1
                r.slot = new
                strike(s, f, ri)


@compiled
def change_edge(s, f, begins):
    """A fault on an edge begins or ends; a partition leaves its connections stale."""
    world = s.world[0]
    e = s.edges[f.edge]
    if f.kind == LATENCY:
        e.added_s = f.value if begins else 0.0
    elif f.kind == LOSS:
        e.loss = f.value if begins else 0.0
    elif f.kind == PARTITION:
        if begins:
            e.cut = 1
        elif f.stale_s > 0.0 and e.stale_until_tick >= 0:
            e.stale_until_tick = world.tick + int(f.stale_s * world.dt_inv + 0.5)
        else:
            mend(s, f.edge)


@compiled
def mend(s, k):
    """Calls on the edge get through again."""
    s.edges[k].stale_until_tick = 0
    s.edges[k].cut = 0
    hold_ended(s, k)


@compiled
def on_replicas(kind):
    """Whether a fault of this kind strikes replicas of a component."""
    edge = kind in (LATENCY, LOSS, PARTITION)
    return not edge and kind != SPIKE and kind != SERVICE


@compiled
def change(s, f, begins):
    """One fault begins or ends."""
    if on_replicas(f.kind):
        if begins:
            strike_replicas(s, f)
            return
        c = s.comps[f.component]
        for ri in range(c.r0, c.r1):
            if s.replicas[ri].there == 1:
                relieve(s, f, ri)
    elif f.kind == SPIKE:
        s.world[0].load_factor *= f.value if begins else 1.0 / f.value
    elif f.kind == SERVICE:
        s.comps[f.component].service_s *= f.value if begins else 1.0 / f.value
    else:
        change_edge(s, f, begins)


@compiled
def begin_and_end(s):
    """All faults whose time it is."""
    tick = s.world[0].tick
    for k in range(s.faults.shape[0]):
        f = s.faults[k]
        if f.active == 0 and tick == f.start_tick:
            f.active = 1
            change(s, f, True)
        elif f.active == 1 and tick == f.end_tick:
            f.active = 2
            change(s, f, False)
    for k in range(s.edges.shape[0]):
        e = s.edges[k]
        if e.stale_until_tick > 0 and tick >= e.stale_until_tick:
            mend(s, k)
