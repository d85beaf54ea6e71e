"""Keyed random numbers: a draw is a function of (seed, entity, tick, stream), never of an order.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy as 1, 2, 3; SC 2011),
in integer arithmetic: the same words on every machine, whatever ran before.
"""

import numpy as np

from hms.scenarios.elementary import exp_, log_
from hms.scenarios.machine_code import door

JITTER = 1
FAILED_CALLS = 2
SLOW_CALLS = 3
ACTING = 4
EJECTION = 5
PROBE = 6  # readiness; liveness is the next
METRIC = 8  # and the streams after it, one a metric

MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)
WEYL_1 = np.uint64(0xBB67AE85)
LOW_WORD = np.uint64(0xFFFFFFFF)
WORD = np.uint64(32)
TO_UNIT = 1.0 / 9007199254740992.0


@door("u8(u8, u8, u8)")
def philox(key, counter_0, counter_1):
    """The first 64 bits of Philox4x32-10 under a 64-bit key and a 128-bit counter."""
    k0 = np.uint64(key) & LOW_WORD
    k1 = np.uint64(key) >> WORD
    x0 = np.uint64(counter_0) & LOW_WORD
    x1 = np.uint64(counter_0) >> WORD
    x2 = np.uint64(counter_1) & LOW_WORD
    x3 = np.uint64(counter_1) >> WORD
    for _ in range(10):
        p0 = MULTIPLIER_0 * x0
        p1 = MULTIPLIER_1 * x2
        y0 = (p1 >> WORD) ^ x1 ^ k0
        y2 = (p0 >> WORD) ^ x3 ^ k1
        x1 = p1 & LOW_WORD
        x3 = p0 & LOW_WORD
        x0 = y0
        x2 = y2
        k0 = (k0 + WEYL_0) & LOW_WORD
        k1 = (k1 + WEYL_1) & LOW_WORD
    return (x0 << WORD) | x1


@door("f8(i8, i8, i8, i8)")
def uniform(seed, entity, tick, stream):
    """A number in [0, 1) for this seed, entity, tick and stream."""
    word = philox(np.uint64(seed), np.uint64(tick), (np.uint64(entity) << np.uint64(8)) + stream)
    return np.float64(word >> np.uint64(11)) * TO_UNIT


@door("f8(f8, f8, f8)")
def binomial(calls, share, u):
    """How many of `calls` whole calls fail when each does with `share`: the inverse CDF at u.

    Exact for the call counts of a tick (up to some hundreds); 0 < share < 1 is expected.
    """
    odds = share / (1.0 - share)
    mass = exp_(calls * log_(1.0 - share))
    total = mass
    k = 0.0
    while u >= total and k < calls:
        mass *= odds * (calls - k) / (k + 1.0)
        k += 1.0
        total += mass
    return k
