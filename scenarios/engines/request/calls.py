"""A call from its first attempt to its end: admitted, sent, answered or not, made again.

A call is one slot for all its attempts and hedged copies. Its generation rises when an attempt
ends: answers to attempts that were given up find another generation and are dropped, although the
work for them was done. What becomes of the caller's request is in routes.py.
"""

from hms.agents.policy.kinds import (
    ATTEMPT_REFUSED,
    ATTEMPT_TIMEOUT,
    BUDGET_IN_FLIGHT,
    BUDGET_TOKENS,
    SUCCEEDED,
)
from hms.scenarios.draws import uniform
from hms.scenarios.engines.request.agenda import (
    ANSWER,
    HEDGE,
    LATE,
    REACH,
    RETRY,
    at_once,
    event,
    leave_list,
    push,
    wait_in_list,
)
from hms.scenarios.engines.request.balancers import choose
from hms.scenarios.engines.request.breakers import admit, note_result
from hms.scenarios.engines.request.chance import BACKOFF, LOST
from hms.scenarios.engines.request.pools import (
    HELD,
    ON_THE_WAY,
    QUEUED,
    READY,
    enqueue,
    free_visit,
    take_call,
    take_visit,
)
from hms.scenarios.engines.request.span_log import note_call
from hms.scenarios.engines.request.stations import enter, give_up_visit, tell_caller
from hms.scenarios.machine_code import compiled
from hms.scenarios.policy_jit import decisions

_D = decisions()
may_retry = _D["retry.may_retry"]
take = _D["retry.take"]
deposit = _D["retry.deposit"]
backoff_s = _D["retry.backoff_s"]
retries_left = _D["retry.retries_left"]

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
    return c


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
    due_s = world.now + e.timeout_s
    if call.deadline_s < due_s:
        push(s, call.deadline_s, event(LATE, 0, c, call.generation))
    elif due_s < world.end_s:
        wait_in_list(s, c, due_s)
    send(s, k, e, c, call)
    if e.hedges > 0:
        push(s, world.now + e.hedge_after_s, event(HEDGE, 1, c, call.generation))


@compiled
def send(s, k, e, c, call):
    """A copy of the attempt goes to a replica, or is lost, or held back by a cut."""
    world = s.world[0]
    call.live += 1
    lost = e.cut == 1 and e.loses == 1
    if e.loss > 0.0:
        lost = uniform(world.seed, k, e.drawn, LOST) < e.loss or lost
        e.drawn += 1
    if lost or e.cut == 1:
        e.lost += 1
    if lost:
        return
    ri = choose(s, k, e.callee)
    v = take_visit(s)
    visit = s.visits[v]
    visit.component = e.callee
    visit.replica = ri
    visit.call = c
    visit.call_generation = call.generation
    visit.edge = k
    call.to = v
    call.to_serial = visit.serial
    call.slot = s.replicas[ri].slot
    delay_s = e.network_s + e.added_s
    if e.cut == 1:
        visit.state = HELD
        enqueue(s, 3 * s.replicas.shape[0] + k, v, True)
    elif delay_s > 0.0:
        visit.state = ON_THE_WAY
        push(s, world.now + delay_s, event(REACH, 0, v, visit.token))
    else:
        reach(s, v, e)


@compiled
def reach(s, v, e):
    """A call reaches its replica: let in, or refused."""
    visit = s.visits[v]
    r = s.replicas[visit.replica]
    c = s.comps[visit.component]
    c.arrived += 1
    r.sum_arrivals += 1.0
    if r.up == 1 and r.present < r.room:
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
    e = s.edges[visit.edge]
    call = s.calls[visit.call]
    if call.generation != visit.call_generation and e.cancel == 1:
        free_visit(s, v)
        return
    reach(s, v, e)


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
def cancel_visit(s, call):
    """With cancel_on_timeout what still queues at the callee leaves."""
    v = call.to
    if v < 0 or s.visits[v].serial != call.to_serial:
        return
    state = s.visits[v].state
    if state in (QUEUED, READY):
        give_up_visit(s, v)


@compiled
def end_attempt(s, k, call, failed):
    """An attempt is over: policies count it, answers to it are stale from now on."""
    e = s.edges[k]
    leave_list(s, call)
    e.active -= 1
    if call.attempt > 1:
        e.again -= 1
    if e.agent == 1:
        note_result(s, k, call, failed)
    call.live = 0
    call.generation += 1


@compiled
def succeed(s, k, call):
    """The first good answer of a call."""
    e = s.edges[k]
    e.ok += 1
    e.ok_s += s.world[0].now - call.began_s
    caller = s.callers[k]
    if e.agent == 1 and caller.retry_p.budget_kind == BUDGET_TOKENS:
        deposit(caller.retry, caller.retry_p, 1.0)
    end_attempt(s, k, call, False)


@compiled
def fail_attempt(s, k, c, ended):
    """An attempt ended badly; whether the call goes on: its retry is due after a wait."""
    world = s.world[0]
    e = s.edges[k]
    call = s.calls[c]
    if ended == ATTEMPT_TIMEOUT:
        e.late += 1
        if e.cancel == 1:
            cancel_visit(s, call)
    elif ended == ATTEMPT_REFUSED:
        e.refused += 1
    else:
        e.bad += 1
    note_call(s, c, ended)
    end_attempt(s, k, call, True)
    if e.agent == 0 or call.attempt >= e.attempts:
        return False
    caller = s.callers[k]
    p = caller.retry_p
    if not may_retry(p, call.attempt, ended):
        return False
    u = uniform(world.seed, k, e.drawn, BACKOFF)
    e.drawn += 1
    wait_s = backoff_s(p, call.attempt, call.wait_s, u)
    if world.now + wait_s >= call.deadline_s:
        return False
    if p.budget_kind == BUDGET_IN_FLIGHT:
        if retries_left(caller.retry, p, float(e.active), float(e.again)) < 1.0:
            return False
    elif not take(caller.retry, p, world.now):
        return False
    e.again += 1
    call.attempt += 1
    call.wait_s = wait_s
    if wait_s > 0.0:
        push(s, world.now + wait_s, event(RETRY, 0, c, call.generation))
    else:
        at_once(s, event(RETRY, 0, c, call.generation))
    return True


@compiled
def answered(s, c, ended):
    """An answer came in time; whether the call is over with it."""
    call = s.calls[c]
    k = call.edge
    if ended == SUCCEEDED:
        note_call(s, c, ended)
        succeed(s, k, call)
        return True
    if ended == BLOCKED:
        if call.attempt > 1:
            s.edges[k].again -= 1
        call.generation += 1
        return True
    call.live -= 1
    return call.live <= 0 and not fail_attempt(s, k, c, ended)  # else a copy is still out


@compiled
def late(s, c):
    """The time-out of a call is due; whether the call is over with it."""
    return not fail_attempt(s, s.calls[c].edge, c, ATTEMPT_TIMEOUT)
