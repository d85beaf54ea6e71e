"""May this call pass, and what follows from how it ended? The policy's own functions, call by call.

Here every call is a whole one, so `agents.policy.breaker` is asked as the runtime asks it: at each
call and at each result, not once a tick. Ejection counts by groups of replicas, as everywhere.
"""

from hms.agents.policy.kinds import HALF_OPEN, OPEN, PASS_AS_PROBE, REFUSED
from hms.scenarios.draws import EJECTION, JITTER, uniform
from hms.scenarios.engines.request.groups import part_from, size_of, worst_of
from hms.scenarios.event_log import RULE_EJECTED, RULE_PHASE, log_event
from hms.scenarios.machine_code import compiled
from hms.scenarios.policy_jit import decisions

_D = decisions()
may_pass = _D["breaker.may_pass"]
record = _D["breaker.record"]
record_probe = _D["breaker.record_probe"]
is_slow = _D["breaker.is_slow"]
lease_end_s = _D["dependency.lease_end_s"]
step_outlier = _D["outlier.step_outlier"]

SLOTS = 4


@compiled
def note_phase(s, k, phase):
    """Write a change of phase down; the next opening gets a number of its own."""
    caller = s.callers[k]
    b = caller.breaker
    if b.phase == phase:
        return
    world = s.world[0]
    e = s.edges[k]
    e.opening_u = uniform(world.seed, k, b.era, JITTER)
    if b.phase == OPEN:
        e.opened += 1
    log_event(s, int(world.now * world.dt_inv), k, RULE_PHASE, float(phase), float(b.phase))


@compiled
def admit(s, k, call):
    """Whether the breaker of an edge lets a call pass; it then belongs to the breaker's era."""
    e = s.edges[k]
    caller = s.callers[k]
    b = caller.breaker
    phase = b.phase
    answer = may_pass(b, caller.breaker_p, e.slots, s.world[0].now, 0.0, e.opening_u)
    note_phase(s, k, phase)
    call.era = b.era
    call.probe = 1 if answer == PASS_AS_PROBE else 0
    return answer != REFUSED


@compiled
def note_result(s, k, call, failed):
    """A call has ended: what its breaker and, by replica, the caller's ejection make of it."""
    e = s.edges[k]
    caller = s.callers[k]
    now = s.world[0].now
    if e.breaker == 1:
        b = caller.breaker
        if call.era == b.era:
            p = caller.breaker_p
            phase = b.phase
            slow = is_slow(p, now - call.began_s)
            if call.probe == 1:
                record_probe(b, p, e.slots, now, failed, slow, e.opening_u)
            else:
                record(
                    b, p, e.slots, now, 1.0, 1.0 if failed else 0.0, 1.0 if slow else 0.0,
                    e.opening_u,
                )
            note_phase(s, k, phase)
    if e.scope_replica == 1 and call.slot >= 0:
        note_replica(s, k, call.slot, failed)


@compiled
def note_replica(s, k, slot, failed):
    """Count a result of one group of replicas; a failure is judged at once."""
    o = s.callers[k].outlier_observation
    if not failed:
        o.calls[slot] += 1.0
        return
    if o.calls[slot] > 0.0:
        judge_replicas(s, k)
    o.calls[slot] += 1.0
    o.failed[slot] += 1.0
    judge_replicas(s, k)


@compiled
def ejected_mask(g):
    """Which slots are out, as bits."""
    mask = 0
    for slot in range(SLOTS):
        if g.share[slot] <= 0.0:
            mask += 1 << slot
    return mask


@compiled
def judge_replicas(s, k):
    """Eject, let return: the policy's step over what was counted since the last one."""
    world = s.world[0]
    caller = s.callers[k]
    o = caller.outlier_observation
    g = caller.outlier_grant
    c = s.comps[s.edges[k].callee]
    before = ejected_mask(g)
    tick = int(world.now * world.dt_inv)
    u = uniform(world.seed, k, s.edges[k].made, EJECTION)
    for _ in range(2):  # what has to be split off first is ejected by the second look
        for slot in range(SLOTS):
            o.replicas[slot] = float(size_of(s, c, slot))
        step_outlier(caller.outlier, caller.breaker_p, o, g, world.now, 0.0, u)
        for slot in range(SLOTS):
            o.calls[slot] = 0.0
            o.failed[slot] = 0.0
        if g.split < 0:
            break
        part_from(s, s.edges[k].callee, worst_of(s, s.edges[k].callee, g.split), 1)
    after = ejected_mask(g)
    if before != after:
        log_event(s, tick, k, RULE_EJECTED, float(before), float(after))


@compiled
def look_at_leases(s, k):
    """Probes that never came back are lost when their lease ends."""
    caller = s.callers[k]
    b = caller.breaker
    p = caller.breaker_p
    now = s.world[0].now
    if b.phase != HALF_OPEN or now < lease_end_s(b, p):
        return
    for _ in range(int(b.admitted - b.done + 0.5)):
        if b.phase == HALF_OPEN:
            phase = b.phase
            record_probe(b, p, s.edges[k].slots, now, True, False, s.edges[k].opening_u)
            note_phase(s, k, phase)
