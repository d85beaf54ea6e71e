"""A cache, miss by miss: each miss that is answered brings a share of what is missing.

The `fluid` engine's law dh/dt = (warm rate - h) * (misses answered a second) / keys, read as what
one answered miss does.
"""

from hms.scenarios.engines.fluid.caches import WARM, set_calls
from hms.scenarios.machine_code import compiled


@compiled
def set_misses(s, c):
    """The calls on a miss, for the hit rate of the moment."""
    for k in range(c.e0, c.e1):
        e = s.edges[k]
        if e.miss_calls > 0.0:
            set_calls(e, e.miss_calls * (1.0 - c.hit_rate), c.parallel == 1)


@compiled
def learn_miss(s, e):
    """A miss was answered in time."""
    c = s.comps[e.caller]
    missing = c.hit_target - c.hit_rate
    if missing <= 0.0:
        return
    c.hit_rate = c.hit_rate + missing * min(1.0, c.keys_inv)
    if missing <= WARM:
        c.hit_rate = c.hit_target
    set_misses(s, c)


@compiled
def forget_part(s, c):
    """A replica that goes down takes its part of the cache with it."""
    if c.keys_inv > 0.0:
        count = 0
        for ri in range(c.r0, c.r1):
            count += s.replicas[ri].there
        c.hit_rate *= 1.0 - 1.0 / max(count, 1)
        set_misses(s, c)
