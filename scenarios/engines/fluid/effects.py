"""What a fault is to a replica: one number or two for each kind, neutral when it is well."""

from hms.scenarios.faults.kinds import (
    BAD_DEPLOY,
    CAPACITY,
    CPU_STARVATION,
    CRASH_LOOP,
    DISK_SLOW,
    ERROR,
    FLAPPING_PROBE,
    GC_PAUSE,
    GRAY,
    HANG,
    KINDS,
    LEAK,
    MISCONFIGURATION,
    POOL_EXHAUSTION,
    SLOW,
)
from hms.scenarios.machine_code import compiled

LEAST = 1e-3


@compiled
def neutral(kind):
    """The values of a kind that change nothing."""
    first = 1.0 if kind in (SLOW, DISK_SLOW) else 0.0
    second = 1.0 if kind in (BAD_DEPLOY, GRAY) else 0.0
    return first, second


@compiled
def set_effect(kind, c, u, value, value2, world):
    """A kind of fault has these values on a unit from now on."""
    if kind == HANG:
        u.hung = 1 if value > 0.0 else 0
    elif kind == ERROR:
        u.error_fault = value
    elif kind == SLOW:
        u.slow_factor = value
    elif kind == DISK_SLOW:
        u.disk_factor = value
    elif kind == CPU_STARVATION:
        u.cpu_share = 1.0 - value
    elif kind == LEAK:
        u.leak_mb_s = value
        u.leak_mb_request = value2
    elif kind == BAD_DEPLOY:
        u.bad_error = value
        u.bad_slow_factor = value2
    elif kind == GRAY:
        u.gray = 1 if value > 0.0 or value2 > 1.0 else 0
        u.gray_error = value
        u.gray_factor = value2
    elif kind == CAPACITY:
        u.cores_left = value
    elif kind == POOL_EXHAUSTION:
        u.workers_taken = value
    elif kind == MISCONFIGURATION:
        u.refuse_share = value
    elif kind == FLAPPING_PROBE:
        u.probe_false = value
        u.probe_missed = value2
    elif kind == CRASH_LOOP:
        u.loop_s = value
    elif kind == GC_PAUSE:
        u.gc_pause = int(value * world.dt_inv + 0.5)
        u.gc_every = max(1, int(value2 * world.dt_inv + 0.5)) if value > 0.0 else 0
        u.paused = 0
    refresh(c, u)


@compiled
def refresh(c, u):
    """What follows from several effects at once: own errors, workers, room, cores."""
    u.own_error = 1.0 - (1.0 - u.error_fault) * (1.0 - u.bad_error) * (1.0 - u.gray_error)
    u.odd = 1 if u.refuse_share > 0.0 else 0
    workers = c.workers
    if c.limit > 0.0:
        workers = min(c.workers, c.limit)
    if u.workers_taken > 0.0:
        workers = max(workers - u.workers_taken, LEAST)
    queue = c.queue_stated
    if c.queue_limit >= 0.0:
        queue = min(queue, c.queue_limit)
    u.workers = workers
    u.k = workers + queue
    cores = max(u.cores_left, LEAST) if u.cores_left > 0.0 else c.cores
    u.cores = min(cores, workers)
    u.cores_scale = c.cores / u.cores


@compiled
def end_effects(kinds, c, u, world):
    """All kinds of effect in this set of bits are over; what they were of holds them no more."""
    for kind in range(KINDS):
        if (kinds >> kind) & 1:
            first, second = neutral(kind)
            set_effect(kind, c, u, first, second, world)
            u.held_by[kind] = 0


@compiled
def speed_of(c, u, now_s):
    """A unit's speed: what all that slows it leaves of it."""
    if u.hung == 1 or u.paused == 1:
        return 0.0
    factor = u.slow_factor * u.bad_slow_factor * u.disk_factor * u.gray_factor
    if c.memory_limit_mb > 0.0:
        over = u.memory_mb / c.memory_limit_mb - 0.8
        if over > 0.0:
            factor *= 1.0 + 4.0 * (over / 0.2) * (over / 0.2)
    if is_cold(c, u, now_s):
        factor *= 1.0 + (c.cold_factor - 1.0) * (1.0 - (now_s - u.up_since_s) / c.cold_s)
    return u.own_speed * u.cpu_share / factor


@compiled
def is_cold(c, u, now_s):
    """Whether a unit was started so lately that it is slow yet."""
    return c.cold_s > 0.0 and now_s < u.up_since_s + c.cold_s


@compiled
def leaks_mb_s(u):
    """How fast a unit's memory fills, each replica."""
    return u.leak_mb_s + u.leak_mb_request * u.throughput
