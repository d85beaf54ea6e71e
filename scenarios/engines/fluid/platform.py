"""The platform every stack stands on: probes, restarts with back-off, memory limits.

Kubernetes' behaviour (its 1.37 defaults in docs/scenario-format.md): a readiness probe takes a
replica out of rotation, a liveness probe restarts it, a container that exits is restarted at once
and then ever later. It is part of the world, not of a policy: the healing agents act on top of it.
"""

from hms.scenarios.draws import PROBE, uniform
from hms.scenarios.engines.fluid.effects import is_cold, leaks_mb_s, speed_of
from hms.scenarios.engines.fluid.units import NOT_STARTING, backoff_s, start_after, take_down
from hms.scenarios.machine_code import compiled


@compiled
def fails_probe(c, u, blind, timeout_s):
    """Whether a probe now finds the unit unwell; a TCP probe is blind to a hang."""
    if u.up == 0:
        return True
    if blind == 1 or u.gray == 1:
        return False
    return u.hung == 1 or u.paused == 1 or u.wait_s > timeout_s


@compiled
def looks_unwell(u, g, fails, stream, world, tick):
    """What a probe reports: the truth, or a lie where its faults draw one."""
    if u.probe_false <= 0.0 and u.probe_missed <= 0.0:
        return fails
    drawn = uniform(world.seed, g, tick, stream)
    return drawn >= u.probe_missed if fails else drawn < u.probe_false


@compiled
def crash(c, u, world, units, edges, rings, tick, restarts):
    """A unit's process ends; where the platform restarts it, that begins now."""
    world.lost_by_faults += take_down(c, u, world, units, edges, rings, tick)
    if restarts:
        start_after(c, u, world, backoff_s(u, tick * world.dt), tick)


@compiled
def restart_unwell(c, u, world, units, edges, rings, tick):
    """A liveness probe gave up: the platform restarts the container."""
    world.lost_in_flight += take_down(c, u, world, units, edges, rings, tick)
    u.down_by_act = 1
    world.acts_down = 1
    world.restarts += u.n
    start_after(c, u, world, backoff_s(u, tick * world.dt), tick)


@compiled
def come_up(c, u, world, tick):
    """Units whose start-up ends are up; without a readiness probe they are in rotation too."""
    if u.up == 0 and u.starts_tick >= 0 and tick >= u.starts_tick:
        u.up = 1
        u.starts_tick = NOT_STARTING
        u.refused = 0.0
        u.down_by_act = 0
        u.up_since_s = tick * world.dt
        u.ready_fails = 0
        u.live_fails = 0
        u.left_rotation = 0
        if c.ready_every == 0:
            u.in_rotation = 1
    if u.left_rotation > 0 and tick >= u.left_rotation and u.up == 0:
        u.left_rotation = 0
        if c.detects == 1:
            u.in_rotation = 0


@compiled
def probe(c, u, g, world, units, edges, rings, tick):
    """Readiness and liveness of one unit, when their time has come."""
    up_ticks = tick - int(u.up_since_s * world.dt_inv)
    if c.ready_every > 0 and tick % c.ready_every == 0:
        fails = fails_probe(c, u, c.ready_blind, c.ready_timeout_s)
        if u.up == 1 and up_ticks < c.ready_delay_ticks:
            u.in_rotation = 0
        elif looks_unwell(u, g, fails, PROBE, world, tick):
            u.ready_fails += 1
            if u.ready_fails >= c.ready_failures:
                u.in_rotation = 0
        else:
            u.ready_fails = 0
            u.in_rotation = 1
    due = c.live_every > 0 and tick % c.live_every == 0
    if due and u.up == 1 and up_ticks >= c.live_delay_ticks:
        fails = fails_probe(c, u, c.live_blind, c.live_timeout_s)
        if looks_unwell(u, g, fails, PROBE + 1, world, tick):
            u.live_fails += 1
            if u.live_fails >= c.live_failures:
                restart_unwell(c, u, world, units, edges, rings, tick)
        else:
            u.live_fails = 0


@compiled
def grow_memory(c, u, world, units, edges, rings, tick):
    """A leak fills the memory; at the limit the process is killed."""
    leaks = leaks_mb_s(u)
    if leaks > 0.0 and u.up == 1:
        u.memory_mb += leaks * world.dt
        if c.memory_limit_mb > 0.0 and u.memory_mb >= c.memory_limit_mb:
            crash(c, u, world, units, edges, rings, tick, c.restarts_itself == 1)


