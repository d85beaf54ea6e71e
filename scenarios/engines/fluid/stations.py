"""One unit's two stations in a tick: the worker a request holds, the core it computes on.

Step (b) of docs/world.md. Per replica: x, those not on callees (queued or in service), solves
    x + dt*theta + w = u + dt*lambda
where theta is what the cores finish at x (closure, or full speed while a backlog drains) and w is
what waits for a worker although a core is free. Solved by Newton, bracketed.
"""

import numpy as np

from hms.scenarios.elementary import exp_, from_bits, log_, to_bits
from hms.scenarios.engines.fluid.closure import CELLS_PER_OCTAVE
from hms.scenarios.machine_code import compiled

SHIFT = 47
OCTAVE_SHIFT = 5
BIAS = 1023
MANTISSA = 52
UNIT_CELL = 1.0 / (1 << SHIFT)
FULL = 0.9999
BOUNDED = 1e8


@compiled
def cell_of(c, x):
    """(row offset, share of the way to the next row, cell) of x in the component's table."""
    bits = to_bits(1.0 + x * c.cores_inv)
    cell = (bits >> SHIFT) - (BIAS << OCTAVE_SHIFT)
    share = (bits & ((1 << SHIFT) - 1)) * UNIT_CELL
    if cell >= c.table_rows:
        cell = c.table_rows - 1
        share = 1.0
    return c.table + 8 * cell, share, cell


@compiled
def blocked_share(c, u, tables, x):
    """Share of arrivals that find no room at x present, before the backlog itself is full."""
    if u.k >= BOUNDED:
        return 0.0
    row, share, _ = cell_of(c, min(x, u.k))
    if u.k == c.k_table:
        return (tables[row + 2] + share * tables[row + 3]) * u.r
    if x < 0.25 * u.k:
        return 0.0
    busy = min(tables[row] + share * tables[row + 1], FULL)
    wait = tables[row + 6] + share * tables[row + 7]
    full = wait * exp_((u.k - u.cores) * log_(max(busy, 1e-9)))
    return (1.0 - busy) * full / (1.0 - busy * full) * u.r


@compiled
def throughput(c, u, tables, total, start, most, capacity, dt, worker):
    """Starts per second that solve the balance; worker = (hold_s, weight, on callees, workers)."""
    hold, weight, waiting, w_inv = worker
    low = 0.0
    high = total
    x = min(max(0.0, start), total)
    theta = 0.0
    cores = u.cores
    r = u.r
    scale = c.cores_inv * u.cores_scale * CELLS_PER_OCTAVE
    for _ in range(30):
        row, share, cell = cell_of(c, x * u.cores_scale)
        d = tables[row + 1]
        busy = tables[row] + share * d
        slope = d * scale * from_bits(np.int64(BIAS - (cell >> OCTAVE_SHIFT)) << MANTISSA)
        if x < cores:
            theta = capacity * (r * busy + (1.0 - r) * x / cores)
            slope = capacity * (r * slope + (1.0 - r) / cores)
        else:
            theta = capacity * (r * busy + 1.0 - r)
            slope = capacity * r * slope
        f = x - total + dt * theta
        s = 1.0 + dt * slope
        if w_inv > 0.0:
            a = (theta * hold + waiting) * w_inv
            if a >= FULL:
                f += 1e6 * (a - FULL) + r * weight * 1e4
                s += 1e6 * hold * slope * w_inv
            elif a > 0.2:
                position = a * 256.0
                k = np.int64(position)
                g1 = tables[u.power_table + k]
                g2 = tables[u.power_table + k + 1] - g1
                g1 += (position - k) * g2
                free = 1.0 / (1.0 - a)
                f += r * weight * g1 * free
                s += r * weight * (g2 * 256.0 + g1 * free) * free * hold * slope * w_inv
        if abs(f) < 1e-7 * (1.0 + total):
            break
        if f > 0.0:
            high = x
        else:
            low = x
        x_next = x - f / s
        if x_next <= low or x_next >= high:
            x_next = 0.5 * (low + high)
        if high - low < 1e-9 * (1.0 + total):
            break
        x = x_next
    return min(theta, min(most, total / dt))


