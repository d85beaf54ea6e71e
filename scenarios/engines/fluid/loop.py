"""One run, tick by tick: begin, decide, advance; and, where nothing changes, a jump.

`begin` brings faults, the platform and what agents see up to date; decisions come next, compiled
here or interpreted by real agents elsewhere; `advance` applies their grants and acts and lets the
world flow for a tick.
"""

from collections import namedtuple
from functools import cached_property

from hms.agents.policy.kinds import HALF_OPEN
from hms.scenarios.engines.fluid.acts import perform_all, settle_acts, split_one
from hms.scenarios.engines.fluid.caches import warm_caches
from hms.scenarios.engines.fluid.calm import jump_length
from hms.scenarios.engines.fluid.decisions import decide, skip
from hms.scenarios.engines.fluid.effects import leaks_mb_s
from hms.scenarios.engines.fluid.faults import begin_and_end, next_fault_change
from hms.scenarios.engines.fluid.measure import close_window, count_tick, take_window
from hms.scenarios.engines.fluid.metrics import blur_metrics, delay_metrics
from hms.scenarios.engines.fluid.platform import run_platform
from hms.scenarios.engines.fluid.roads import mend_stale
from hms.scenarios.engines.fluid.sampling import observe_edge, observe_replicas, observe_slots
from hms.scenarios.engines.fluid.shares import settle_shares
from hms.scenarios.engines.fluid.telemetry import note_tick, repeat_second
from hms.scenarios.engines.fluid.tick import step
from hms.scenarios.machine_code import compiled, door, words_of


class State(
    namedtuple(
        "State",
        "world comps units edges incoming rings tables faults rates callers agents"
        " slot_observations late_observations splits events windows component_windows edge_windows",
    )
):
    """All arrays of a run; `words` tells machine code where they are."""

    @cached_property
    def words(self):
        """Addresses and lengths; the arrays are never exchanged for others."""
        return words_of(self)


@door("i8(state)")
def begin(s):
    """Start a tick: what ends or begins now, what agents will see; 1 at a control period."""
    world = s.world[0]
    tick = world.computed + world.offset
    if world.resets > 0:
        for g in range(s.units.shape[0]):
            s.units[g].reset = 0
        world.resets = 0
    control = tick % world.control_every == 0
    changed = begin_faults(s, tick)
    run_platform(world, s.comps, s.units, s.edges, s.rings, tick, control, changed)
    if changed or world.resets > 0:
        world.disturbed = 1
    if control:
        settle_acts(s, tick)
    if world.by_replica == 1:
        count_replicas(s)
    if control:
        look(s, tick)
    return 1 if control else 0


@compiled
def count_replicas(s):
    """Callers that eject replicas know how many each group has."""
    for k in range(s.edges.shape[0]):
        e = s.edges[k]
        if e.scope_replica == 1:
            c = s.comps[e.callee]
            o = s.callers[k].outlier_observation
            for slot in range(e.slots):
                o.replicas[slot] = s.units[c.u0 + slot].n if slot < c.u1 - c.u0 else 0.0


@compiled
def look(s, tick):
    """What each agent sees of its replicas, late and with noise where its metrics are so."""
    world = s.world[0]
    period_s = world.control_every * world.dt
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        if c.agent == 1:
            observe_slots(c, i, s.units, s.slot_observations, period_s)
            if c.late_periods > 0:
                delay_metrics(c, i, s.slot_observations, s.late_observations, world.looks)
            if c.noisy == 1:
                blur_metrics(c, i, s.slot_observations, world.seed, tick)
    world.looks += 1


@compiled
def begin_faults(s, tick):
    """Faults that begin or end; groups split by them are told to the agents."""
    world = s.world[0]
    if next_fault_change(world, s.faults, tick) > tick:
        return mend_stale(world, s.edges, tick) > 0
    for i in range(s.comps.shape[0]):
        s.comps[i].units_before = s.comps[i].u1
    changed = begin_and_end(
        world, s.faults, s.comps, s.units, s.edges, s.incoming, s.rings, tick
    )
    if changed > 0:
        for i in range(s.comps.shape[0]):
            c = s.comps[i]
            for g in range(c.units_before, c.u1):
                row = s.splits[world.splits_n]
                row.component = i
                row.slot = s.units[g].split_from
                row.new = g - c.u0
                world.splits_n += 1
                world.several = 1
    return changed > 0


@compiled
def apply_grants(s, computed):
    """What the callers' decisions grant from now on."""
    if s.world[0].due_n == 0:
        return
    for k in range(s.edges.shape[0]):
        e = s.edges[k]
        if e.agent == 0 or e.due == 0:
            continue
        g = s.callers[k].grant
        if g.era != e.era:
            e.era = g.era
            e.era_tick = computed
            e.carry = 0.0
            s.world[0].disturbed = 1
        e.share = g.share
        e.permits = g.permits
        e.tokens = g.tokens
        e.started = 0.0
        e.half_open = 1 if g.phase == HALF_OPEN else 0
        e.wake_s = g.wake_s
        if e.scope_replica == 1:
            split = s.callers[k].outlier_grant.split
            if split >= 0:
                split_one(s, e.callee, split)


