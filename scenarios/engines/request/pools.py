"""Slots for visits and calls: taken, given back, and known again by serial and generation."""

from hms.scenarios.machine_code import compiled

FREE = 0
ON_THE_WAY = 1
QUEUED = 2
READY = 3
SERVED = 4
CALLING = 5
HELD = 6

TOO_MANY_EVENTS = 1
TOO_MANY_PENDING = 2
TOO_MANY_REQUESTS = 3


@compiled
def take_visit(s):
    """A free visit; the last slot, and the end of the run, where there is none."""
    world = s.world[0]
    v = world.visits_free
    if v >= 0:
        world.visits_free = s.visits[v].next
        return v
    v = world.visits_made
    if v + 1 >= s.visits.shape[0]:
        world.stopped = TOO_MANY_REQUESTS
        return v
    world.visits_made = v + 1
    return v


@compiled
def free_visit(s, v):
    """Nobody needs it any more."""
    world = s.world[0]
    visit = s.visits[v]
    visit.state = FREE
    visit.serial += 1
    visit.token += 1
    visit.next = world.visits_free
    world.visits_free = v


@compiled
def take_call(s):
    """A free call; the last slot, and the end of the run, where there is none."""
    world = s.world[0]
    c = world.calls_free
    if c >= 0:
        world.calls_free = s.calls[c].next
        return c
    c = world.calls_made
    if c + 1 >= s.calls.shape[0]:
        world.stopped = TOO_MANY_REQUESTS
        return c
    world.calls_made = c + 1
    return c


@compiled
def free_call(s, c):
    """It is over; answers to it that are still to come find another generation."""
    world = s.world[0]
    call = s.calls[c]
    call.edge = -1
    call.generation += 1
    call.next = world.calls_free
    world.calls_free = c


@compiled
def enqueue(s, which, v, last):
    """Into a queue: at its end, or (last in, first out) at its head."""
    queue = s.queues[which]
    visit = s.visits[v]
    queue.n += 1
    if last:
        visit.next = -1
        visit.before = queue.tail
        if queue.tail >= 0:
            s.visits[queue.tail].next = v
        else:
            queue.head = v
        queue.tail = v
    else:
        visit.before = -1
        visit.next = queue.head
        if queue.head >= 0:
            s.visits[queue.head].before = v
        else:
            queue.tail = v
        queue.head = v


@compiled
def unqueue(s, which, v):
    """Out of a queue, wherever it stands."""
    queue = s.queues[which]
    visit = s.visits[v]
    queue.n -= 1
    if visit.before >= 0:
        s.visits[visit.before].next = visit.next
    else:
        queue.head = visit.next
    if visit.next >= 0:
        s.visits[visit.next].before = visit.before
    else:
        queue.tail = visit.before
