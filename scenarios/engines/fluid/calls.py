"""New calls of a tick: made, admitted, lost, refused, answered at once. docs/world.md, step (c)."""

from hms.scenarios.engines.fluid.answers import resolve, settle, share_at
from hms.scenarios.engines.fluid.records import POOLS, SLOT_FIELDS
from hms.scenarios.machine_code import compiled


@compiled
def repeated_within(e, c, units, rings, tick, dt_inv):
    """Share of this tick's calls that are answered well in it, and may be followed by another."""
    share = 0.0
    for slot in range(c.u1 - c.u0):
        u = units[c.u0 + slot]
        within = 1.0 - (u.age + e.delay_s) * dt_inv
        if u.up == 1 and within > 0.0:
            went = share_at(e, rings, tick, slot) if c.u1 - c.u0 > 1 else 1.0
            late = rings[e.pp + 2 * POOLS + SLOT_FIELDS * slot + 1]
            if late < 0.0:
                late = 1.0
            share += went * within * (1.0 - late) * (1.0 - u.error_share)
    return share * (1.0 - e.refused) * (1.0 - e.loss) * (1.0 - e.severed)


@compiled
def release_retries(e, rings, tick, row):
    """Retries whose back-off ends in this tick join its calls; returns their mass."""
    released = 0.0
    left = 0
    for k in range(1, e.attempts):
        waiting = rings[e.pp + k]
        mass = waiting * e.release[k]
        waiting = waiting - mass if waiting > 1e-12 else 0.0
        rings[e.pp + k] = waiting
        if waiting > 0.0:
            left = 1
        rings[row + k] = mass
        released += mass
    e.pools_hot = left
    e.first_hot = tick + e.mask + 1
    return released


@compiled
def admit(e, rings, row, attempts, total):
    """The breaker's grant: the share that may pass; in half-open no more than the permits left."""
    allowed = e.share
    if e.permits >= 0.0 and total > 0.0:
        left = max(0.0, e.permits - e.started)
        allowed = min(allowed, left / total)
    if allowed < 1.0:
        for k in range(attempts):
            rings[row + k] *= allowed
    passed = total * allowed
    if e.permits >= 0.0:
        e.started += passed
    return passed


@compiled
def sever(e, rings, row, attempts):
    """Calls that fail before they leave: no name to call, or refused as expired. Their mass."""
    failed = 0.0
    for k in range(attempts):
        mass = rings[row + k] * e.severed
        rings[e.pp + POOLS + k] += mass * e.retry_refused
        e.final_now += mass * (1.0 - e.retry_refused)
        failed += mass
        rings[row + k] -= mass
    return failed


@compiled
def lose(e, rings, row, attempts, total, tick):
    """Loss and cuts: what never arrives waits out its time-out; a queueing cut holds the rest back.

    Returns the mass that arrives at the callee.
    """
    lost = e.loss
    arrives = total
    if e.cut == 1:
        lost = 1.0
        if e.loses == 0:
            e.held += total
    elif e.held > 0.0:
        arrives += e.held
        e.held = 0.0
    if lost > 0.0:
        for k in range(attempts):
            rings[row + e.attempts + k] += rings[row + k] * lost
            rings[row + k] *= 1.0 - lost
        e.late_hot = tick + e.mask + 2
        arrives -= total * lost
    return arrives


@compiled
def refuse(e, c, units, rings, row, attempts):
    """Calls to units that are down or full fail at once. Returns their mass."""
    failed = 0.0
    for k in range(attempts):
        mass = rings[row + k] * e.refused
        rings[e.pp + POOLS + k] += mass * e.retry_refused
        e.final_now += mass * (1.0 - e.retry_refused)
        failed += mass
        rings[row + k] -= mass
    if c.u1 - c.u0 > 1 and e.refused > 0.0:
        for slot in range(c.u1 - c.u0):
            u = units[c.u0 + slot]
            turned = u.refused if u.up == 1 else 1.0
            part = rings[e.pi0 + slot] * turned / e.refused
            rings[e.slot0 + 2 * slot + 1] += failed * part
    return failed


@compiled
def deliver(e, c, units, rings, arrives):
    """Hand the arriving calls to the callee's units by this caller's shares."""
    if c.u1 - c.u0 == 1:
        units[c.u0].arrivals += arrives
    else:
        for slot in range(c.u1 - c.u0):
            units[c.u0 + slot].arrivals += arrives * rings[e.pi0 + slot]


