"""Which replica does a call go to?

A replica out of rotation gets none, nor does one that this caller has ejected; where nobody is
left, all are used again. Fewest connections counts whoever is present: a dead replica in rotation
has none and draws everything.
"""

from hms.scenarios.draws import uniform
from hms.scenarios.engines.request.chance import ROUTE
from hms.scenarios.machine_code import compiled

ROUND_ROBIN = 0
RANDOM = 1
LEAST = 2


@compiled
def is_open(s, e, k, ri):
    """Whether this caller may send to a replica."""
    r = s.replicas[ri]
    if r.there == 0 or r.in_rotation == 0 or r.leaving == 1:
        return False
    return e.scope_replica == 0 or s.callers[k].outlier_grant.share[r.slot] > 0.0


@compiled
def choose(s, k, i):
    """The replica for a call on edge k to component i."""
    c = s.comps[i]
    if c.r1 - c.r0 == 1:
        return c.r0
    e = s.edges[k]
    count = 0
    for ri in range(c.r0, c.r1):
        if is_open(s, e, k, ri):
            count += 1
    everyone = count == 0
    if everyone:
        for ri in range(c.r0, c.r1):
            if s.replicas[ri].there == 1:
                count += 1
    if c.balancer == LEAST and not everyone:
        return fewest(s, c, e, k)
    skip = 0
    if c.balancer == RANDOM or everyone:
        u = uniform(s.world[0].seed, i, c.choices, ROUTE)
        c.choices += 1
        skip = min(int(u * count), count - 1)
        ri = c.r0
    else:
        ri = c.turn
    while True:
        if ri >= c.r1:
            ri = c.r0
        fits = s.replicas[ri].there == 1 if everyone else is_open(s, e, k, ri)
        if fits:
            if skip == 0:
                break
            skip -= 1
        ri += 1
    c.turn = ri + 1
    return ri


@compiled
def fewest(s, c, e, k):
    """The replica with the fewest requests; among equals the next in turn."""
    best = -1
    ri = c.turn
    for _ in range(c.r1 - c.r0):
        if ri >= c.r1:
            ri = c.r0
        open_road = is_open(s, e, k, ri)
        if open_road and (best < 0 or s.replicas[ri].present < s.replicas[best].present):
            best = ri
        ri += 1
    c.turn = best + 1
    return best
