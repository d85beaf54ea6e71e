"""What becomes of calls made: answered, failed, late, retried, given up. docs/world.md, step (a).

An edge remembers the mass of its calls by the tick they were made in and by attempt. Answers come
in order of making; `pointer` says up to where a unit has answered. A call that will be late is
known to be so when its cohort passes, and is delivered when its time-out is due.

Where `rings` keeps an edge's lists, from `e.pp`: pools of retries waiting (POOLS floats), failures
of this tick by attempt (POOLS), then for each unit: pointer, late share, error share, next pointer.
From `e.slot0`, for each unit: answers and failures of this tick, for per-replica ejection.
"""

from hms.scenarios.elementary import exp_, log_
from hms.scenarios.engines.fluid.lateness import error_of, late_of
from hms.scenarios.engines.fluid.records import POOLS, SLOT_FIELDS, TWO_MODES, UNCERTAIN
from hms.scenarios.machine_code import compiled


@compiled
def share_at(e, rings, tick, slot):
    """Share of the calls made in that tick that went to this unit."""
    return rings[e.share0 + (tick & e.mask) * e.slots + slot]


@compiled
def delivery(e, c, u, rings, s, mean_late, tick):
    """(late share, mean) of the cohort of tick s, whose time-out is due in this tick."""
    timeout_s = e.timeout_s - e.delay_s
    left = rings[u.ring + (s & c.ring_mask)] - u.departed
    mean_s = u.age
    if left > 0.0:
        wait = left / u.out if u.out > 1e-9 else 1e9
        mean_s = max(mean_s, timeout_s + wait)
    elif mean_late < 0.0:
        mean_s = min(mean_s, timeout_s)
    return late_of(c, u, mean_s, timeout_s, e.jitter_var), mean_s, left


@compiled
def cancel(e, c, u, rings, s, left, share, dt):
    """With cancel_on_timeout: what of cohort s is still queued leaves; late share of the rest."""
    before = rings[u.ring + ((s - 1) & c.ring_mask)] if s > 0 else 0.0
    mass = rings[u.ring + (s & c.ring_mask)] - before
    if mass <= 1e-12:
        return UNCERTAIN
    queued = left - u.cores * u.busy * u.n - u.waiting
    queued = min(1.0, max(0.0, queued / mass))
    if queued <= 0.0:
        return UNCERTAIN
    service_s = c.service_s / max(u.speed, 1e-3)
    hold_s = service_s + c.calls_s
    ahead = mass / dt * u.n_inv * queued * hold_s
    cv2 = max((service_s * service_s * c.cv2 + c.calls_var) / (hold_s * hold_s), 1e-3)
    in_time = exp_(-log_(1.0 + cv2 * ahead) / cv2)
    row = e.ring0 + (s & e.mask) * 2 * e.attempts
    for k in range(e.attempts):
        u.cancelled += rings[row + k] * share * queued
    return max(0.0, 1.0 - (1.0 - queued) * in_time)


@compiled
def resolve(e, c, u, rings, slot, span, tick, known, attempts, dt):
    """Resolve the calls made in span = (first tick, last tick, from, to) on one unit.

    Args:
        known: (late share or -1, error share, pointer of what is certainly answered).

    Returns:
        masses answered well, failed, and late and due now. Failures that may be retried go to the
        list of failures by attempt, the rest to `e.final_now`.
    """
    first, last, begin, end = span
    late_mean, error_mean, answered_to = known
    ok = 0.0
    bad = 0.0
    late = 0.0
    failures = e.pp + POOLS
    due = tick - e.timeout_ticks
    again = e.retry_answered
    s = first
    while s < end and s <= last:
        width = min(end, s + 1.0) - max(begin, float(s))
        if width > 0.0:
            row = e.ring0 + (s & e.mask) * 2 * e.attempts
            x = width
            if c.u1 - c.u0 > 1:
                x = width * share_at(e, rings, s, slot)
            late_share = late_mean
            error_share = error_mean
            if s == due and (late_mean < 0.0 or answered_to < s + 1.0):
                late_share, mean_s, left = delivery(e, c, u, rings, s, late_mean, tick)
                timeout_s = e.timeout_s - e.delay_s
                error_share = error_of(c, u, mean_s, timeout_s, late_share, e.jitter_var)
                if e.cancel == 1:
                    cut = cancel(e, c, u, rings, s, left, x, dt)
                    if cut >= 0.0:
                        late_share = cut
            elif late_mean < 0.0:
                late_share = late_of(c, u, u.age, e.timeout_s - e.delay_s, e.jitter_var)
                error_share = u.error_share
            for k in range(attempts):
                mass = rings[row + k] * x
                lost = mass * late_share
                mass -= lost
                failed = mass * error_share
                ok += mass - failed
                bad += failed
                rings[failures + k] += failed * again
                e.final_now += failed * (1.0 - again)
                if s == due:
                    late += lost
                    rings[failures + k] += lost * e.retry_timeout
                    e.final_now += lost * (1.0 - e.retry_timeout)
                elif lost > 0.0:
                    rings[row + e.attempts + k] += lost
                    e.late_hot = tick + e.mask + 2
                if s < e.era_tick:
                    e.stale_ok += mass - failed
                    e.stale_bad += failed
        s += 1
    if c.u1 - c.u0 > 1:
        rings[e.slot0 + 2 * slot] += ok
        rings[e.slot0 + 2 * slot + 1] += bad + late
    return ok, bad, late


