"""Spans of what passes: a sample from which traces can be written.

A visit is noted when it is answered, a call when an attempt of it ends, into as many rows as the
run was given; without any, nothing is noted. Visits given up in a queue, calls refused by the
caller's own breaker and answers lost with a replica leave no span, as in a real system.
"""

from hms.scenarios.machine_code import compiled

VISITED = 2
CALLED = 3
"""Kinds, numbered as OTLP numbers spans of a server and of a client."""


@compiled
def note_visit(s, v, ended):
    """A request was answered at a replica."""
    world = s.world[0]
    n = world.spans_n
    if n < s.spans.shape[0]:
        visit = s.visits[v]
        row = s.spans[n]
        row.kind = VISITED
        row.own = v
        row.own_serial = visit.serial
        row.parent = visit.call
        row.parent_serial = visit.call_generation
        row.place = visit.component
        row.replica = visit.replica
        row.ended = ended
        row.start_s = visit.came_s
        row.end_s = world.now
        world.spans_n = n + 1


@compiled
def note_call(s, c, ended):
    """An attempt of a call has ended; to be noted before its generation rises."""
    world = s.world[0]
    n = world.spans_n
    if n < s.spans.shape[0]:
        call = s.calls[c]
        row = s.spans[n]
        row.kind = CALLED
        row.own = c
        row.own_serial = call.generation
        row.parent = call.visit
        row.parent_serial = call.visit_serial
        row.place = call.edge
        row.replica = call.attempt
        row.ended = ended
        row.start_s = call.began_s
        row.end_s = world.now
        world.spans_n = n + 1
