"""Published messages: nobody waits for the answer, and no failure of one fails a request.

What cannot be handed over (a cut, a callee that is down or full, an open breaker) is dropped, or,
where the edge queues, kept and tried again about once a second.
"""

from hms.scenarios.engines.fluid.calls import deliver
from hms.scenarios.machine_code import compiled

AGAIN_PER_S = 1.0


@compiled
def publish_on(e, comps, units, rings, moved, dt):
    """One edge's messages of a tick, for the requests that `moved` on from their own work."""
    c = comps[e.callee]
    if c.u1 - c.u0 == 1:
        e.refused = units[c.u0].refused if units[c.u0].up == 1 else 1.0
    made = moved * e.calls
    again = e.held * min(1.0, AGAIN_PER_S * dt)
    total = made + again
    allowed = e.share
    if e.permits >= 0.0 and total > 0.0:
        allowed = min(allowed, max(0.0, e.permits - e.started) / total)
    passed = total * allowed
    if e.permits >= 0.0:
        e.started += passed
    lost = 1.0 if e.cut == 1 else 1.0 - (1.0 - e.loss) * (1.0 - e.severed)
    arrives = passed * (1.0 - lost)
    refused = arrives * e.refused
    if c.u1 - c.u0 > 1 or units[c.u0].up == 1:
        deliver(e, c, units, rings, arrives)
    taken = arrives - refused
    if e.loses == 1:
        e.final = total - taken
    else:
        e.held += made - taken
        e.final = 0.0
    e.offered = passed
    e.repeats = min(again, passed)
    e.blocked = total - passed
    e.ok = taken
    e.bad = passed - taken
    e.late = 0.0
    e.flow_mean += (passed - e.flow_mean) * (dt * 0.1)