@compiled
def crash_again(c, u, world, units, edges, rings, tick):
    """A crash loop: so long after its start the process ends again."""
    if u.up == 1 and (tick - loop_tick(u, world)) >= 0:
        crash(c, u, world, units, edges, rings, tick, c.restarts_itself == 1)


@compiled
def loop_tick(u, world):
    """The tick at which a process in a crash loop ends."""
    return int((u.up_since_s + u.loop_s) * world.dt_inv + 0.5)


@compiled
def pause(u, tick):
    """A collector stops the process for a while again and again."""
    u.paused = 1 if (tick - u.gc_start) % u.gc_every < u.gc_pause else 0


@compiled
def run_platform(world, comps, units, edges, rings, tick, control, changed):
    """All the platform does at the start of a tick (of the clock).

    Probes have periods of whole seconds, so they are looked at once a control period.
    """
    if not (control or changed or world.unrest == 1):
        return
    unrest = 0
    for i in range(comps.shape[0]):
        c = comps[i]
        if c.client == 1:
            continue
        for g in range(c.u0, c.u1):
            u = units[g]
            moving = control or changed or u.up == 0 or u.leak_mb_s > 0.0 or u.restless == 1
            if not moving:
                continue
            come_up(c, u, world, tick)
            grow_memory(c, u, world, units, edges, rings, tick)
            if u.loop_s > 0.0:
                crash_again(c, u, world, units, edges, rings, tick)
            if u.gc_every > 0 and u.up == 1:
                pause(u, tick)
            if control and c.restarts_itself == 1:
                probe(c, u, g, world, units, edges, rings, tick)
            u.speed = speed_of(c, u, tick * world.dt)
            lasting = u.gc_every > 0 or u.loop_s > 0.0 or u.leak_mb_request > 0.0
            u.restless = 1 if lasting or is_cold(c, u, tick * world.dt) else 0
            if u.up == 0 or u.leak_mb_s > 0.0 or u.restless == 1:
                unrest = 1
    world.unrest = unrest


@compiled
def next_change(world, comps, units, tick):
    """The tick of the clock at which the platform next changes something by itself."""
    due = world.ticks
    for i in range(comps.shape[0]):
        c = comps[i]
        for g in range(c.u0, c.u1):
            u = units[g]
            if u.up == 0 and u.starts_tick >= 0:
                due = min(due, u.starts_tick)
            if u.left_rotation > 0 and u.up == 0:
                due = min(due, u.left_rotation)
            if c.restarts_itself == 1 and c.client == 0:
                due = min(due, next_probe(c, u, tick))
            if u.up == 1 and leaks_mb_s(u) > 0.0:
                due = min(due, next_memory_mark(c, u, world, tick))
            if u.up == 1 and u.loop_s > 0.0:
                due = min(due, loop_tick(u, world))
            if (u.gc_every > 0 and u.up == 1) or is_cold(c, u, tick * world.dt):
                due = min(due, tick)
    return due


@compiled
def next_probe(c, u, tick):
    """When a probe would next change what the platform thinks of the unit."""
    due = 1 << 60
    lies = u.probe_false > 0.0 or u.probe_missed > 0.0
    if lies:
        every = min(c.ready_every, c.live_every) if c.ready_every * c.live_every > 0 else 0
        every = every if every > 0 else max(1, c.ready_every + c.live_every)
        return (tick // every + 1) * every if c.ready_every + c.live_every > 0 else due
    if c.ready_every > 0:
        unwell = fails_probe(c, u, c.ready_blind, c.ready_timeout_s)
        if (unwell and u.in_rotation == 1) or (not unwell and u.in_rotation == 0):
            due = min(due, (tick // c.ready_every + 1) * c.ready_every)
    if c.live_every > 0 and u.up == 1 and fails_probe(c, u, c.live_blind, c.live_timeout_s):
        due = min(due, (tick // c.live_every + 1) * c.live_every)
    return due


@compiled
def next_memory_mark(c, u, world, tick):
    """When a growing memory next reaches a share at which somebody may act or it slows down."""
    if c.memory_limit_mb <= 0.0:
        return tick
    share = u.memory_mb / c.memory_limit_mb
    mark = min(0.8, c.memory_mark) if share < min(0.8, c.memory_mark) else 0.0
    if mark <= share:
        return tick
    return tick + int((mark - share) * c.memory_limit_mb / leaks_mb_s(u) * world.dt_inv) - 1