@compiled
def work(c, u, tables, arrivals_rps, dt, on_callees, stays_out):
    """Let one unit work for a tick.

    Args:
        arrivals_rps: per replica.
        on_callees: requests waiting on callees, per replica.
        stays_out: share of the tick a new call stays out.

    Returns:
        starts per second and admissions in this tick, both per replica.
    """
    waiting = u.queued * u.n_inv
    if u.cancelled > 0.0:
        gone = min(u.cancelled * u.n_inv, max(0.0, waiting - u.cores * u.busy))
        waiting -= gone
        u.departed += gone * u.n
        c.abandoned += gone * u.n
        u.cancelled = 0.0
    blocked = blocked_share(c, u, tables, waiting + on_callees)
    offered = arrivals_rps * (1.0 - blocked) * dt
    service_s = c.service_s
    if c.congestion > 0.0:
        service_s *= 1.0 + c.congestion * u.busy * u.busy * u.busy
    capacity = u.cores * u.speed / service_s
    held_s = service_s / u.speed if u.speed > 0.0 else 1e9
    hold, weight, w_inv, most = _worker(c, u, held_s, on_callees, stays_out, capacity, dt)
    total = waiting + offered
    theta = 0.0
    if most > 0.0 and total > 0.0:
        worker = (hold, weight, on_callees, w_inv)
        start = total - dt * capacity * u.busy
        theta = throughput(c, u, tables, total, start, most, capacity, dt, worker)
    left = max(0.0, total - theta * dt)
    over = 0.0
    if u.k < BOUNDED and left + on_callees > u.k:
        over = min(left + on_callees - u.k, offered)
        left -= over
    u.queued = left * u.n
    admitted = max(0.0, offered - over)
    arrived = arrivals_rps * dt
    u.refused = max(0.0, 1.0 - admitted / arrived) if arrived > 0.0 else blocked
    u.busy = min(1.0, theta / capacity) if capacity > 0.0 else 1.0
    _settle(c, u, tables, left, admitted, theta, service_s, dt)
    if w_inv > 0.0:
        u.throughput_mean += (theta - u.throughput_mean) * dt / (dt + max(c.calls_s, dt))
    u.admitted += admitted * u.n
    return theta, admitted


@compiled
def _worker(c, u, held_s, on_callees, stays_out, capacity, dt):
    """(time a start holds a worker in this tick, weight of waiting, 1/workers or 0, starts/s)."""
    hold = held_s + stays_out * dt
    if u.workers >= BOUNDED or (on_callees <= 0.0 and stays_out <= 0.0):
        return hold, 0.0, 0.0, capacity
    w_inv = 1.0 / u.workers
    if on_callees >= u.workers:
        return hold, 0.0, w_inv, 0.0
    free = u.workers - on_callees
    sustained = max(u.throughput_mean, u.workers / (held_s + c.calls_s))
    most = min(capacity, min(free / hold, sustained + free / max(c.calls_s, dt)))
    last = max(u.throughput, 1e-9)
    held = held_s * last + on_callees
    spread = min(1.0, (held_s * held_s * c.cv2 + c.calls_var) * last * last / (held * held))
    return hold, 0.5 * (1.0 + spread) * on_callees / held, w_inv, most


@compiled
def _settle(c, u, tables, left, admitted, theta, service_s, dt):
    """Variance of the queue, and so whether it is steady (r = 1) or a backlog (r near 0)."""
    row, share, _ = cell_of(c, left * u.cores_scale)
    steady = max(tables[row + 4] + share * tables[row + 5], 1e-9)
    u.p_wait = tables[row + 6] + share * tables[row + 7]
    starts = dt * theta
    u.variance = (u.variance + admitted + starts * c.cv2) * steady
    u.variance /= steady + starts * (1.0 + c.cv2)
    r = 1.0
    if left > 0.5 * u.cores:
        r = min(1.0, max(u.variance / steady, 0.001))
    u.r = r
    queue = max(0.0, left - u.cores * u.busy)
    wait = queue / theta if theta > 1e-9 else (1e9 if queue > 1e-9 else 0.0)
    u.wait_s = wait
    exponential = r * wait * wait * max(0.0, 2.0 / max(u.p_wait, 1e-6) - 1.0)
    u.wait_var = exponential + (1.0 - r) * wait * service_s / u.cores
    u.throughput = theta
