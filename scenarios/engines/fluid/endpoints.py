"""A component with endpoints: each is a chain of calls of its own, entered by its weight.

The edges of a chain follow one another, its first one carries `chain_start`; `idle_share` of the
requests belong to endpoints without calls. A failure in one chain is none of the others.
"""

from hms.scenarios.engines.fluid.answers import old_calls
from hms.scenarios.engines.fluid.calls import new_calls
from hms.scenarios.machine_code import compiled


@compiled
def answers_by_endpoint(c, comps, units, edges, rings, tick, dt, dt_inv):
    """(a): (leave well, fail, stays out, pass on)."""
    leaving = 0.0
    failed = 0.0
    stays = 0.0
    for k in range(c.e0, c.e1):
        e = edges[k]
        ok, final = old_calls(e, comps, units, rings, tick, dt, dt_inv, False)
        if e.soft == 1:
            e.left_ok = ok + final
        else:
            e.left_ok = ok
            failed += final
        stays += e.kappa * e.chain_weight
        if k + 1 == c.e1 or edges[k + 1].chain_start == 1:
            leaving += e.left_ok
    passing = 0.0
    later = 0.0
    for k in range(c.e1 - 1, c.e0, -1):
        later = later + edges[k].kappa
        if edges[k].chain_start == 1:
            later = 0.0
        elif later < 1.0:
            passing += edges[k - 1].left_ok * (1.0 - later)
    return leaving, failed, stays, passing


@compiled
def calls_by_endpoint(c, comps, units, edges, rings, moved, tick, dt, dt_inv):
    """(c): (leave well, fail)."""
    total = moved * c.idle_share
    ok = 0.0
    bad = 0.0
    before = 0.0
    for k in range(c.e0, c.e1):
        e = edges[k]
        if e.chain_start == 1:
            total += ok
            ok = moved * e.chain_weight
            before = 0.0
        good, final = new_calls(e, comps, units, rings, ok + before, tick, dt, dt_inv, False)
        before = e.left_ok
        if e.degraded > 0.0:
            c.degraded = 1
        if e.soft == 1:
            ok = good + final
        else:
            ok = good
            bad += final
    return total + ok, bad
