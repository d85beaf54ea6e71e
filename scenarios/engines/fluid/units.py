"""Units split, go down and come back: what faults, acts and the platform do to replicas."""

from hms.scenarios.engines.fluid.effects import end_effects
from hms.scenarios.engines.fluid.records import POOLS, SLOT_FIELDS
from hms.scenarios.machine_code import compiled

FIRST_BACKOFF_S = 10.0
LONGEST_BACKOFF_S = 300.0
WELL_AGAIN_S = 600.0
NOT_STARTING = -1


@compiled
def split_unit(c, g, count, units, edges, incoming, rings):
    """Split `count` replicas off unit g. Returns the unit that holds them.

    Identical replicas in one state are one unit, so splitting them changes no mass. Where all of a
    component's places are taken, the whole unit is returned.
    """
    u = units[g]
    if count >= u.n - 1e-9 or c.u1 - c.u0 >= c.slots:
        return g
    share = count / u.n
    new = c.u1
    ring = units[new].ring
    units[new] = u
    v = units[new]
    v.ring = ring
    v.split_from = g - c.u0
    for k in range(c.ring_mask + 1):
        rings[ring + k] = rings[u.ring + k] * share
        rings[u.ring + k] *= 1.0 - share
    _scale(v, share)
    _scale(u, 1.0 - share)
    single = c.u1 - c.u0 == 1
    slot = g - c.u0
    other = new - c.u0
    for k in range(c.i0, c.i1):
        e = edges[incoming[k]]
        for s in range(e.mask + 1):
            row = e.share0 + s * e.slots
            if single:
                rings[row + slot] = 1.0
            rings[row + other] = rings[row + slot] * share
            rings[row + slot] *= 1.0 - share
        if single:
            rings[e.pi0 + slot] = 1.0
        rings[e.pi0 + other] = rings[e.pi0 + slot] * share
        rings[e.pi0 + slot] *= 1.0 - share
        rings[e.carry0 + other] = rings[e.carry0 + slot] * share
        rings[e.carry0 + slot] *= 1.0 - share
        place = e.pp + 2 * POOLS
        for field in range(SLOT_FIELDS):
            value = rings[place + SLOT_FIELDS * slot + field]
            rings[place + SLOT_FIELDS * other + field] = value
    c.u1 += 1
    return new


@compiled
def _scale(u, share):
    u.n *= share
    u.n_inv = 1.0 / u.n
    u.queued *= share
    u.waiting *= share
    u.admitted *= share
    u.departed *= share
    u.out *= share
    u.out_mean *= share
    u.arrivals *= share
    u.cancelled *= share
    u.passed *= share
    u.sum_arrivals *= share
    u.sum_answers *= share
    u.sum_errors *= share
    u.sum_own_errors *= share
    u.sum_refused *= share


@compiled
def reset_unit(c, u, units, edges, rings):
    """All requests of the unit are lost, and so are their calls. Returns the mass lost."""
    lost = u.queued + u.waiting
    waiting = 0.0
    for g in range(c.u0, c.u1):
        waiting += units[g].waiting
    if waiting > 0.0 and u.waiting > 0.0:
        kept = 1.0 - u.waiting / waiting
        for k in range(c.e0, c.e1):
            e = edges[k]
            for q in range(e.ring0, e.ring0 + (e.mask + 1) * 2 * e.attempts):
                rings[q] *= kept
            for q in range(e.attempts):
                rings[e.pp + q] *= kept
            e.reissue *= kept
            e.outstanding *= kept
    u.departed = u.admitted
    u.queued = 0.0
    u.waiting = 0.0
    u.variance = 0.0
    u.r = 1.0
    u.busy = 0.0
    u.waiting_error = 0.0
    u.silent_s = 0.0
    return lost


@compiled
def take_down(c, u, world, units, edges, rings, tick):
    """The unit is down from now on. Returns the requests lost."""
    lost = reset_unit(c, u, units, edges, rings)
    c.lost += lost
    world.unrest = 1
    if c.keys_inv > 0.0:
        forget(c, u, units, world)
    u.up = 0
    u.reset = 1
    world.resets += 1
    u.starts_tick = NOT_STARTING
    u.left_rotation = tick + c.detect_ticks
    return lost


@compiled
def forget(c, u, units, world):
    """A replica that goes down takes its part of the cache with it."""
    total = 0.0
    for g in range(c.u0, c.u1):
        total += units[g].n
    c.hit_rate *= 1.0 - u.n / total
    world.caches_cold = 1


@compiled
def start_after(c, u, world, delay_s, tick):
    """A unit that is down starts: it is up after the delay and its start-up time."""
    u.starts_tick = tick + max(1, int((delay_s + c.startup_s) * world.dt_inv + 0.5))
    u.starts_tick = max(u.starts_tick, u.down_until)
    u.hung = 0
    u.paused = 0
    u.memory_mb = c.memory_idle_mb
    if u.cures != 0:
        end_effects(u.cures, c, u, world)
        u.cures = 0


@compiled
def backoff_s(u, now_s):
    """Kubernetes' restart back-off: at once, then 10, 20, ... 300 s; anew after 600 s well."""
    if now_s - u.up_since_s >= WELL_AGAIN_S:
        u.crashed_in_row = 0
    wait_s = 0.0
    if u.crashed_in_row > 0:
        wait_s = FIRST_BACKOFF_S
        for _ in range(u.crashed_in_row - 1):
            if wait_s < LONGEST_BACKOFF_S:
                wait_s *= 2.0
    u.crashed_in_row += 1
    return min(wait_s, LONGEST_BACKOFF_S)
