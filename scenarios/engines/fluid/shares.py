"""Which unit does a caller's next call go to, and which of those calls fail at once?

Fixed once a tick for every caller: changing a unit's share while one caller is served would rob its
other callers.
"""

from hms.scenarios.machine_code import compiled


@compiled
def balance(c, units, dt):
    """The balancer's own shares, in `u.share`: by replicas in rotation or fewest connections."""
    total = 0.0
    everyone = 0.0
    for g in range(c.u0, c.u1):
        u = units[g]
        everyone += u.n
        if u.in_rotation == 1:
            total += u.n
    for g in range(c.u0, c.u1):
        u = units[g]
        if total > 0.0:
            u.share = u.n / total if u.in_rotation == 1 else 0.0
        else:
            u.share = u.n / max(everyone, 1e-9)
    if c.least == 1 and total > 0.0 and c.u1 - c.u0 > 1:
        fewest_connections(c, units, dt)


@compiled
def fewest_connections(c, units, dt):
    """A dead unit in rotation takes everything; else arrivals fill the emptiest units first."""
    dead = 0.0
    for g in range(c.u0, c.u1):
        if units[g].in_rotation == 1 and units[g].up == 0:
            dead += units[g].n
    if dead > 0.0:
        for g in range(c.u0, c.u1):
            u = units[g]
            u.share = u.n / dead if u.in_rotation == 1 and u.up == 0 else 0.0
        return
    low = 1e300
    high = -1e300
    for g in range(c.u0, c.u1):
        u = units[g]
        if u.in_rotation == 1:
            level = (u.queued + u.waiting) * u.n_inv - u.throughput * dt
            low = min(low, level)
            high = max(high, level)
    high += c.arrivals + 1e-9
    for _ in range(40):
        water = 0.5 * (low + high)
        filled = 0.0
        for g in range(c.u0, c.u1):
            u = units[g]
            if u.in_rotation == 1:
                level = (u.queued + u.waiting) * u.n_inv - u.throughput * dt
                filled += u.n * max(0.0, water - level)
        if filled > c.arrivals:
            high = water
        else:
            low = water
    total = 0.0
    for g in range(c.u0, c.u1):
        u = units[g]
        level = (u.queued + u.waiting) * u.n_inv - u.throughput * dt
        u.share = u.n * max(0.0, high - level) if u.in_rotation == 1 else 0.0
        total += u.share
    for g in range(c.u0, c.u1):
        units[g].share /= max(total, 1e-300)


@compiled
def of_caller(e, c, units, rings, ejection, tick):
    """One caller's shares after its ejections: pi, the share refused, and pi' into the ring."""
    total = 0.0
    for slot in range(c.u1 - c.u0):
        weight = units[c.u0 + slot].share
        if e.scope_replica == 1:
            weight *= ejection.share[slot]
        rings[e.pi0 + slot] = weight
        total += weight
    refused = 0.0
    for slot in range(c.u1 - c.u0):
        u = units[c.u0 + slot]
        if total > 0.0:
            rings[e.pi0 + slot] /= total
        else:
            rings[e.pi0 + slot] = u.share
        refused += rings[e.pi0 + slot] * (u.refused if u.up == 1 else 1.0)
    e.refused = min(1.0, refused)
    row = e.share0 + (tick & e.mask) * e.slots
    for slot in range(c.u1 - c.u0):
        u = units[c.u0 + slot]
        taken = rings[e.pi0 + slot] * (1.0 - (u.refused if u.up == 1 else 1.0))
        rings[row + slot] = taken / (1.0 - refused) if refused < 1.0 else rings[e.pi0 + slot]


@compiled
def settle_shares(comps, units, edges, incoming, rings, callers, tick, dt):
    """All shares of this tick, where a component has several units."""
    for i in range(comps.shape[0]):
        c = comps[i]
        if c.u1 - c.u0 > 1:
            balance(c, units, dt)
            for q in range(c.i0, c.i1):
                k = incoming[q]
                of_caller(edges[k], c, units, rings, callers[k].outlier_grant, tick)
