"""How probable is an answer later than a time-out?

The time a request takes at a component has mean m and variance V; its tail is taken from the gamma
law with those two moments (Wilson and Hilferty 1931: the cube root of a gamma variable is nearly
normal), exact for M/M/1. Where some requests first wait out a time-out of their own the law has two
modes, and both are kept: one bell over both would time nobody out.
"""

import math

from hms.scenarios.elementary import cbrt_, erfc_
from hms.scenarios.machine_code import compiled

SQRT_HALF = 0.7071067811865476
FAR_ABOVE = 144.0
FAR_BELOW = 64.0
TWO_MODES_FROM = 0.005
ONE_SLOW_MODE_FROM = 0.98


@compiled
def late_share(mean_s, variance, timeout_s):
    """P(T > timeout) for a gamma law of this mean and variance."""
    if timeout_s <= 0.0:
        return 1.0
    if mean_s <= 1e-12:
        return 0.0
    d = timeout_s - mean_s
    if d > 0.0:
        if d * d > FAR_ABOVE * variance:
            return 0.0
    elif d * d > FAR_BELOW * variance:
        return 1.0
    sd = math.sqrt(variance)
    if sd < 1e-9 * mean_s:
        return 1.0 if mean_s > timeout_s else 0.0
    w = sd / mean_s
    z = (cbrt_(timeout_s / mean_s) - 1.0 + w * w * (1.0 / 9.0)) * 3.0 / w
    if z > 6.0:
        return 0.0
    return 0.5 * erfc_(z * SQRT_HALF)


@compiled
def late_of(c, u, mean_s, timeout_s, jitter_var):
    """Late share of the answers of unit u of component c, when they take `mean_s` on average.

    `jitter_var` is the variance of the way there and back.
    """
    slow = c.slow_share
    if slow < TWO_MODES_FROM:
        return late_share(mean_s, u.age_var + jitter_var, timeout_s)
    service_s = c.service_s / max(u.speed, 1e-3)
    own_s = u.wait_s + service_s + (mean_s - u.age)
    own_var = u.wait_var + service_s * service_s * c.cv2 + jitter_var
    late_slow = late_share(own_s, own_var, timeout_s - c.slow_after_s)
    if slow > ONE_SLOW_MODE_FROM:
        return late_slow
    fast_s, fast_var = _fast_mode(c, u, mean_s, own_s, own_var, jitter_var)
    return (1.0 - slow) * late_share(fast_s, fast_var, timeout_s) + slow * late_slow


@compiled
def error_of(c, u, mean_s, timeout_s, late, jitter_var):
    """Error share of the answers that come in time: those that waited out a time-out fail first."""
    slow = c.slow_share
    error = u.error_share
    if slow < TWO_MODES_FROM or slow > ONE_SLOW_MODE_FROM or late > 0.9999:
        return error
    service_s = c.service_s / max(u.speed, 1e-3)
    own_s = u.wait_s + service_s + (mean_s - u.age)
    own_var = u.wait_var + service_s * service_s * c.cv2 + jitter_var
    late_slow = late_share(own_s, own_var, timeout_s - c.slow_after_s)
    fast_s, fast_var = _fast_mode(c, u, mean_s, own_s, own_var, jitter_var)
    late_fast = late_share(fast_s, fast_var, timeout_s)
    slow_error = c.slow_error
    fast_error = max(0.0, (error - slow * slow_error) / (1.0 - slow))
    if fast_error == 0.0:
        slow_error = min(1.0, error / slow)
    failed = (1.0 - slow) * (1.0 - late_fast) * fast_error + slow * (1.0 - late_slow) * slow_error
    return min(1.0, failed / (1.0 - late))


@compiled
def _fast_mode(c, u, mean_s, own_s, own_var, jitter_var):
    slow = c.slow_share
    fast_s = max((mean_s - slow * (own_s + c.slow_after_s)) / (1.0 - slow), own_s)
    apart = own_s + c.slow_after_s - fast_s
    return fast_s, max(u.age_var + jitter_var - slow * (1.0 - slow) * apart * apart, own_var)