@compiled
def settle(e, rings, attempts):
    """Grant retries while tokens last; returns the calls that failed finally in this tick."""
    failures = e.pp + POOLS
    final = e.final_now
    e.final_now = 0.0
    eligible = 0.0
    for k in range(min(e.retries, attempts)):
        eligible += rings[failures + k]
    granted = 1.0
    if e.tokens >= 0.0 and eligible > 0.0:
        granted = min(1.0, e.tokens / eligible)
        e.tokens -= granted * eligible
    if eligible > 0.0:
        e.pools_hot = 1
        e.spent += granted * eligible
    for k in range(attempts):
        mass = rings[failures + k]
        rings[failures + k] = 0.0
        if k < e.retries:
            rings[e.pp + k + 1] += mass * granted
            final += mass * (1.0 - granted)
        else:
            final += mass
    return final


@compiled
def fail_outstanding(e, c, rings, slot, begin, tick):
    """A unit was reset: its callers' calls to it fail now. Returns their mass."""
    failed = 0.0
    s = max(int(begin), tick - e.timeout_ticks)
    start = begin
    while s < tick:
        width = min(1.0, s + 1.0 - start)
        start = s + 1.0
        row = e.ring0 + (s & e.mask) * 2 * e.attempts
        x = width
        if c.u1 - c.u0 > 1:
            x = width * share_at(e, rings, s, slot)
        for k in range(e.attempts):
            mass = rings[row + k] * x
            failed += mass
            rings[e.pp + POOLS + k] += mass * e.retry_unavailable
            e.final_now += mass * (1.0 - e.retry_unavailable)
            if s < e.era_tick:
                e.stale_bad += mass
        s += 1
    if c.u1 - c.u0 > 1:
        rings[e.slot0 + 2 * slot + 1] += failed
    return failed


@compiled
def due_late(e, c, rings, due):
    """Calls known to be late whose time-out falls due now. Returns their mass."""
    late = 0.0
    row = e.ring0 + (due & e.mask) * 2 * e.attempts + e.attempts
    for k in range(e.attempts):
        mass = rings[row + k]
        if mass > 0.0:
            rings[e.pp + POOLS + k] += mass * e.retry_timeout
            e.final_now += mass * (1.0 - e.retry_timeout)
            late += mass
            rings[row + k] = 0.0
    if late > 0.0:
        if due < e.era_tick:
            e.stale_bad += late
        if c.u1 - c.u0 > 1:
            for slot in range(c.u1 - c.u0):
                rings[e.slot0 + 2 * slot + 1] += late * share_at(e, rings, due, slot)
    return late


@compiled
def old_calls_short(e, c, u, rings, tick, dt_inv):
    """A healthy edge: one unit, answers within a tick, nobody late, no retry in the rings."""
    place = e.pp + 2 * POOLS
    mass = rings[e.ring0 + ((tick - 1) & e.mask) * 2 * e.attempts] * (tick - rings[place])
    within = (u.age + e.delay_s) * dt_inv
    rings[place] = tick
    rings[place + 1] = 0.0
    rings[place + 2] = u.error_share
    rings[place + 3] = tick + 1.0 - within
    failed = mass * u.error_share
    final = 0.0
    if failed > 0.0:
        rings[e.pp + POOLS] += failed * e.retry_answered
        e.final_now += failed * (1.0 - e.retry_answered)
        final = settle(e, rings, 1)
        if tick - 1 < e.era_tick:
            e.stale_bad += failed
    if tick - 1 < e.era_tick:
        e.stale_ok += mass - failed
    e.ok_old = mass - failed
    e.bad_old = failed
    e.late_old = 0.0
    e.final_old = final
    e.kappa = within * (1.0 - e.refused) * e.calls
    return mass - failed, final


