"""The platform every stack stands on, replica by replica: probes, restarts, memory limits.

The same rules and numbers as in the `fluid` engine (docs/world.md, "Platform"). A probe waits as
long as whoever is next in its replica's queue has waited.
"""

from hms.agents.policy.kinds import ATTEMPT_UNAVAILABLE
from hms.scenarios.draws import PROBE, uniform
from hms.scenarios.engines.fluid.effects import end_effects, refresh, speed_of
from hms.scenarios.engines.request.agenda import leave_list
from hms.scenarios.engines.request.caches import forget_part
from hms.scenarios.engines.request.pools import FREE, HELD, ON_THE_WAY, free_call, free_visit
from hms.scenarios.engines.request.stations import (
    count_present,
    fill_workers,
    set_rate,
    settle_cores,
    tell_caller,
)
from hms.scenarios.machine_code import compiled

FIRST_BACKOFF_S = 10.0
LONGEST_BACKOFF_S = 300.0
WELL_AGAIN_S = 600.0
NOT_STARTING = -1


@compiled
def settle_replica(s, ri):
    """Workers, cores and speed follow from all that is the matter with a replica."""
    r = s.replicas[ri]
    c = s.comps[r.component]
    refresh(c, r)
    settle_cores(s, ri)
    set_rate(s, ri, speed_of(c, r, s.world[0].now) * r.servers_speed)
    if s.queues[3 * ri].n > 0:
        fill_workers(s, c, r, ri)


@compiled
def drop_calls_of_the_lost(s):
    """Calls of requests that are no more: nobody waits for their answers."""
    for k in range(s.world[0].calls_made):
        call = s.calls[k]
        if call.edge < 0 or call.visit < 0 or s.visits[call.visit].serial == call.visit_serial:
            continue
        e = s.edges[call.edge]
        leave_list(s, call)
        if call.live > 0:
            e.active -= 1
        if call.attempt > 1:
            e.again -= 1
        free_call(s, k)


@compiled
def take_down(s, ri):
    """The replica is down from now on; what it worked on is lost. Returns how much that was."""
    world = s.world[0]
    r = s.replicas[ri]
    c = s.comps[r.component]
    lost = 0.0
    for v in range(world.visits_made):
        visit = s.visits[v]
        state = visit.state
        inside = state != FREE and state != ON_THE_WAY and state != HELD
        if not inside or visit.replica != ri:
            continue
        lost += 1.0
        count_present(c, world.now, -1)
        c.residence += world.now - visit.came_s
        c.lost += 1
        tell_caller(s, visit, ATTEMPT_UNAVAILABLE)
        free_visit(s, v)
    drop_calls_of_the_lost(s)
    for which in range(3 * ri, 3 * ri + 3):
        s.queues[which].head = -1
        s.queues[which].tail = -1
        s.queues[which].n = 0
    r.busy = 0
    r.working = 0
    r.present = 0
    r.token += 1
    r.up = 0
    r.starts_tick = NOT_STARTING
    r.left_rotation = world.tick + c.detect_ticks
    forget_part(s, c)
    return lost


@compiled
def start_after(s, ri, delay_s):
    """A replica that is down starts: it is up after the delay and its start-up time."""
    world = s.world[0]
    r = s.replicas[ri]
    c = s.comps[r.component]
    r.starts_tick = world.tick + max(1, int((delay_s + c.startup_s) * world.dt_inv + 0.5))
    r.starts_tick = max(r.starts_tick, r.down_until)
    r.hung = 0
    r.paused = 0
    r.memory_mb = c.memory_idle_mb
    if r.cures != 0:
        end_effects(r.cures, c, r, world)
        r.cures = 0
    settle_replica(s, ri)


@compiled
def restart_backoff_s(r, now_s):
    """Kubernetes' restart back-off: at once, then 10, 20, ... 300 s; anew after 600 s well."""
    if now_s - r.up_since_s >= WELL_AGAIN_S:
        r.crashed_in_row = 0
    wait_s = 0.0
    if r.crashed_in_row > 0:
        wait_s = FIRST_BACKOFF_S
        for _ in range(r.crashed_in_row - 1):
            if wait_s < LONGEST_BACKOFF_S:
                wait_s *= 2.0
    r.crashed_in_row += 1
    return min(wait_s, LONGEST_BACKOFF_S)


@compiled
def crash(s, ri, restarts):
    """A replica's process ends; where the platform restarts it, that begins now."""
    world = s.world[0]
    world.lost_by_faults += take_down(s, ri)
    if restarts:
        start_after(s, ri, restart_backoff_s(s.replicas[ri], world.now))


@compiled
def restart_unwell(s, ri):
    """A liveness probe gave up: the platform restarts the container."""
    world = s.world[0]
    world.lost_in_flight += take_down(s, ri)
    s.replicas[ri].down_by_act = 1
    world.restarts += 1.0
    start_after(s, ri, restart_backoff_s(s.replicas[ri], world.now))


