"""One run, event by event, until the horizon or until a budget is spent."""

from collections import namedtuple
from functools import cached_property

from hms.scenarios.engines.request.acts import perform_all, settle_acts
from hms.scenarios.engines.request.agenda import (
    ALARM,
    ANSWER,
    ARRIVAL,
    ENDED_BITS,
    FINISH,
    GENERATION_MASK,
    HEDGE,
    INDEX_BITS,
    INDEX_MASK,
    KIND_BITS,
    LATE,
    REACH,
    RETRY,
    SHARED,
    TICK,
    event,
    pop,
    push,
)
from hms.scenarios.engines.request.agents import run_agents
from hms.scenarios.engines.request.breakers import judge_replicas, look_at_leases
from hms.scenarios.engines.request.clients import arrive_from, draw_arrival, settle_rates
from hms.scenarios.engines.request.faults import begin_and_end
from hms.scenarios.engines.request.measure import close_run, close_second
from hms.scenarios.engines.request.messages import try_kept
from hms.scenarios.engines.request.platform import run_platform, settle_replica
from hms.scenarios.engines.request.pools import TOO_MANY_EVENTS
from hms.scenarios.engines.request.routes import finish_service, on_answer, on_late
from hms.scenarios.engines.request.sending import arrive_after_delay, attempt, begin_call, hedge
from hms.scenarios.machine_code import REQUEST, compiled, door, words_of

ENDED_MASK = (1 << KIND_BITS) - 1
FOREVER_S = 1e18


class State(
    namedtuple(
        "State",
        "world comps replicas queues edges incoming callers agents slot_observations visits calls"
        " heap todo lists faults rates events windows component_windows edge_windows late"
        " sketches taken spans",
    )
):
    """All arrays of a run; `words` tells machine code where they are."""

    @cached_property
    def words(self):
        """Addresses and lengths; the arrays are never exchanged for others."""
        return words_of(self)


@compiled
def tick(s):
    """What comes every tick: faults, the platform; once a control period agents and their acts."""
    world = s.world[0]
    control = world.tick % world.control_every == 0
    if control:
        close_second(s, world.tick // world.control_every - 1)
    begin_and_end(s)
    run_platform(s, control)
    if control:
        settle_acts(s)
        for k in range(s.edges.shape[0]):
            if s.edges[k].scope_replica == 1:
                judge_replicas(s, k)
            elif s.edges[k].breaker == 1:
                look_at_leases(s, k)
        run_agents(s)
        perform_all(s)
        settle_acts(s)
        try_kept(s)
    settle_rates(s)
    world.tick += 1
    push(s, world.tick * world.dt, event(TICK, 0, 0, 0))


@compiled
def alarm(s, which):
    """The first time-out of a list is due, or was when the alarm was set."""
    world = s.world[0]
    line = s.lists[which]
    line.armed = 0
    while line.head >= 0 and s.calls[line.head].due_s <= world.now:
        on_late(s, line.head)
    if line.head >= 0 and line.armed == 0:
        line.armed = 1
        push(s, s.calls[line.head].due_s, event(ALARM, 0, which, 0))


@compiled
def happen(s, what):
    """One event; those whose slot has moved on are dropped."""
    kind = what & ENDED_MASK
    ended = (what >> KIND_BITS) & ENDED_MASK
    index = (what >> ENDED_BITS) & INDEX_MASK
    generation = what >> INDEX_BITS
    if kind == FINISH:
        if s.visits[index].token & GENERATION_MASK == generation:
            finish_service(s, index)
    elif kind == ANSWER:
        if s.calls[index].generation & GENERATION_MASK == generation:
            on_answer(s, index, ended)
    elif kind == ARRIVAL:
        if s.comps[index].generation & GENERATION_MASK == generation:
            begin_call(s, arrive_from(s, index), -1, FOREVER_S)
            draw_arrival(s, index)
    elif kind == REACH:
        arrive_after_delay(s, index)
    elif kind == ALARM:
        alarm(s, index)
    elif kind == RETRY:
        if s.calls[index].generation & GENERATION_MASK == generation:
            attempt(s, s.calls[index].edge, index)
    elif kind == LATE:
        if s.calls[index].generation & GENERATION_MASK == generation:
            on_late(s, index)
    elif kind == HEDGE:
        if s.calls[index].generation & GENERATION_MASK == generation:
            hedge(s, index, ended)
    elif kind == SHARED:
        if s.replicas[index].token & GENERATION_MASK == generation:
            finish_service(s, s.queues[3 * index + 2].head)
    elif kind == TICK:
        tick(s)


@compiled
def begin(s):
    """Replicas as their policy admits, and the first tick."""
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        for ri in range(c.r0, c.r1):
            settle_replica(s, ri)
        if c.client == 1:
            c.rate_rps = 0.0
            draw_arrival(s, i)
    push(s, 0.0, event(TICK, 0, 0, 0))


@door("void(state)", engine=REQUEST)
def run_requests(s):
    """The whole run."""
    world = s.world[0]
    begin(s)
    size = s.todo.shape[0] - 1
    while world.stopped == 0:
        at_s = s.heap[0].at_s
        if at_s >= world.end_s:
            break
        what = s.heap[0].what
        pop(s)
        world.now = at_s
        happen(s, what)
        while world.todo_n > 0:
            what = s.todo[world.todo_head]
            world.todo_head = (world.todo_head + 1) & size
            world.todo_n -= 1
            happen(s, what)
        world.events += 1
        if world.events >= world.budget:
            world.stopped = TOO_MANY_EVENTS
    if world.stopped == 0:
        world.now = world.end_s
    close_second(s, int(world.now) - 1)
    close_run(s, world.now)