@compiled
def old_calls_full(e, c, units, rings, tick, dt, dt_inv):
    """Answers and time-outs of calls made before this tick, every unit and attempt."""
    due = tick - e.timeout_ticks
    attempts = e.attempts if tick <= e.first_hot else 1
    row = e.ring0 + (tick & e.mask) * 2 * e.attempts
    for k in range(2 * e.attempts):
        rings[row + k] = 0.0
    timeout_s = e.timeout_s - e.delay_s
    ok = 0.0
    bad = 0.0
    late = 0.0
    stays = 0.0
    for slot in range(c.u1 - c.u0):
        u = units[c.u0 + slot]
        place = e.pp + 2 * POOLS + SLOT_FIELDS * slot
        begin = rings[place]
        if u.reset == 1:
            bad += fail_outstanding(e, c, rings, slot, begin, tick)
            begin = float(tick)
        mean_s = u.age + e.delay_s
        answered_to = tick + 1.0 - mean_s * dt_inv
        if u.up == 0:
            answered_to = tick + 1.0
        late_share = -1.0
        error_share = u.error_share
        if mean_s < e.timeout_s:
            late_share = late_of(c, u, u.age, timeout_s, e.jitter_var)
            if c.slow_share >= TWO_MODES:
                error_share = error_of(c, u, u.age, timeout_s, late_share, e.jitter_var)
        end = min(max(begin, max(answered_to, due + 1.0)), float(tick))
        if end > begin:
            span = (max(int(begin), due), tick - 1, begin, end)
            known = (late_share, error_share, answered_to)
            o, b, after = resolve(e, c, u, rings, slot, span, tick, known, attempts, dt)
            ok += o
            bad += b
            late += after
            begin = end
        rings[place] = begin
        rings[place + 1] = late_share
        rings[place + 2] = error_share
        rings[place + 3] = answered_to
        went = share_at(e, rings, tick, slot) if c.u1 - c.u0 > 1 else 1.0
        stays += went * min(1.0, mean_s * dt_inv)
    if due >= 0 and tick <= e.late_hot:
        late += due_late(e, c, rings, due)
    final = 0.0
    if bad > 0.0 or late > 0.0:
        final = settle(e, rings, e.attempts)
    e.ok_old = ok
    e.bad_old = bad
    e.late_old = late
    e.final_old = final
    e.kappa = stays * (1.0 - e.refused) * e.calls
    return ok, final


@compiled
def old_calls(e, comps, units, rings, tick, dt, dt_inv, parallel):
    """Step (a) of one edge; returns the requests that move on and those that fail."""
    c = comps[e.callee]
    u = units[c.u0]
    spare = e.timeout_s - u.age - e.delay_s
    unavailable = c.unavailable_share
    e.retry_answered = e.retry_error * (1.0 - unavailable) + e.retry_unavailable * unavailable
    if c.u1 - c.u0 == 1:
        e.refused = u.refused if u.up == 1 else 1.0
    calm = c.u1 - c.u0 == 1 and u.up == 1 and u.reset == 0 and c.slow_share < TWO_MODES
    surely = spare > 0.0 and spare * spare > 144.0 * (u.age_var + e.jitter_var)
    quick = u.age + e.delay_s < dt and surely
    clear = tick > e.first_hot and tick > e.late_hot
    if calm and quick and clear and rings[e.pp + 2 * POOLS] >= tick - 1:
        e.short = 1
        ok, final = old_calls_short(e, c, u, rings, tick, dt_inv)
    else:
        e.short = 0
        ok, final = old_calls_full(e, c, units, rings, tick, dt, dt_inv)
    e.reissue += ok * e.reissue_share
    if parallel:
        return ok * e.n_inv, final * e.n_inv
    return ok * (1.0 - e.reissue_share), final
