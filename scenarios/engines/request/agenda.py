"""What happens next: a heap of events by time, and a ring of what happens at once.

An event is one word: kind, how it ended, which slot, and the generation that the slot must still
have. A heap of four children a node holds one entry for each service under way; a call without
network delay never enters it, it goes through the ring. Time-outs of one duration become due in the
order in which they were set, so they wait in a list whose head alone stands in the heap.
"""

from hms.scenarios.machine_code import compiled

ARRIVAL = 0
FINISH = 1
REACH = 2
ANSWER = 3
RETRY = 4
HEDGE = 5
ALARM = 6
TICK = 7
LATE = 8
SHARED = 9

KIND_BITS = 4
ENDED_BITS = 8
INDEX_BITS = 32
INDEX_MASK = (1 << 24) - 1
GENERATION_MASK = (1 << 31) - 1


@compiled
def event(kind, ended, index, generation):
    """An event as one word."""
    word = kind | (ended << KIND_BITS) | (index << ENDED_BITS)
    return word | ((generation & GENERATION_MASK) << INDEX_BITS)


@compiled
def push(s, at_s, what):
    """Put an event into the heap; a full heap ends the run."""
    world = s.world[0]
    i = world.heap_n
    if i >= s.heap.shape[0]:
        world.stopped = 2
        return
    world.heap_n = i + 1
    while i > 0:
        up = (i - 1) >> 2
        above = s.heap[up].at_s
        if above <= at_s:
            break
        s.heap[i].at_s = above
        s.heap[i].what = s.heap[up].what
        i = up
    s.heap[i].at_s = at_s
    s.heap[i].what = what


@compiled
def pop(s):
    """Take the first event out of the heap; the caller has read it."""
    world = s.world[0]
    n = world.heap_n - 1
    world.heap_n = n
    at_s = s.heap[n].at_s
    what = s.heap[n].what
    i = 0
    while True:
        first = 4 * i + 1
        if first >= n:
            break
        least = first
        least_s = s.heap[first].at_s
        for k in range(first + 1, min(first + 4, n)):
            if s.heap[k].at_s < least_s:
                least = k
                least_s = s.heap[k].at_s
        if least_s >= at_s:
            break
        s.heap[i].at_s = least_s
        s.heap[i].what = s.heap[least].what
        i = least
    s.heap[i].at_s = at_s
    s.heap[i].what = what


@compiled
def at_once(s, what):
    """Do it now, after what is being done; where the ring is full, through the heap."""
    world = s.world[0]
    size = s.todo.shape[0]
    if world.todo_n >= size:
        push(s, world.now, what)
        return
    s.todo[(world.todo_head + world.todo_n) & (size - 1)] = what
    world.todo_n += 1


@compiled
def wait_in_list(s, c, due_s):
    """A call waits for its time-out at the end of its list; the first of a list sets an alarm."""
    call = s.calls[c]
    which = s.edges[call.edge].list
    line = s.lists[which]
    call.due_s = due_s
    call.in_list = 1
    call.next = -1
    call.before = line.tail
    if line.tail >= 0:
        s.calls[line.tail].next = c
    else:
        line.head = c
    line.tail = c
    if line.armed == 0:
        line.armed = 1
        push(s, due_s, event(ALARM, 0, which, 0))


@compiled
def leave_list(s, call):
    """The call is answered: it waits no longer."""
    if call.in_list == 0:
        return
    call.in_list = 0
    line = s.lists[s.edges[call.edge].list]
    if call.before >= 0:
        s.calls[call.before].next = call.next
    else:
        line.head = call.next
    if call.next >= 0:
        s.calls[call.next].before = call.before
    else:
        line.tail = call.before
