"""What becomes of a call: answered or not, counted, made again, given up.

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
from hms.scenarios.engines.request.agenda import RETRY, at_once, event, leave_list, push
from hms.scenarios.engines.request.breakers import note_result
from hms.scenarios.engines.request.caches import learn_miss
from hms.scenarios.engines.request.chance import BACKOFF
from hms.scenarios.engines.request.pools import QUEUED, READY
from hms.scenarios.engines.request.sending import BLOCKED
from hms.scenarios.engines.request.span_log import note_call
from hms.scenarios.engines.request.stations import give_up_visit
from hms.scenarios.machine_code import compiled
from hms.scenarios.policy_jit import decisions

_D = decisions()
may_retry = _D["retry.may_retry"]
take = _D["retry.take"]
deposit = _D["retry.deposit"]
backoff_s = _D["retry.backoff_s"]
retries_left = _D["retry.retries_left"]

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
    e.call_time_s += s.world[0].now - call.began_s
    if e.miss_calls > 0.0:
        learn_miss(s, e)
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
