"""What a component tells its callers for the next tick: how long it takes, how that varies.

docs/world.md, step (d). The age of what leaves now is read off the curve of admissions: what
departed, D, was admitted when the curve stood at D. Nothing is summed twice: D = A - queued -
waiting.
"""

import math

from hms.scenarios.elementary import erfc_, exp_
from hms.scenarios.machine_code import compiled

NORMAL = 0.3989422804014327
SQRT_HALF = 0.7071067811865476


@compiled
def publish_age(c, u, rings, tick, dt):
    """Age and variance of the answers that leave now."""
    mask = c.ring_mask
    rings[u.ring + (tick & mask)] = u.admitted
    p = u.pointer
    if p < tick - mask + 2:
        p = tick - mask + 2
    now = rings[u.ring + (p & mask)]
    before = rings[u.ring + ((p - 1) & mask)] if p > 0 else 0.0
    while p < tick and u.departed >= now - 0.02 * (now - before):
        p += 1
        before = now
        now = rings[u.ring + (p & mask)]
    u.pointer = p
    if now > before:
        share = min(1.0, max(0.0, (u.departed - before) / (now - before)))
        age = (tick + 1 - p - share) * dt
    else:
        age = u.wait_s if u.queued > 1e-9 else 0.0
    service_s = 0.0
    if c.client == 0:
        service_s = c.service_s
        if c.congestion > 0.0:
            service_s *= 1.0 + c.congestion * u.busy * u.busy * u.busy
        service_s /= max(u.speed, 1e-3)
    age = max(age, service_s)
    u.age = age
    usual = u.wait_s + service_s
    scale = age / usual if age < usual else 1.0
    u.age_var = u.wait_var * scale * scale + service_s * service_s * c.cv2 + c.calls_var


@compiled
def call_moments(e, comps, units, rings):
    """Mean and variance of one call's time, up to its time-out."""
    d = comps[e.callee]
    u = units[d.u0]
    if d.u1 - d.u0 == 1:
        mean_s = min(u.age + e.delay_s, e.timeout_s)
        return mean_s, min(u.age_var + e.jitter_var, mean_s * mean_s)
    mean_s = 0.0
    second = 0.0
    for slot in range(d.u1 - d.u0):
        u = units[d.u0 + slot]
        t = min(u.age + e.delay_s, e.timeout_s)
        mean_s += rings[e.pi0 + slot] * t
        second += rings[e.pi0 + slot] * (min(u.age_var + e.jitter_var, t * t) + t * t)
    return mean_s, max(0.0, second - mean_s * mean_s)


@compiled
def slow_mode(e, calls):
    """(share of requests that wait out this edge's time-outs, for how long, how many then fail)."""
    answered = e.ok + e.late + e.bad
    if answered <= 1e-9 or answered <= 2e-3 * e.flow_mean:
        return 0.0, 0.0, 0.0
    late = e.late / answered
    share = late * min(1.0, calls)
    wait_s = e.timeout_s
    again = 1.0
    backoff_s = e.backoff_s * (0.5 if e.full_jitter > 0.0 else 1.0)
    for k in range(e.retries):
        again *= late
        wait_s += again * e.timeout_s
        wait_s += (again if k > 0 else 1.0) * min(backoff_s, e.backoff_max_s)
        backoff_s *= e.backoff_multiplier
    return share, wait_s, again if e.soft == 0 else 0.0


@compiled
def later_of(mean_a, var_a, mean_b, var_b):
    """Mean and variance of the later of two normal times (Clark 1961)."""
    both = var_a + var_b
    if both <= 1e-14:
        return max(mean_a, mean_b), var_a
    apart = math.sqrt(both)
    alpha = (mean_a - mean_b) / apart
    density = exp_(-0.5 * alpha * alpha) * NORMAL
    share = 0.5 * erfc_(-alpha * SQRT_HALF)
    first = mean_a * share + mean_b * (1.0 - share) + apart * density
    second = (mean_a * mean_a + var_a) * share + (mean_b * mean_b + var_b) * (1.0 - share)
    second += (mean_a + mean_b) * apart * density
    return first, max(0.0, second - first * first)


@compiled
def with_repeats(e, comps, units, rings):
    """Mean and variance of one call's time with the retries that it needs."""
    mean_s, variance = call_moments(e, comps, units, rings)
    if e.repeat_share > 0.0:
        wait_s = mean_s + e.backoff_s
        odds = e.repeat_share / (1.0 - min(e.repeat_share, 0.9))
        mean_s += odds * wait_s
        variance = variance * (1.0 + odds) + odds * (1.0 + odds) * wait_s * wait_s
    return mean_s, variance


@compiled
def time_by_endpoint(c, comps, units, edges, rings):
    """The same of a component with endpoints: a mixture of the times of their chains."""
    mean_s = 0.0
    square = 0.0
    chain_s = 0.0
    chain_var = 0.0
    c.slow_share = 0.0
    c.slow_after_s = 0.0
    c.slow_error = 0.0
    for k in range(c.e0, c.e1):
        e = edges[k]
        if e.chain_start == 1:
            chain_s = 0.0
            chain_var = 0.0
        call_s, variance = with_repeats(e, comps, units, rings)
        part = e.calls - math.floor(e.calls)
        chain_s += e.calls * call_s
        chain_var += e.calls * variance + part * (1.0 - part) * call_s * call_s
        if e.late > 0.0:
            share, wait_s, failed = slow_mode(e, e.calls)
            share *= e.chain_weight
            if share > 0.005 and share * wait_s > c.slow_share * c.slow_after_s:
                c.slow_share = share
                c.slow_after_s = wait_s
                c.slow_error = failed
        if k + 1 == c.e1 or edges[k + 1].chain_start == 1:
            mean_s += e.chain_weight * chain_s
            square += e.chain_weight * (chain_var + chain_s * chain_s)
    c.calls_s = mean_s
    c.calls_var = max(0.0, square - mean_s * mean_s)


@compiled
def time_on_callees(c, comps, units, edges, rings):
    """Mean and variance of a request's time on callees: summed, or the latest when parallel."""
    total_s = 0.0
    total_var = 0.0
    latest_s = 0.0
    latest_var = 0.0
    longest_s = 0.0
    slow_share = 0.0
    slow_s = 0.0
    slow_error = 0.0
    for k in range(c.e0, c.e1):
        e = edges[k]
        mean_s, variance = with_repeats(e, comps, units, rings)
        if e.late > 0.0:
            share, wait_s, failed = slow_mode(e, e.calls)
            if share > 0.005 and share * wait_s > slow_share * slow_s:
                slow_share = share
                slow_s = wait_s
                slow_error = failed
        part = e.calls - math.floor(e.calls)
        if c.parallel == 0:
            total_s += e.calls * mean_s
            total_var += e.calls * variance + part * (1.0 - part) * mean_s * mean_s
        else:
            if e.calls < 1.0:
                square = variance + mean_s * mean_s
                variance = e.calls * square - e.calls * e.calls * mean_s * mean_s
                mean_s *= e.calls
            longest_s = max(longest_s, mean_s)
            for copy in range(max(1, int(e.calls + 0.5))):
                if k == c.e0 and copy == 0:
                    latest_s = mean_s
                    latest_var = variance
                else:
                    latest_s, latest_var = later_of(latest_s, latest_var, mean_s, variance)
    c.slow_share = slow_share
    c.slow_after_s = slow_s
    c.slow_error = slow_error
    if c.parallel == 1:
        c.calls_s = latest_s
        c.calls_var = latest_var
        c.lag = max(0.0, latest_s - longest_s)
    else:
        c.calls_s = total_s
        c.calls_var = total_var
