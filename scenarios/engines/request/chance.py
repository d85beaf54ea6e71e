"""Keyed draws of the request engine: the n-th number of an entity for a purpose.

Arrivals, service times, routes and retries each have numbers of their own, so that two policies
meet the same arrivals, and a draw more here moves none there.
"""

import math

from hms.scenarios.draws import uniform
from hms.scenarios.elementary import exp_, log_
from hms.scenarios.machine_code import compiled

ARRIVALS = 16
SERVICE = 17
ROUTE = 18
REPEAT = 19
LOST = 20
BACKOFF = 21
WRONG = 22
SEVERED = 23
DELAY = 24
REFUSED = 25
CHAIN = 26

THIRD = 1.0 / 3.0


@compiled
def positive(seed, entity, n, stream):
    """A number in (0, 1]."""
    return 1.0 - uniform(seed, entity, n, stream)


@compiled
def exponential(seed, entity, n, stream):
    """An exponential time of mean 1."""
    return -log_(1.0 - uniform(seed, entity, n, stream))


@compiled
def gamma(seed, entity, n, stream, cv2):
    """A gamma-distributed time of mean 1 and squared variation cv2 (Marsaglia and Tsang 2000).

    Args:
        n: the first of 256 numbers that it may use.
    """
    shape = 1.0 / cv2
    boost = 1.0
    k = n << 8
    if shape < 1.0:
        boost = exp_(log_(positive(seed, entity, k, stream)) * cv2)
        k += 1
        shape += 1.0
    d = shape - THIRD
    c = 1.0 / math.sqrt(9.0 * d)
    value = d
    for _ in range(64):
        u = 2.0 * uniform(seed, entity, k, stream) - 1.0
        v = 2.0 * uniform(seed, entity, k + 1, stream) - 1.0
        q = u * u + v * v
        k += 2
        if q >= 1.0 or q <= 0.0:
            continue
        x = u * math.sqrt(-2.0 * log_(q) / q)
        cube = 1.0 + c * x
        if cube <= 0.0:
            continue
        cube = cube * cube * cube
        accept = log_(positive(seed, entity, k, stream))
        k += 1
        if accept < 0.5 * x * x + d - d * cube + d * log_(cube):
            value = d * cube
            break
    return boost * value * cv2


@compiled
def service_time(seed, component, n, mean_s, cv2):
    """A service time: fixed, exponential, else gamma, which is both in its limits."""
    if cv2 <= 0.0:
        return mean_s
    if cv2 == 1.0:
        return mean_s * exponential(seed, component, n, SERVICE)
    return mean_s * gamma(seed, component, n, SERVICE, cv2)
