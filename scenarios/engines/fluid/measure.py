"""What is counted while a run goes on: docs/formats.md, "What is measured"."""

from hms.scenarios.engines.fluid.lateness import late_share
from hms.scenarios.machine_code import compiled, door


@compiled
def late_for_entry(e, c, units, rings):
    """Of the answers that come before the client's time-out, the share later than the target."""
    target_s = e.latency_s - e.delay_s
    timeout_s = e.timeout_s - e.delay_s
    if target_s >= timeout_s:
        return 0.0
    late = 0.0
    never = 0.0
    for slot in range(c.u1 - c.u0):
        u = units[c.u0 + slot]
        went = rings[e.pi0 + slot] if c.u1 - c.u0 > 1 else 1.0
        late += went * late_share(u.age, u.age_var + e.jitter_var, target_s)
        never += went * late_share(u.age, u.age_var + e.jitter_var, timeout_s)
    if never >= 1.0:
        return 1.0
    return max(0.0, min(1.0, (late - never) / (1.0 - never)))


@compiled
def count_tick(s):
    """Good and bad answers at the entries, degraded quality, replicas out of service or added."""
    world = s.world[0]
    for k in range(s.rates.shape[0]):  # entries come first
        e = s.edges[k]
        slow = late_for_entry(e, s.comps[e.callee], s.units, s.rings)
        good = e.ok * (1.0 - slow)
        world.window_good += good
        world.window_bad += e.ok - good + e.final
        world.window_offered += e.offered + e.blocked - e.repeats
    if world.degraded == 1:
        count_quality(s)
    if world.record == 1 or world.added == 1 or world.acts_down == 1:
        count_components(s)


@compiled
def count_quality(s):
    """Answers at lower quality."""
    world = s.world[0]
    world.degraded = 0
    for k in range(s.edges.shape[0]):
        e = s.edges[k]
        if e.degraded > 0.0 or e.degraded_rate > 0.0:
            world.quality_loss += e.degraded * e.n_inv * (1.0 - e.quality)
            e.degraded_rate = e.degraded
            e.degraded = 0.0
            world.degraded = 1


@compiled
def count_components(s):
    """Answers for the timeline, replicas added or out of service by an act."""
    world = s.world[0]
    down = 0
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        c.window_ok += c.ok_out
        c.window_bad += c.bad_out + c.rejected
        if c.added_replicas > 0.0:
            world.added_replica += c.added_replicas * world.dt
        for g in range(c.u0, c.u1):
            u = s.units[g]
            if u.down_by_act == 1 and u.up == 0:
                world.out_of_service += u.n * world.dt
                down = 1
    world.acts_down = down


@compiled
def close_window(s, window):
    """A window of one second ends. It is down when too few answers are good."""
    world = s.world[0]
    world.last_good = world.window_good
    world.last_bad = world.window_bad
    world.last_offered = world.window_offered
    world.window_good = 0.0
    world.window_bad = 0.0
    world.window_offered = 0.0
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        c.last_ok = c.window_ok
        c.last_bad = c.window_bad
        c.window_ok = 0.0
        c.window_bad = 0.0
    take_window(s, window)


@compiled
def take_window(s, window):
    """Count one window like the last one that was computed."""
    world = s.world[0]
    world.offered += world.last_offered
    if window >= world.warm_up_windows:
        world.total_good += world.last_good
        world.total_bad += world.last_bad
        world.total_offered += world.last_offered
        judge_window(world, world.last_good, world.last_bad, window)
    if window < s.windows.shape[0]:
        row = s.windows[window]
        row.good = world.last_good
        row.bad = world.last_bad
        row.offered = world.last_offered
        for i in range(s.comps.shape[0]):
            c = s.comps[i]
            cell = s.component_windows[window, i]
            cell.present = c.present
            cell.ok = c.last_ok
            cell.bad = c.last_bad
            serving = 0.0
            for g in range(c.u0, c.u1):
                u = s.units[g]
                if u.up == 1 and u.hung == 0:
                    serving += u.n
            cell.serving = serving


@compiled
def judge_window(world, good, bad, at):
    """Down or not, recovered or not, and the last seconds' verdict."""
    answered = good + bad
    down = answered > 0.0 and good < world.availability * answered
    if down:
        world.downtime_bad += bad
        world.slo_violation_s += 1.0
        world.met_windows = 0
        if world.first_down_window < 0 and at >= world.fault_window:
            world.first_down_window = at
    else:
        world.met_windows += 1
        stable = world.first_down_window >= 0 and world.met_windows >= world.stable_windows
        if stable and world.recovered_window < 0:
            world.recovered_window = at + 1 - world.met_windows
    if at >= world.end_window:
        world.end_good += good
        world.end_bad += bad


@door("f8(state)")
def leftovers(s):
    """Requests still in the system at the horizon and older than the target: bad, unanswered."""
    late = 0.0
    for k in range(s.edges.shape[0]):
        e = s.edges[k]
        if e.entry == 1:
            recent = e.offered * s.world[0].dt_inv * e.latency_s
            late += max(0.0, e.outstanding - recent)
    return late
