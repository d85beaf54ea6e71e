"""What a request does after its service: its calls, one after the other or side by side.

With a mean of n > 1 calls an answered call is followed by another with probability 1 - 1/n, with
n < 1 an edge is taken with probability n: as in docs/world.md. Side by side there are n calls, the
broken one by chance, and the request leaves when the last has ended.
"""

from hms.agents.policy.kinds import ATTEMPT_ERROR, ATTEMPT_TIMEOUT, ATTEMPT_UNAVAILABLE, SUCCEEDED
from hms.scenarios.draws import uniform
from hms.scenarios.engines.request.calls import answered, begin_call, late
from hms.scenarios.engines.request.chance import REPEAT, WRONG
from hms.scenarios.engines.request.measure import client_done
from hms.scenarios.engines.request.pools import CALLING, free_call
from hms.scenarios.engines.request.stations import leave, release_core
from hms.scenarios.machine_code import compiled

FOREVER_S = 1e18


@compiled
def finish_service(s, v):
    """Its service has ended: an error of its own, or on to its calls."""
    visit = s.visits[v]
    ri = visit.replica
    r = s.replicas[ri]
    c = s.comps[visit.component]
    visit.token += 1
    release_core(s, c, r, ri, v)
    r.sum_busy_s += s.world[0].now - visit.since_s
    r.sum_own_s += s.world[0].now - visit.came_s
    r.sum_served += 1.0
    if r.error_share > 0.0:
        u = uniform(s.world[0].seed, visit.component, c.choices, WRONG)
        c.choices += 1
        if u < r.error_share:
            leave(s, v, ATTEMPT_ERROR, True)
            return
    if c.e1 == c.e0:
        leave(s, v, SUCCEEDED, False)
        return
    visit.state = CALLING
    visit.failed = 0
    if c.parallel == 1:
        call_side_by_side(s, v, visit, c)
    else:
        call_next(s, v, visit, c, c.e0)


@compiled
def by_chance(s, k, e, share):
    """Whether something of this probability happens on an edge."""
    u = uniform(s.world[0].seed, k, e.drawn, REPEAT)
    e.drawn += 1
    return u < share


@compiled
def call_next(s, v, visit, c, first):
    """The next call in order, from edge `first` on; without one the request is answered."""
    k = first
    while k < c.e1:
        e = s.edges[k]
        taken = True
        if e.first_share < 1.0:
            taken = by_chance(s, k, e, e.first_share)
        if taken and e.fallback_share > 0.0:
            e.degraded += 1.0
            taken = False
        if taken:
            visit.edge = k
            begin_call(s, k, v, FOREVER_S)
            return
        k += 1
    leave(s, v, SUCCEEDED, False)


@compiled
def call_side_by_side(s, v, visit, c):
    """All calls at once."""
    visit.pending = 1
    for k in range(c.e0, c.e1):
        e = s.edges[k]
        count = int(e.mean_calls)
        if e.mean_calls > count and by_chance(s, k, e, e.mean_calls - count):
            count += 1
        if e.fallback_share > 0.0:
            e.degraded += float(count)
            count = 0
        for _ in range(count):
            visit.pending += 1
            begin_call(s, k, v, FOREVER_S)
    visit.pending -= 1
    if visit.pending == 0:
        leave(s, v, SUCCEEDED, False)


@compiled
def call_ended(s, c, ended):
    """A call is over: the request that made it goes on, fails, or was the client's own."""
    well = ended == SUCCEEDED
    call = s.calls[c]
    k = call.edge
    v = call.visit
    e = s.edges[k]
    if v < 0:
        client_done(s, k, call, ended)
        free_call(s, c)
        return
    alive = s.visits[v].serial == call.visit_serial
    free_call(s, c)
    if not alive:
        return
    visit = s.visits[v]
    owner = s.comps[visit.component]
    if not well and e.soft == 1:
        e.degraded += 1.0
    if owner.parallel == 1:
        if not well and e.soft == 0:
            visit.failed = 1
        visit.pending -= 1
        if visit.pending == 0:
            leave(s, v, ATTEMPT_UNAVAILABLE if visit.failed == 1 else SUCCEEDED, False)
        return
    if not well and e.soft == 0:
        leave(s, v, ATTEMPT_UNAVAILABLE, False)
        return
    if well and e.reissue_share > 0.0 and by_chance(s, k, e, e.reissue_share):
        begin_call(s, k, v, FOREVER_S)
        return
    call_next(s, v, visit, owner, k + 1)


@compiled
def on_answer(s, c, ended):
    """An answer that its call still waits for."""
    if answered(s, c, ended):
        call_ended(s, c, ended)


@compiled
def on_late(s, c):
    """A time-out."""
    if late(s, c):
        call_ended(s, c, ATTEMPT_TIMEOUT)