@compiled
def come_up(s, c, ri):
    """A replica whose start-up ends is up; without a readiness probe it is in rotation too."""
    world = s.world[0]
    r = s.replicas[ri]
    if r.up == 0 and r.starts_tick >= 0 and world.tick >= r.starts_tick:
        r.up = 1
        r.starts_tick = NOT_STARTING
        r.down_by_act = 0
        r.up_since_s = world.now
        r.ready_fails = 0
        r.live_fails = 0
        r.left_rotation = 0
        if c.ready_every == 0:
            r.in_rotation = 1
    if r.left_rotation > 0 and world.tick >= r.left_rotation and r.up == 0:
        r.left_rotation = 0
        if c.detects == 1:
            r.in_rotation = 0


@compiled
def waited_s(s, ri):
    """How long whoever is next at a replica has waited."""
    now = s.world[0].now
    longest_s = 0.0
    for which in range(3 * ri, 3 * ri + 2):
        v = s.queues[which].head
        if v >= 0:
            longest_s = max(longest_s, now - s.visits[v].came_s)
    return longest_s


@compiled
def fails_probe(s, ri, blind, timeout_s):
    """Whether a probe now finds the replica unwell; a TCP probe is blind to a hang."""
    r = s.replicas[ri]
    if r.up == 0:
        return True
    if blind == 1 or r.gray == 1:
        return False
    return r.hung == 1 or r.paused == 1 or waited_s(s, ri) > timeout_s


@compiled
def looks_unwell(s, ri, fails, stream):
    """What a probe reports: the truth, or a lie where its faults draw one."""
    r = s.replicas[ri]
    if r.probe_false <= 0.0 and r.probe_missed <= 0.0:
        return fails
    world = s.world[0]
    drawn = uniform(world.seed, ri, world.tick, stream)
    return drawn >= r.probe_missed if fails else drawn < r.probe_false


@compiled
def probe(s, c, ri):
    """Readiness and liveness of one replica, when their time has come."""
    world = s.world[0]
    tick = world.tick
    r = s.replicas[ri]
    up_ticks = tick - int(r.up_since_s * world.dt_inv)
    if c.ready_every > 0 and tick % c.ready_every == 0:
        fails = fails_probe(s, ri, c.ready_blind, c.ready_timeout_s)
        if r.up == 1 and up_ticks < c.ready_delay_ticks:
            r.in_rotation = 0
        elif looks_unwell(s, ri, fails, PROBE):
            r.ready_fails += 1
            if r.ready_fails >= c.ready_failures:
                r.in_rotation = 0
        else:
            r.ready_fails = 0
            r.in_rotation = 1
    due = c.live_every > 0 and tick % c.live_every == 0
    if due and r.up == 1 and up_ticks >= c.live_delay_ticks:
        fails = fails_probe(s, ri, c.live_blind, c.live_timeout_s)
        if looks_unwell(s, ri, fails, PROBE + 1):
            r.live_fails += 1
            if r.live_fails >= c.live_failures:
                restart_unwell(s, ri)
        else:
            r.live_fails = 0


@compiled
def grow_memory(s, c, ri):
    """A leak fills the memory; at the limit the process is killed."""
    r = s.replicas[ri]
    if r.up == 0 or (r.leak_mb_s <= 0.0 and r.leak_mb_request <= 0.0):
        return
    r.memory_mb += r.leak_mb_s * s.world[0].dt
    if c.memory_limit_mb > 0.0 and r.memory_mb >= c.memory_limit_mb:
        crash(s, ri, c.restarts_itself == 1)
    settle_replica(s, ri)


@compiled
def live_on(s, c, ri):
    """What goes on by itself in a process: leaks, pauses, a crash loop, warming up."""
    world = s.world[0]
    r = s.replicas[ri]
    grow_memory(s, c, ri)
    if r.gc_every > 0:
        paused = 1 if (world.tick - r.gc_start) % r.gc_every < r.gc_pause else 0
        if paused != r.paused:
            r.paused = paused
            settle_replica(s, ri)
    if r.loop_s > 0.0 and r.up == 1 and world.now >= r.up_since_s + r.loop_s:
        crash(s, ri, c.restarts_itself == 1)
    if c.cold_s > 0.0 and world.now < r.up_since_s + c.cold_s + world.dt:
        settle_replica(s, ri)


@compiled
def run_platform(s, control):
    """All the platform does at the start of a tick; probes come once a control period."""
    world = s.world[0]
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        for ri in range(c.r0, c.r1):
            r = s.replicas[ri]
            if r.leaving == 1 and r.present == 0:
                r.there = 0
            if r.there == 0:
                continue
            if r.up == 0:
                come_up(s, c, ri)
                if r.down_by_act == 1 and r.up == 0:
                    world.out_of_service += world.dt
            live_on(s, c, ri)
            if control and c.restarts_itself == 1:
                probe(s, c, ri)
        if c.added_replicas > 0.0:
            world.added_replica += c.added_replicas * world.dt
