"""A replica at work: the worker that a request holds, the core that it computes on.

A request waits for a worker, waits for a core, is served, calls others, answers, and gives its
worker back. Queue 3r is for workers of replica r, 3r + 1 for its cores, 3r + 2 holds those served.
Under processor sharing nobody waits for a core: all advance in a common virtual time, whose rate is
the cores over those present, at most 1; the list of the served is ordered by when each ends in it.
"""

import math

from hms.scenarios.engines.request.agenda import ANSWER, FINISH, SHARED, at_once, event, push
from hms.scenarios.engines.request.chance import service_time
from hms.scenarios.engines.request.pools import (
    CALLING,
    QUEUED,
    READY,
    SERVED,
    enqueue,
    free_visit,
    unqueue,
)
from hms.scenarios.engines.request.span_log import note_visit
from hms.scenarios.machine_code import compiled

FIFO = 0
LIFO = 1
PS = 2


@compiled
def count_present(c, now, change):
    """Requests present at a component change; the integral of their number goes on."""
    c.area += c.present * (now - c.area_s)
    c.area_s = now
    c.present += change


@compiled
def work_of(s, c, i, r):
    """A service time at a replica's full speed, in a congested pool."""
    world = s.world[0]
    n = c.drawn
    c.drawn = n + 1
    work_s = service_time(world.seed, i, n, c.service_s, c.cv2)
    if c.congestion > 0.0:
        share = min(1.0, (r.busy + 1.0) / r.servers)
        work_s *= 1.0 + c.congestion * share * share * share
    return work_s


@compiled
def to_core(s, v):
    """A request that holds a worker wants to be served."""
    visit = s.visits[v]
    ri = visit.replica
    r = s.replicas[ri]
    c = s.comps[visit.component]
    if c.discipline == PS:
        start_shared(s, c, r, ri, v)
    elif r.busy < r.servers:
        start(s, c, r, ri, v)
    else:
        visit.state = READY
        enqueue(s, 3 * ri + 1, v, c.discipline == FIFO)


@compiled
def start(s, c, r, ri, v):
    """Service begins on a core of its own."""
    world = s.world[0]
    visit = s.visits[v]
    visit.work_s = work_of(s, c, visit.component, r)
    visit.since_s = world.now
    visit.state = SERVED
    r.busy += 1
    enqueue(s, 3 * ri + 2, v, True)
    if r.rate > 0.0:
        push(s, world.now + visit.work_s / r.rate, event(FINISH, 0, v, visit.token))


@compiled
def release_core(s, c, r, ri, v):
    """Service has ended; who waits longest for a core begins."""
    unqueue(s, 3 * ri + 2, v)
    c.worked += 1
    if c.discipline == PS:
        pass_virtual(s, r)
        r.busy -= 1
        arm_shared(s, r, ri)
        return
    c.busy_s += s.world[0].now - s.visits[v].since_s
    r.busy -= 1
    fill_cores(s, c, r, ri)


@compiled
def is_expired(s, v):
    """Whether the deadline that came with a request has passed; it then leaves unserved."""
    visit = s.visits[v]
    now = s.world[0].now
    if now < visit.deadline_s:
        return False
    c = s.comps[visit.component]
    count_present(c, now, -1)
    c.residence += now - visit.came_s
    c.cancelled += 1
    s.replicas[visit.replica].present -= 1
    free_visit(s, v)
    return True


@compiled
def fill_cores(s, c, r, ri):
    """Whoever waits for a core begins while there are cores."""
    ready = 3 * ri + 1
    while r.busy < r.servers and s.queues[ready].n > 0:
        v = s.queues[ready].head
        unqueue(s, ready, v)
        if is_expired(s, v):
            r.working -= 1
        else:
            start(s, c, r, ri, v)


@compiled
def pass_virtual(s, r):
    """Bring a shared replica's virtual time up to now."""
    now = s.world[0].now
    if r.busy > 0 and r.rate > 0.0:
        passed_s = now - r.virtual_s
        r.virtual += passed_s * r.rate * min(1.0, r.servers / r.busy)
        s.comps[r.component].busy_s += passed_s * min(r.servers, r.busy)
    r.virtual_s = now


@compiled
def start_shared(s, c, r, ri, v):
    """Service begins on cores that all present share."""
    visit = s.visits[v]
    pass_virtual(s, r)
    visit.work_s = r.virtual + work_of(s, c, visit.component, r)
    visit.since_s = s.world[0].now
    visit.state = SERVED
    served = s.queues[3 * ri + 2]
    before = served.tail
    while before >= 0 and s.visits[before].work_s > visit.work_s:
        before = s.visits[before].before
    visit.before = before
    if before >= 0:
        visit.next = s.visits[before].next
        s.visits[before].next = v
    else:
        visit.next = served.head
        served.head = v
    if visit.next >= 0:
        s.visits[visit.next].before = v
    else:
        served.tail = v
    served.n += 1
    r.busy += 1
    arm_shared(s, r, ri)


