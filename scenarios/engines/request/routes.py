"""What a request does after its service: its calls, one after the other or side by side.

With a mean of n > 1 calls an answered call is followed by another with probability 1 - 1/n, with
n < 1 an edge is taken with probability n: as in docs/world.md. Side by side there are n calls, the
broken one by chance, and the request leaves when the last has ended.
"""

from hms.agents.policy.kinds import ATTEMPT_ERROR, ATTEMPT_TIMEOUT, ATTEMPT_UNAVAILABLE, SUCCEEDED
from hms.scenarios.draws import uniform
from hms.scenarios.engines.request.calls import answered, late
from hms.scenarios.engines.request.chance import CHAIN, REPEAT, WRONG
from hms.scenarios.engines.request.clients import user_answered
from hms.scenarios.engines.request.measure import client_done
from hms.scenarios.engines.request.messages import publish
from hms.scenarios.engines.request.pools import CALLING, free_call
from hms.scenarios.engines.request.sending import begin_call, happens, whole_calls
from hms.scenarios.engines.request.stations import leave, release_core
from hms.scenarios.machine_code import compiled


@compiled
def finish_service(s, v):
    """Its service has ended: an error of its own, or on to its calls."""
    visit = s.visits[v]
    ri = visit.replica
    r = s.replicas[ri]
    c = s.comps[visit.component]
    visit.token += 1
    release_core(s, c, r, ri, v)
    r.sum_own_s += s.world[0].now - visit.came_s
    r.sum_served += 1.0
    if r.own_error > 0.0:
        u = uniform(s.world[0].seed, visit.component, c.choices, WRONG)
        c.choices += 1
        if u < r.own_error:
            leave(s, v, ATTEMPT_ERROR, True)
            return
    if r.leak_mb_request > 0.0:
        r.memory_mb += r.leak_mb_request
    if c.p1 > c.p0:
        publish(s, c)
    if c.e1 == c.e0:
        leave(s, v, SUCCEEDED, False)
        return
    visit.state = CALLING
    visit.since_s = s.world[0].now
    visit.failed = 0
    if c.chains > 0:
        by_endpoint(s, v, visit, c)
    elif c.parallel == 1:
        call_side_by_side(s, v, visit, c)
    else:
        call_next(s, v, visit, c, c.e0)


@compiled
def by_endpoint(s, v, visit, c):
    """A request of a component with endpoints: one chain of calls, drawn by its weight."""
    u = uniform(s.world[0].seed, visit.component, c.choices, CHAIN)
    c.choices += 1
    left = u - c.idle_share
    if left < 0.0:
        leave(s, v, SUCCEEDED, False)
        return
    first = c.e0
    for k in range(c.e0, c.e1):
        if s.edges[k].chain_start == 1:
            first = k
            left -= s.edges[k].chain_weight
            if left < 0.0:
                break
    call_next(s, v, visit, c, first)


@compiled
def call_next(s, v, visit, c, first):
    """The next call in order, from edge `first` on; without one the request is answered."""
    k = first
    while k < c.e1:
        e = s.edges[k]
        if e.chain_start == 1 and k > first:
            break  # the next endpoint's
        taken = True
        if e.first_share < 1.0:
            taken = happens(s, k, e, e.first_share, REPEAT)
        if taken and e.fallback_share > 0.0:
            e.degraded += 1.0
            taken = False
        if taken:
            visit.edge = k
            begin_call(s, k, v, visit.deadline_s)
            return
        k += 1
    leave(s, v, SUCCEEDED, False)


@compiled
def call_side_by_side(s, v, visit, c):
    """All calls at once."""
    visit.pending = 1
    for k in range(c.e0, c.e1):
        e = s.edges[k]
        count = whole_calls(s, k, e, REPEAT)
        if e.fallback_share > 0.0:
            e.degraded += float(count)
            count = 0
        for _ in range(count):
            visit.pending += 1
            begin_call(s, k, v, visit.deadline_s)
    visit.pending -= 1
    if visit.pending == 0:
        leave(s, v, SUCCEEDED, False)


@compiled
def call_ended(s, c, ended):
    """A call is over: the request that made it goes on, fails, or was the client's own."""
    well = ended == SUCCEEDED
    if not well:
        s.edges[s.calls[c].edge].given_up += 1
    call = s.calls[c]
    k = call.edge
    v = call.visit
    e = s.edges[k]
    if v < 0:
        client_done(s, k, call, ended)
        user_answered(s, e.caller)
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
    if well and e.reissue_share > 0.0 and happens(s, k, e, e.reissue_share, REPEAT):
        begin_call(s, k, v, visit.deadline_s)
        return
    if k + 1 < owner.e1 and s.edges[k + 1].chain_start == 1:
        leave(s, v, SUCCEEDED, False)
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
