"""A cache: hits need no call to the backing store; misses that are answered fill it again.

With hit rate h each request makes (1 - h) of the calls that a miss makes, and
dh/dt = (warm rate - h) * (misses answered in time a second) / keys.
"""

from hms.scenarios.machine_code import compiled

WARM = 1e-9
STILL = 1e-7


@compiled
def set_calls(e, calls, parallel):
    """An edge makes this many calls a request from now on."""
    e.calls = calls
    e.n = max(1.0, calls)
    e.n_inv = 1.0 / e.n
    e.reissue_share = 0.0 if parallel else 1.0 - e.n_inv
    e.first_share = calls if parallel else min(1.0, calls)


@compiled
def warm_caches(s):
    """A tick of all caches that are not yet warm."""
    world = s.world[0]
    world.caches_cold = 0
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        if c.keys_inv <= 0.0:
            continue
        missing = c.hit_target - c.hit_rate
        if missing <= 0.0:
            continue
        answered = 0.0
        for k in range(c.e0, c.e1):
            if s.edges[k].miss_calls > 0.0:
                answered += s.edges[k].ok
        gained = missing * min(1.0, answered * c.keys_inv)
        c.hit_rate = c.hit_rate + gained if missing > WARM else c.hit_target
        for k in range(c.e0, c.e1):
            e = s.edges[k]
            if e.miss_calls > 0.0:
                set_calls(e, e.miss_calls * (1.0 - c.hit_rate), c.parallel == 1)
        world.caches_cold = 1
        if gained > STILL:
            world.disturbed = 1