@compiled
def arm_shared(s, r, ri):
    """When the first of those who share the cores will have ended."""
    pass_virtual(s, r)
    r.token += 1
    first = s.queues[3 * ri + 2].head
    if first < 0 or r.rate <= 0.0:
        return
    left = max(0.0, s.visits[first].work_s - r.virtual)
    wait_s = left / (r.rate * min(1.0, r.servers / r.busy))
    push(s, s.world[0].now + wait_s, event(SHARED, 0, ri, r.token))


@compiled
def set_rate(s, ri, rate):
    """A replica's speed changes: what is under way ends sooner or later, or stands still."""
    r = s.replicas[ri]
    old = r.rate
    if rate == old:
        return
    now = s.world[0].now
    if s.comps[r.component].discipline == PS:
        pass_virtual(s, r)
        r.rate = rate
        arm_shared(s, r, ri)
        return
    r.rate = rate
    v = s.queues[3 * ri + 2].head
    while v >= 0:
        visit = s.visits[v]
        visit.work_s = max(0.0, visit.work_s - (now - visit.since_s) * old)
        if old > 0.0:
            s.comps[r.component].busy_s += now - visit.since_s
        visit.since_s = now
        visit.token += 1
        if rate > 0.0:
            push(s, now + visit.work_s / rate, event(FINISH, 0, v, visit.token))
        v = visit.next


@compiled
def settle_cores(s, ri):
    """So many cores serve from now on; a part of one is a slower one."""
    r = s.replicas[ri]
    whole = max(1.0, math.ceil(r.cores - 1e-9))
    share = min(1.0, r.cores / whole)
    if whole == r.servers and share == r.servers_speed:
        return
    c = s.comps[r.component]
    if c.discipline == PS:
        pass_virtual(s, r)
    r.servers = int(whole)
    r.servers_speed = share
    if c.discipline == PS:
        arm_shared(s, r, ri)
    else:
        fill_cores(s, c, r, ri)


@compiled
def enter(s, v):
    """A request that was let in takes a worker or waits for one."""
    visit = s.visits[v]
    ri = visit.replica
    r = s.replicas[ri]
    c = s.comps[visit.component]
    now = s.world[0].now
    count_present(c, now, 1)
    visit.came_s = now
    if r.present == 0:
        r.answered_s = now
    r.present += 1
    if r.working < r.workers:
        r.working += 1
        to_core(s, v)
    else:
        visit.state = QUEUED
        enqueue(s, 3 * ri, v, c.discipline != LIFO)


@compiled
def fill_workers(s, c, r, ri):
    """Whoever waits for a worker gets one while there are any."""
    waiting = 3 * ri
    while r.working < r.workers and s.queues[waiting].n > 0:
        v = s.queues[waiting].head
        unqueue(s, waiting, v)
        if not is_expired(s, v):
            r.working += 1
            to_core(s, v)


@compiled
def give_up_visit(s, v):
    """What still queues leaves unserved: its caller no longer waits for it."""
    visit = s.visits[v]
    ri = visit.replica
    r = s.replicas[ri]
    c = s.comps[visit.component]
    now = s.world[0].now
    unqueue(s, 3 * ri if visit.state == QUEUED else 3 * ri + 1, v)
    holds = visit.state == READY
    count_present(c, now, -1)
    c.residence += now - visit.came_s
    c.cancelled += 1
    r.present -= 1
    free_visit(s, v)
    if holds:
        r.working -= 1
        fill_workers(s, c, r, ri)


@compiled
def tell_caller(s, visit, ended):
    """The answer goes back to whoever still waits for it."""
    if visit.call < 0:
        return
    call = s.calls[visit.call]
    if call.generation != visit.call_generation:
        return
    what = event(ANSWER, ended, visit.call, visit.call_generation)
    network_s = s.edges[call.edge].network_s
    if network_s > 0.0:
        push(s, s.world[0].now + network_s, what)
    else:
        at_once(s, what)


@compiled
def leave(s, v, ended, own):
    """A request is answered, well or not; its worker is free for the next."""
    visit = s.visits[v]
    ri = visit.replica
    r = s.replicas[ri]
    c = s.comps[visit.component]
    now = s.world[0].now
    stayed_s = now - visit.came_s
    count_present(c, now, -1)
    c.residence += stayed_s
    c.stayed_s += stayed_s
    if visit.state == CALLING:
        c.calls_time_s += now - visit.since_s
    r.present -= 1
    r.answered_s = now
    r.sum_answers += 1.0
    r.sum_residence += stayed_s
    if ended == 0:
        c.served += 1
        c.window_ok += 1.0
    else:
        c.failed += 1
        c.window_bad += 1.0
        r.sum_errors += 1.0
        if own:
            c.own_errors += 1
            r.sum_own_errors += 1.0
    tell_caller(s, visit, ended)
    note_visit(s, v, ended)
    free_visit(s, v)
    r.working -= 1
    if s.queues[3 * ri].n > 0:
        fill_workers(s, c, r, ri)