@compiled
def is_quiet(e, comps, units, next_s):
    """A healthy edge with nothing to tell: its successes may wait to be read."""
    if e.short == 0 or e.bad > 0.0 or e.scope_replica == 1 or e.spent > 0.0:
        return False
    if e.agent == 0:
        return True
    if e.half_open == 1 or e.wake_s <= next_s + 1e-9 or e.stale_ok > 0.0 or e.late > 0.0:
        return False
    if e.slow_counts == 0:
        return True
    u = units[comps[e.callee].u0]
    spare = e.slow_after_s - e.delay_s - u.age
    return spare > 0.0 and spare * spare > 144.0 * u.age_var


@compiled
def observe(s, tick, computed):
    """What callers saw of this tick, and which of them has something to decide in the next."""
    world = s.world[0]
    next_s = (tick + 1) * world.dt
    boundary = (tick + 1) % world.control_every == 0
    first = tick % world.control_every == 0
    due = 0
    for k in range(s.edges.shape[0]):
        e = s.edges[k]
        if not boundary and e.due == 0 and is_quiet(e, s.comps, s.units, next_s):
            e.carry += e.ok
            e.quiet += e.ok
            continue
        if e.agent == 0:
            e.stale_ok = 0.0
            e.stale_bad = 0.0
            e.spent = 0.0
            e.quiet = 0.0
            continue
        o = s.callers[k].observation
        fresh = e.due == 1
        steady = s.callers[k].steady
        observe_edge(
            e, s.comps, s.units, s.rings, o, steady, fresh, first, k, world.seed, tick
        )
        told = o.failed > 0.0 or o.slow > 0.0 or o.retries > 0.0
        waits = e.half_open == 1 or e.wake_s <= next_s + 1e-9
        if e.scope_replica == 1:
            r = s.callers[k].outlier_observation
            bad = observe_replicas(
                e, s.comps[e.callee], s.units, s.rings, r, fresh, k, world.seed, tick
            )
            told = told or bad
            waits = waits or s.callers[k].outlier_grant.wake_s <= next_s + 1e-9
        e.due = 1 if boundary or told or waits else 0
        due += e.due
    world.due_n = due


@door("void(state)")
def advance(s):
    """Finish a tick: grants and acts apply, the world flows, everything is counted."""
    world = s.world[0]
    computed = world.computed
    tick = computed + world.offset
    apply_grants(s, computed)
    if tick % world.control_every == 0 and perform_all(s, tick):
        world.disturbed = 1
        settle_acts(s, tick)
    if world.several == 1:
        settle_shares(
            s.comps, s.units, s.edges, s.incoming, s.rings, s.callers, computed, world.dt
        )
    second = min(tick // world.control_every, s.rates.shape[1] - 1)
    for i in range(s.rates.shape[0]):  # clients come first
        c = s.comps[i]
        if c.client == 1:
            u = s.units[c.u0]
            wanted = s.rates[c.rate_row, second] * world.load_factor
            if c.think_share > 0.0:  # a closed loop: the row holds users
                u.arrivals = max(0.0, wanted - u.waiting) * c.think_share
            else:
                u.arrivals = wanted * world.dt
    world.degraded |= step(
        s.comps, s.units, s.edges, s.rings, s.tables, computed, world.dt, world.dt_inv
    )
    if world.caches_cold == 1:
        warm_caches(s)
    count_tick(s)
    if world.record == 1:
        note_tick(s, tick // world.control_every)
    observe(s, tick, computed)
    world.computed += 1
    if (tick + 1) % world.control_every == 0:
        close_window(s, tick // world.control_every)


@door("i8(state)")
def ticks_to_jump(s):
    """After `advance`: how many ticks may be passed over before the next one."""
    world = s.world[0]
    clock = world.computed + world.offset
    ticks = 0
    if clock % world.control_every == 0 and clock < world.ticks:
        ticks = jump_length(s, clock)
    return ticks


@door("void(state, i8)")
def jump(s, ticks):
    """Pass over `ticks` in which nothing changes; the decisions' states are moved elsewhere."""
    world = s.world[0]
    clock = world.computed + world.offset
    for k in range(ticks // world.control_every):
        take_window(s, clock // world.control_every + k)
        if world.record == 1:
            repeat_second(s, clock // world.control_every + k)
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        world.added_replica += c.added_replicas * world.dt * ticks
        for g in range(c.u0, c.u1):
            u = s.units[g]
            if u.down_by_act == 1 and u.up == 0:
                world.out_of_service += u.n * world.dt * ticks
            if u.silent_s > 0.0:
                u.silent_s += ticks * world.dt
            if u.up == 1 and leaks_mb_s(u) > 0.0:
                u.memory_mb += leaks_mb_s(u) * world.dt * ticks
    for k in range(s.edges.shape[0]):
        e = s.edges[k]
        world.quality_loss += e.degraded_rate * e.n_inv * (1.0 - e.quality) * ticks
        e.due = 1 if e.agent == 1 else 0
    world.due_n = s.edges.shape[0]
    world.offset += ticks
    world.jumped += ticks
    world.calm_ticks = 0


@door("void(state)")
def run_to_end(s):
    """The whole run with compiled decisions."""
    world = s.world[0]
    while world.computed + world.offset < world.ticks:
        control = begin(s)
        decide(s, control, world.computed + world.offset)
        advance(s)
        ticks = ticks_to_jump(s)
        if ticks > 0:
            clock = world.computed + world.offset
            skip(s, clock, clock + ticks)
            jump(s, ticks)
