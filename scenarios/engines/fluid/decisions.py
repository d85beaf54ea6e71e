"""The agents' decisions, compiled, between ticks: the very functions of agents.policy.

Each edge hands over what it saw when there is something to decide (a failure, a slow call, a retry,
a phase other than closed) and once a control period; successes in between are folded into one
amount. The `actors` engine does the same with the real runtime and must log the same events.
"""

from hms.agents.policy.kinds import CLOSED, NO_ACTION, SCOPE_REPLICA
from hms.scenarios.draws import ACTING, EJECTION, JITTER, uniform
from hms.scenarios.event_log import (
    RULE_ACT,
    RULE_EJECTED,
    RULE_ESCALATED,
    RULE_ISSUE,
    RULE_PHASE,
    RULE_UNDONE,
    log_event,
)
from hms.scenarios.machine_code import compiled, door
from hms.scenarios.policy_jit import decisions

_D = decisions()
step_dependency = _D["dependency.step_dependency"]
skip_dependency = _D["dependency.skip_dependency"]
step_outlier = _D["outlier.step_outlier"]
split_outlier = _D["outlier.split_outlier"]
step_component = _D["component.step_component"]
copy_slot = _D["detection.copy_slot"]

SLOTS = 4
NEGLIGIBLE = 1e-6
FAR = 0.1


@compiled
def learn_splits(s):
    """A group of replicas was split: what was known of it is known of both parts."""
    world = s.world[0]
    for k in range(world.splits_n):
        row = s.splits[k]
        copy_slot(s.agents[row.component].detection, row.slot, row.new)
        c = s.comps[row.component]
        for q in range(c.i0, c.i1):
            split_outlier(s.callers[s.incoming[q]].outlier, row.slot, row.new)
    world.splits_n = 0


@compiled
def ejected_mask(g):
    """Which slots are out, as bits."""
    mask = 0
    for slot in range(SLOTS):
        if g.share[slot] <= 0.0:
            mask += 1 << slot
    return mask


@compiled
def decide_edge(s, k, now_s, tick):
    """One caller's decisions on one edge."""
    world = s.world[0]
    caller = s.callers[k]
    g = caller.grant
    o = caller.observation
    phase = g.phase
    u = uniform(world.seed, k, tick, JITTER)
    step_dependency(
        caller.breaker, caller.retry, caller.breaker_p, caller.retry_p, o, g, now_s, world.dt, u
    )
    if g.phase != phase:
        log_event(s, tick, k, RULE_PHASE, float(phase), float(g.phase))
    if caller.breaker_p.scope == SCOPE_REPLICA:
        out = caller.outlier_grant
        before = ejected_mask(out)
        u = uniform(world.seed, k, tick, EJECTION)
        step_outlier(
            caller.outlier, caller.breaker_p, caller.outlier_observation, out, now_s, world.dt, u
        )
        after = ejected_mask(out)
        if before != after:
            log_event(s, tick, k, RULE_EJECTED, float(before), float(after))


@compiled
def decide_component(s, i, now_s, tick):
    """One agent's look, judgement and act."""
    world = s.world[0]
    agent = s.agents[i]
    d = agent.detection
    a = agent.act
    issues = (d.issue[0], d.issue[1], d.issue[2], d.issue[3])
    u = uniform(world.seed, i, tick, ACTING)
    step_component(
        d, agent.recovery, agent.guard, agent.detection_p, agent.guard_p, agent.recovery_p,
        s.slot_observations[i * SLOTS : i * SLOTS + SLOTS], a, now_s, u,
    )
    for slot in range(SLOTS):
        if d.issue[slot] != issues[slot]:
            log_event(s, tick, i * SLOTS + slot, RULE_ISSUE, issues[slot], d.issue[slot])
    if a.undo:
        log_event(s, tick, i, RULE_UNDONE, float(a.undo_issue), float(a.undo_step))
    if a.escalate:
        log_event(s, tick, i, RULE_ESCALATED, 0.0, float(a.escalate_issue))
    if a.kind != NO_ACTION:
        log_event(s, tick, i * SLOTS + a.slot, RULE_ACT, float(a.issue), float(a.kind))


@door("void(state, i8, i8)")
def decide(s, control, tick):
    """All decisions of a tick: edges that have something to say, then, once a period, agents."""
    world = s.world[0]
    now_s = tick * world.dt
    learn_splits(s)
    if world.due_n > 0:
        for k in range(s.edges.shape[0]):
            e = s.edges[k]
            if e.agent == 1 and e.due == 1:
                decide_edge(s, k, now_s, tick)
    if control:
        for i in range(s.comps.shape[0]):
            if s.comps[i].agent == 1:
                decide_component(s, i, now_s, tick)


@door("void(state, i8, i8)")
def skip(s, before_tick, after_tick):
    """The decisions' own states over a jump through a steady flow."""
    world = s.world[0]
    for k in range(s.edges.shape[0]):
        e = s.edges[k]
        if e.agent == 1:
            caller = s.callers[k]
            skip_dependency(
                caller.breaker, caller.retry, caller.breaker_p, caller.retry_p, caller.steady,
                before_tick * world.dt, after_tick * world.dt, world.dt,
            )


@compiled
def wake_tick(s, tick):
    """The tick of the clock at which a decision next changes by itself."""
    world = s.world[0]
    wake_s = 1e18
    for k in range(s.edges.shape[0]):
        if s.edges[k].agent == 1:
            wake_s = min(wake_s, s.callers[k].grant.wake_s)
            if s.callers[k].breaker_p.scope == SCOPE_REPLICA:
                wake_s = min(wake_s, s.callers[k].outlier_grant.wake_s)
    for i in range(s.comps.shape[0]):
        if s.comps[i].agent == 1:
            wake_s = min(wake_s, s.agents[i].act.wake_s)
    if wake_s >= world.ticks * world.dt:
        return world.ticks
    return int(wake_s * world.dt_inv - 1e-6)


@compiled
def may_open(s, k):
    """Whether a closed breaker's failures are near enough to a rule that a jump might hide it."""
    o = s.callers[k].steady
    p = s.callers[k].breaker_p
    if not p.enabled or s.callers[k].grant.phase != CLOSED or o.calls <= 0.0:
        return False
    failed = o.failed / o.calls
    if failed <= NEGLIGIBLE and o.slow <= NEGLIGIBLE * o.calls:
        return False
    if failed > FAR * p.failure_rate or o.slow > FAR * p.slow_call_rate * o.calls:
        return True
    power = o.calls * s.world[0].ticks
    for _ in range(p.consecutive_failures):
        power *= failed
        if power < NEGLIGIBLE:
            return False
    return p.consecutive_failures > 0