@compiled
def answered_now(e, c, units, rings, tick, attempts, dt):
    """This tick's calls that are answered within it: (well, failed, late)."""
    ok = 0.0
    bad = 0.0
    late = 0.0
    for slot in range(c.u1 - c.u0):
        place = e.pp + 2 * POOLS + SLOT_FIELDS * slot
        begin = rings[place]
        end = min(rings[place + 3], tick + 1.0)
        if end > begin:
            u = units[c.u0 + slot]
            span = (tick, tick, begin, end)
            known = (rings[place + 1], rings[place + 2], end)
            o, b, after = resolve(e, c, u, rings, slot, span, tick, known, attempts, dt)
            ok += o
            bad += b
            late += after
            rings[place] = end
    return ok, bad, late


@compiled
def new_calls_short(e, c, units, rings, made, row, tick):
    """The healthy edge again: no retries, nothing refused or lost; returns (ok, bad, final)."""
    place = e.pp + 2 * POOLS
    error_share = rings[place + 2]
    within = min(1.0, rings[place + 3] - tick)
    extra = 0.0
    if e.reissue_share > 0.0:
        mass = made / (1.0 - e.reissue_share * within * (1.0 - error_share))
        extra = mass - made
        made = mass
    rings[row] = made
    units[c.u0].arrivals += made
    answered = made * within
    rings[place] = tick + within
    failed = answered * error_share
    final = 0.0
    if failed > 0.0:
        rings[e.pp + POOLS] += failed * e.retry_answered
        e.final_now += failed * (1.0 - e.retry_answered)
        final = settle(e, rings, 1)
    ok = answered - failed
    if e.reissue_share > 0.0:
        e.reissue += max(0.0, ok * e.reissue_share - extra)
    e.offered = made
    e.repeats = 0.0
    e.blocked = 0.0
    return ok, failed, final


@compiled
def new_calls_full(e, c, units, rings, made, row, tick, dt, dt_inv):
    """Every attempt, breaker, loss, refusals and unit; returns (ok, bad, late, final)."""
    extra = 0.0
    if e.reissue_share > 0.0 and e.cut == 0 and e.share >= 1.0 and e.permits < 0.0:
        within = repeated_within(e, c, units, rings, tick, dt_inv)
        extra = made / (1.0 - e.reissue_share * within) - made
        made += extra
    rings[row] = made
    total = made
    if e.pools_hot == 1 and e.retries > 0:
        total += release_retries(e, rings, tick, row)
    attempts = e.attempts if tick <= e.first_hot else 1
    passed = admit(e, rings, row, attempts, total)
    e.blocked = total - passed
    e.offered = passed
    e.repeats = passed - rings[row]
    final = e.blocked
    bad = 0.0
    if e.severed > 0.0:
        bad = sever(e, rings, row, attempts)
    deliver(e, c, units, rings, lose(e, rings, row, attempts, passed - bad, tick))
    if e.refused > 0.0:
        bad += refuse(e, c, units, rings, row, attempts)
    ok, failed, late = answered_now(e, c, units, rings, tick, attempts, dt)
    bad += failed
    if bad > 0.0 or late > 0.0:
        final += settle(e, rings, e.attempts)
    e.reissue += max(0.0, ok * e.reissue_share - extra)
    return ok, bad, late, final


@compiled
def new_calls(e, comps, units, rings, entering, tick, dt, dt_inv, parallel):
    """Step (c) of one edge for the requests `entering` it; returns (move on, fail)."""
    c = comps[e.callee]
    row = e.ring0 + (tick & e.mask) * 2 * e.attempts
    skipped = entering * max(0.0, 1.0 - e.calls)
    made = entering * e.first_share + e.reissue
    e.reissue = 0.0
    if e.fallback_share > 0.0:  # answered locally, at the fallback's quality
        local = made * e.fallback_share
        made -= local
        e.degraded += local
        skipped += local * e.n_inv if parallel else local
    open_road = e.troubled == 0 and e.held == 0.0 and e.refused == 0.0
    granted = e.share >= 1.0 and e.permits < 0.0
    late = 0.0
    if e.short == 1 and e.pools_hot == 0 and open_road and granted:
        ok, bad, final = new_calls_short(e, c, units, rings, made, row, tick)
    else:
        ok, bad, late, final = new_calls_full(
            e, c, units, rings, made, row, tick, dt, dt_inv
        )
    if e.offered > 0.0:
        e.repeat_share = e.repeats / e.offered
    e.ok = ok + e.ok_old
    e.bad = bad + e.bad_old
    e.late = late + e.late_old
    e.final = final + e.final_old
    e.outstanding += e.offered - e.ok - e.bad - e.late
    e.flow_mean += (e.ok + e.bad + e.late - e.flow_mean) * (dt * 0.1)
    if e.soft == 1:
        e.degraded += e.final
    if parallel:
        return ok * e.n_inv + skipped, final * e.n_inv
    return ok * (1.0 - e.reissue_share) + skipped, final
