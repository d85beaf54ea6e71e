"""A call leaves: past the breaker, its time-out set, over the network, let in or refused."""

import math

from hms.agents.policy.kinds import ATTEMPT_REFUSED
from hms.scenarios.draws import uniform
from hms.scenarios.engines.request.agenda import (
    ANSWER,
    HEDGE,
    LATE,
    REACH,
    at_once,
    event,
    push,
    wait_in_list,
)
from hms.scenarios.engines.request.balancers import choose
from hms.scenarios.engines.request.breakers import admit
from hms.scenarios.engines.request.chance import DELAY, LOST, REFUSED, SEVERED, gamma
from hms.scenarios.engines.request.pools import (
    HELD,
    ON_THE_WAY,
    enqueue,
    free_visit,
    take_call,
    take_visit,
)
from hms.scenarios.engines.request.stations import enter, tell_caller
from hms.scenarios.machine_code import compiled

FOREVER_S = 1e18
BLOCKED = 6
"""How an attempt ended that its own breaker refused: finally, and counted by no window."""


@compiled
def begin_call(s, k, v, deadline_s):
    """A request (or, v < 0, a client) makes a call on edge k."""
    world = s.world[0]
    e = s.edges[k]
    c = take_call(s)
    call = s.calls[c]
    call.edge = k
    call.visit = v
    call.visit_serial = s.visits[v].serial if v >= 0 else 0
    call.attempt = 1
    call.in_list = 0
    call.first_s = world.now
    call.wait_s = 0.0
    call.deadline_s = deadline_s
    if e.total_s > 0.0:
        call.deadline_s = min(deadline_s, world.now + e.total_s)
    e.first += 1
    attempt(s, k, c)


@compiled
def attempt(s, k, c):
    """One attempt: past the breaker, its time-out set, on its way to a replica."""
    world = s.world[0]
    e = s.edges[k]
    call = s.calls[c]
    call.live = 0
    call.slot = -1
    call.to = -1
    if e.breaker == 1 and not admit(s, k, call):
        e.blocked += 1
        at_once(s, event(ANSWER, BLOCKED, c, call.generation))
        return
    e.made += 1
    e.active += 1
    call.began_s = world.now
    call.due_s = min(world.now + e.timeout_s, call.deadline_s)
    if call.deadline_s == call.due_s:
        push(s, call.due_s, event(LATE, 0, c, call.generation))
    elif call.due_s < world.end_s:
        wait_in_list(s, c, call.due_s)
    send(s, k, e, c, call)
    if e.hedges > 0:
        push(s, world.now + e.hedge_after_s, event(HEDGE, 1, c, call.generation))


@compiled
def happens(s, k, e, share, stream):
    """Whether something of this probability happens to a call on edge k."""
    e.drawn += 1
    return uniform(s.world[0].seed, k, e.drawn, stream) < share


@compiled
def is_lost(s, k, e):
    """Whether a call never arrives: lost, or on an edge that is cut and loses."""
    lost = e.cut == 1 and e.loses == 1
    if e.loss > 0.0 and happens(s, k, e, e.loss, LOST):
        lost = True
    if lost or e.cut == 1:  # what a cut holds back, nobody has seen as yet
        e.lost += 1
    return lost


@compiled
def way_s(s, k, e):
    """How long a call is on its way: the network, and what a fault adds, with its variation."""
    added_s = e.added_s
    if e.jitter_var > 0.0 and added_s > 0.0:
        e.drawn += 1
        cv2 = e.jitter_var / (added_s * added_s)
        added_s *= gamma(s.world[0].seed, k, e.drawn, DELAY, cv2)
    return e.network_s + added_s


@compiled
def send(s, k, e, c, call):
    """A copy of the attempt goes to a replica, or is lost, or held back by a cut."""
    call.live += 1
    if e.troubled == 1:
        if e.severed > 0.0 and happens(s, k, e, e.severed, SEVERED):
            at_once(s, event(ANSWER, ATTEMPT_REFUSED, c, call.generation))
            return
        if is_lost(s, k, e):
            return
    v = take_visit(s)
    visit = s.visits[v]
    visit.call = c
    visit.call_generation = call.generation
    call.to = v
    call.to_serial = visit.serial
    visit.deadline_s = call.due_s if e.passes == 1 else FOREVER_S
    call.slot = dispatch(s, k, e, v, choose(s, k, e.callee))


@compiled
def dispatch(s, k, e, v, ri):
    """A visit is on its way to a replica. Returns the replica's group."""
    world = s.world[0]
    visit = s.visits[v]
    visit.component = e.callee
    visit.replica = ri
    visit.edge = k
    slot = s.replicas[ri].slot
    delay_s = way_s(s, k, e)
    if e.cut == 1:
        visit.state = HELD
        enqueue(s, 3 * s.replicas.shape[0] + k, v, True)
    elif delay_s > 0.0:
        visit.state = ON_THE_WAY
        push(s, world.now + delay_s, event(REACH, 0, v, visit.token))
    else:
        reach(s, v)
    return slot


@compiled
def is_let_in(s, ri):
    """Whether a replica takes one more request."""
    r = s.replicas[ri]
    if r.up == 0 or r.present >= r.k:
        return False
    if r.refuse_share > 0.0:
        c = s.comps[r.component]
        c.choices += 1
        return uniform(s.world[0].seed, r.component, c.choices, REFUSED) >= r.refuse_share
    return True


@compiled
def reach(s, v):
    """A call reaches its replica: let in, or refused."""
    visit = s.visits[v]
    r = s.replicas[visit.replica]
    c = s.comps[visit.component]
    c.arrived += 1
    r.sum_arrivals += 1.0
    if is_let_in(s, visit.replica):
        enter(s, v)
        return
    c.refused += 1
    c.window_bad += 1.0
    r.sum_refused += 1.0
    tell_caller(s, visit, ATTEMPT_REFUSED)
    free_visit(s, v)


@compiled
def arrive_after_delay(s, v):
    """A call that was on its way is there; one that nobody waits for any more may be dropped."""
    visit = s.visits[v]
    cancels = visit.call >= 0 and s.edges[visit.edge].cancel == 1
    if cancels and s.calls[visit.call].generation != visit.call_generation:
        free_visit(s, v)
        return
    reach(s, v)


@compiled
def hold_ended(s, k):
    """A cut that queued ends: what it held back arrives."""
    held = s.queues[3 * s.replicas.shape[0] + k]
    while held.n > 0:
        v = held.head
        held.head = s.visits[v].next
        held.n -= 1
        if held.head < 0:
            held.tail = -1
        s.visits[v].state = ON_THE_WAY
        push(s, s.world[0].now + s.edges[k].network_s, event(REACH, 0, v, s.visits[v].token))


@compiled
def hedge(s, c, number):
    """No answer yet: one more copy goes out; the first answer counts."""
    call = s.calls[c]
    k = call.edge
    e = s.edges[k]
    e.hedged += 1
    send(s, k, e, c, call)
    if number < e.hedges:
        push(s, s.world[0].now + e.hedge_after_s, event(HEDGE, number + 1, c, call.generation))


@compiled
def whole_calls(s, k, e, stream):
    """How many calls a request makes at once: the mean, its broken part by chance."""
    count = math.floor(e.calls)
    if e.calls > count and happens(s, k, e, e.calls - count, stream):
        count += 1
    return count
