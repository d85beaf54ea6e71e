"""What a fault is to an edge: delay, loss, a cut, calls that fail before they leave."""

from hms.scenarios.faults.kinds import DNS, LATENCY, LOSS, PARTITION
from hms.scenarios.machine_code import compiled


@compiled
def mark_trouble(e):
    """Whether calls on the edge may be lost, held or refused on the way."""
    e.severed = 1.0 - (1.0 - e.dns) * (1.0 - e.skew)
    e.troubled = 1 if e.loss > 0.0 or e.cut == 1 or e.severed > 0.0 else 0


@compiled
def set_road(kind, e, value, value2):
    """A kind of fault has these values on an edge from now on; 0 and 0: it is gone."""
    if kind == LATENCY:
        e.added_s = value
        e.jitter_var = value2 * value2
        e.delay_s = 2.0 * e.network_s + e.added_s
    elif kind == LOSS:
        e.loss = value
    elif kind == DNS:
        e.dns = value
    mark_trouble(e)


@compiled
def holder(kind, e):
    """The fault (its place + 1) that a kind of effect on an edge is of."""
    if kind == LATENCY:
        return e.latency_by
    if kind == LOSS:
        return e.loss_by
    return e.cut_by if kind == PARTITION else e.dns_by


@compiled
def hold(kind, e, fault):
    """From now on a kind of effect on an edge is of this fault."""
    if kind == LATENCY:
        e.latency_by = fault
    elif kind == LOSS:
        e.loss_by = fault
    elif kind == PARTITION:
        e.cut_by = fault
    else:
        e.dns_by = fault


@compiled
def begin_on_edge(kind, e, value, value2, fault):
    """A fault on an edge begins, or grows."""
    hold(kind, e, fault)
    if kind == PARTITION:
        e.cut = 1
        e.stale_until_tick = 0
    set_road(kind, e, value, value2)


@compiled
def end_on_edge(kind, e, stale_s, fault, world, tick):
    """A fault on an edge ends; a partition leaves its connections stale."""
    if holder(kind, e) != fault:
        return
    hold(kind, e, 0)
    if kind == PARTITION and stale_s > 0.0 and e.stale_until_tick >= 0:
        e.stale_until_tick = tick + int(stale_s * world.dt_inv + 0.5)
        world.stale_last = max(world.stale_last, e.stale_until_tick)
    elif kind == PARTITION:
        e.cut = 0
    set_road(kind, e, 0.0, 0.0)


@compiled
def mend_stale(world, edges, tick):
    """Connections that were stale for long enough work again; whether any did."""
    mended = 0
    if tick > world.stale_last:
        return mended
    for k in range(edges.shape[0]):
        e = edges[k]
        if e.stale_until_tick > 0 and tick >= e.stale_until_tick:
            e.stale_until_tick = 0
            e.cut = 0
            mark_trouble(e)
            mended += 1
    return mended
