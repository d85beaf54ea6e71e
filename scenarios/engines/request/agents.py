"""Agents once a control period: what each sees of its replicas, what it decides."""

from hms.agents.policy.kinds import NO_ACTION
from hms.scenarios.draws import ACTING, uniform
from hms.scenarios.engines.fluid.metrics import blur_metrics, delay_metrics
from hms.scenarios.engines.request.platform import waited_s
from hms.scenarios.event_log import (
    RULE_ACT,
    RULE_ESCALATED,
    RULE_ISSUE,
    RULE_UNDONE,
    log_event,
)
from hms.scenarios.machine_code import compiled
from hms.scenarios.policy_jit import decisions

step_component = decisions()["component.step_component"]

SLOTS = 4
UNBOUNDED = 1e8


@compiled
def clear(o):
    """Nothing seen of a group as yet."""
    o.replicas = 0.0
    o.up = False
    o.starting = False
    o.arrivals_rps = 0.0
    o.answered_rps = 0.0
    o.error_share = 0.0
    o.own_error_share = 0.0
    o.response_s = 0.0
    o.own_response_s = 0.0
    o.queue_share = 0.0
    o.refused_share = 0.0
    o.memory_share = 0.0
    o.silence_s = 0.0
    o.missing = False


@compiled
def see_replica(s, c, ri, o):
    """Add what one replica did in the last period to what is seen of its group."""
    r = s.replicas[ri]
    now = s.world[0].now
    o.replicas += 1.0
    o.up = o.up or r.up == 1
    o.starting = o.starting or (r.up == 0 and r.starts_tick >= 0)
    o.arrivals_rps += r.sum_arrivals
    o.answered_rps += r.sum_answers
    o.error_share += r.sum_errors
    o.own_error_share += r.sum_own_errors
    o.response_s += r.sum_residence
    o.refused_share += r.sum_refused
    if r.workers < UNBOUNDED:
        waiting = max(0.0, r.present - r.workers)
        share = waiting / max(1.0, r.k - r.workers)
        o.queue_share = max(o.queue_share, min(1.0, share))
    if c.memory_limit_mb > 0.0:
        o.memory_share = max(o.memory_share, r.memory_mb / c.memory_limit_mb)
    if r.up == 1 and r.present > 0:
        o.silence_s = max(o.silence_s, now - r.answered_s)
    served_s = r.sum_own_s / r.sum_served if r.sum_served > 0.0 else 0.0
    own_s = max(served_s, waited_s(s, ri))
    o.own_response_s = max(o.own_response_s, own_s)
    r.sum_arrivals = 0.0
    r.sum_answers = 0.0
    r.sum_errors = 0.0
    r.sum_own_errors = 0.0
    r.sum_refused = 0.0
    r.sum_residence = 0.0
    r.sum_own_s = 0.0
    r.sum_served = 0.0


@compiled
def shares_of(c, o, period_s):
    """Sums over a period to rates and shares."""
    arrived = o.arrivals_rps
    answered = o.answered_rps
    o.arrivals_rps = arrived / period_s
    o.answered_rps = answered / period_s
    if answered > 0.0:
        o.error_share /= answered
        o.own_error_share /= answered
        o.response_s /= answered
    else:
        o.response_s = o.silence_s
    o.refused_share = min(1.0, o.refused_share / max(arrived, 1e-12))
    o.response_s = max(o.response_s, c.service_s)
    if o.own_response_s <= 0.0:
        o.own_response_s = c.service_s
    o.starting = o.starting and not o.up


@compiled
def observe(s, i):
    """What the component's own agent sees of its groups over the last control period."""
    world = s.world[0]
    c = s.comps[i]
    for slot in range(SLOTS):
        clear(s.slot_observations[i * SLOTS + slot])
    for ri in range(c.r0, c.r1):
        r = s.replicas[ri]
        if r.there == 1 and r.leaving == 0:
            see_replica(s, c, ri, s.slot_observations[i * SLOTS + r.slot])
    for slot in range(SLOTS):
        o = s.slot_observations[i * SLOTS + slot]
        if o.replicas > 0.0:
            shares_of(c, o, world.control_every * world.dt)
    if c.late_periods > 0:
        delay_metrics(c, i, s.slot_observations, s.late, world.looks)
    if c.noisy == 1:
        blur_metrics(c, i, s.slot_observations, world.seed, world.tick)


@compiled
def decide(s, i):
    """One agent's look, judgement and act."""
    world = s.world[0]
    tick = world.tick
    agent = s.agents[i]
    d = agent.detection
    a = agent.act
    issues = (d.issue[0], d.issue[1], d.issue[2], d.issue[3])
    u = uniform(world.seed, i, tick, ACTING)
    step_component(
        d, agent.recovery, agent.guard, agent.detection_p, agent.guard_p, agent.recovery_p,
        s.slot_observations[i * SLOTS : i * SLOTS + SLOTS], a, world.now, u,
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


@compiled
def run_agents(s):
    """Every agent once: all look first, then all decide."""
    for i in range(s.comps.shape[0]):
        if s.comps[i].agent == 1:
            observe(s, i)
    s.world[0].looks += 1
    for i in range(s.comps.shape[0]):
        if s.comps[i].agent == 1:
            decide(s, i)
