"""Published messages: nobody waits for the answer, and no failure of one fails a request.

What cannot be handed over (a cut, a callee that is down or full, an open breaker) is dropped, or,
where the edge queues, kept and tried again once a second, as in the `fluid` engine.
"""

from hms.scenarios.engines.request.balancers import choose
from hms.scenarios.engines.request.breakers import admit, note_result
from hms.scenarios.engines.request.chance import LOST, REPEAT, SEVERED
from hms.scenarios.engines.request.pools import free_call, take_call, take_visit
from hms.scenarios.engines.request.sending import (
    FOREVER_S,
    dispatch,
    happens,
    is_let_in,
    whole_calls,
)
from hms.scenarios.machine_code import compiled


@compiled
def publish(s, c):
    """A request of component c has done its own work: its messages go out."""
    for k in range(c.p0, c.p1):
        e = s.edges[k]
        for _ in range(whole_calls(s, k, e, REPEAT)):
            e.first += 1
            hand_over(s, k, e)


@compiled
def hand_over(s, k, e):
    """One message; what is not taken is kept or lost."""
    c = take_call(s)
    call = s.calls[c]
    call.edge = k
    call.visit = -1
    call.in_list = 0
    call.slot = -1
    call.began_s = s.world[0].now
    if e.breaker == 1 and not admit(s, k, call):
        e.blocked += 1
        keep(e)
    else:
        e.made += 1
        taken = is_taken(s, k, e, call)
        if taken:
            e.ok += 1
        else:
            e.bad += 1
            keep(e)
        if e.agent == 1:
            note_result(s, k, call, not taken)
    free_call(s, c)


@compiled
def is_taken(s, k, e, call):
    """Whether a message is on its way to a replica that takes it."""
    if e.cut == 1 or (e.severed > 0.0 and happens(s, k, e, e.severed, SEVERED)):
        return False
    if e.loss > 0.0 and happens(s, k, e, e.loss, LOST):
        e.lost += 1
        return False
    ri = choose(s, k, e.callee)
    call.slot = s.replicas[ri].slot
    if not is_let_in(s, ri):
        i = s.comps[e.callee]
        i.arrived += 1
        i.refused += 1
        s.replicas[ri].sum_arrivals += 1.0
        s.replicas[ri].sum_refused += 1.0
        return False
    v = take_visit(s)
    s.visits[v].call = -1
    s.visits[v].deadline_s = FOREVER_S
    dispatch(s, k, e, v, ri)
    return True


@compiled
def keep(e):
    """A message that was not taken waits, or is lost."""
    if e.loses == 1:
        e.given_up += 1
    else:
        e.kept += 1


@compiled
def try_kept(s):
    """Once a second: what was kept is tried again, each message once."""
    for k in range(s.edges.shape[0]):
        e = s.edges[k]
        if e.publish == 1 and e.kept > 0:
            count = e.kept
            e.kept = 0
            for _ in range(count):
                hand_over(s, k, e)
