"""One tick of mean flows, every component, callers before callees. docs/world.md, (a) to (d)."""

from hms.scenarios.engines.fluid.answers import old_calls
from hms.scenarios.engines.fluid.calls import new_calls
from hms.scenarios.engines.fluid.endpoints import answers_by_endpoint, calls_by_endpoint
from hms.scenarios.engines.fluid.messages import publish_on
from hms.scenarios.engines.fluid.published import (
    publish_age,
    time_by_endpoint,
    time_on_callees,
)
from hms.scenarios.engines.fluid.stations import work
from hms.scenarios.machine_code import compiled

TRICKLE = 2e-3


@compiled
def answers_in_order(c, comps, units, edges, rings, tick, dt, dt_inv):
    """(a) of a component whose calls follow one another: (leave well, fail, stays out, pass on)."""
    failed = 0.0
    stays = 0.0
    for k in range(c.e0, c.e1):
        e = edges[k]
        ok, final = old_calls(e, comps, units, rings, tick, dt, dt_inv, c.parallel == 1)
        if e.soft == 1:
            e.left_ok = ok + final
        else:
            e.left_ok = ok
            failed += final
        stays += e.kappa
    passing = 0.0  # answered by one callee, and through the later, fast ones within this tick
    later = 0.0
    for k in range(c.e1 - 1, c.e0, -1):
        later += edges[k].kappa
        if later >= 1.0:
            break
        passing += edges[k - 1].left_ok * (1.0 - later)
    return edges[c.e1 - 1].left_ok, failed, stays, passing


@compiled
def answers_side_by_side(c, comps, units, edges, rings, tick, dt, dt_inv):
    """(a) of a component that calls in parallel: requests leave when the last call has resolved."""
    front = 1e300
    stays = 0.0
    for k in range(c.e0, c.e1):
        e = edges[k]
        ok, final = old_calls(e, comps, units, rings, tick, dt, dt_inv, c.parallel == 1)
        e.resolved += ok + final
        e.left_ok = ok
        e.left_bad = final
        front = min(front, e.resolved)
        stays = max(stays, e.kappa * e.n_inv)
    passing = max(0.0, min(front, c.entered) - c.left_front) * dt / (dt + c.lag)
    return 0.0, 0.0, stays, passing


@compiled
def stations_of(c, units, tables, answered, passing, stays, dt, dt_inv):
    """(b) of a component: its units work; returns (moved on to calls, own errors, refused)."""
    waiting = 0.0
    for g in range(c.u0, c.u1):
        waiting += units[g].waiting
    answered = min(waiting, answered)
    gone = min(waiting, answered + passing)
    moved = 0.0
    wrong = 0.0
    rejected = 0.0
    c.arrivals = 0.0
    for g in range(c.u0, c.u1):
        u = units[g]
        part = u.waiting / waiting if waiting > 0.0 else 0.0
        u.passed = part * answered
        held = max(0.0, u.waiting - part * gone)
        u.waiting = max(0.0, u.waiting - u.passed)
        arrivals = u.arrivals
        u.arrivals = 0.0
        c.arrivals += arrivals
        u.sum_arrivals += arrivals
        if c.client == 1:
            u.waiting += arrivals
            u.admitted += arrivals
            moved += arrivals
            u.throughput = arrivals * dt_inv
        elif u.up == 0:
            rejected += arrivals
            u.refused = 1.0
            u.throughput = 0.0
            u.sum_refused += arrivals
        else:
            on_callees = max(0.0, held * u.n_inv + u.waiting_error)
            offered = arrivals
            if u.odd == 1:
                offered *= 1.0 - u.refuse_share
            theta, admitted = work(c, u, tables, offered * dt_inv * u.n_inv, dt, on_callees, stays)
            if u.odd == 1:
                u.refused = 1.0 - (1.0 - u.refused) * (1.0 - u.refuse_share)
            u.waiting_guess = held * u.n_inv + stays * dt * theta
            turned = max(0.0, arrivals - admitted * u.n)
            rejected += turned
            u.sum_refused += turned
            done = theta * dt * u.n
            failed = done * u.own_error
            u.waiting += done - failed
            moved += done - failed
            wrong += failed
    c.rejected = rejected
    return moved, wrong, answered


@compiled
def calls_in_order(c, comps, units, edges, rings, moved, tick, dt, dt_inv):
    """(c) of a component whose calls follow one another: (leave well, fail)."""
    ok = moved
    bad = 0.0
    before = 0.0
    for k in range(c.e0, c.e1):
        e = edges[k]
        good, final = new_calls(
            e, comps, units, rings, ok + before, tick, dt, dt_inv, c.parallel == 1
        )
        before = e.left_ok
        if e.degraded > 0.0:
            c.degraded = 1
        if e.soft == 1:
            ok = good + final
        else:
            ok = good
            bad += final
    return ok, bad


@compiled
def calls_side_by_side(c, comps, units, edges, rings, moved, tick, dt, dt_inv):
    """(c) of a component that calls in parallel: (leave well, fail)."""
    front = 1e300
    passed = 1.0
    c.entered += moved
    for k in range(c.e0, c.e1):
        e = edges[k]
        good, final = new_calls(
            e, comps, units, rings, moved, tick, dt, dt_inv, c.parallel == 1
        )
        if e.degraded > 0.0:
            c.degraded = 1
        e.resolved += good + final
        good += e.left_ok
        final += e.left_bad
        if good + final > TRICKLE * e.flow_mean:
            e.flow = final / (good + final) if final > 0.0 else 0.0
        if e.soft == 0 and e.flow > 0.0:
            for _ in range(max(1, int(e.n + 0.5))):
                passed *= 1.0 - e.flow
        front = min(front, e.resolved)
    out = max(0.0, min(front, c.entered) - c.left_front) * dt / (dt + c.lag)
    c.left_front += out
    return out * passed, out * (1.0 - passed)


@compiled
def leave(c, units, edges, ok, bad, failed_before, answered, wrong):
    """Requests that leave now, by unit: masses, error share, what follows for the next tick."""
    waiting = 0.0
    for g in range(c.u0, c.u1):
        waiting += units[g].waiting
    leaving = min(ok + bad, waiting)
    share = leaving / waiting if waiting > 0.0 else 0.0
    failed = failed_before + bad
    through = answered + ok + bad
    error = failed / through if failed > 0.0 and through > 0.0 else 0.0
    shut = 0.0
    for k in range(c.e0, c.e1):
        e = edges[k]
        if e.soft == 0 and e.share <= 0.0:
            shut = 1.0
    gone = 0.0
    present = 0.0
    for g in range(c.u0, c.u1):
        u = units[g]
        out = u.waiting * share
        u.waiting -= out
        out += u.passed
        gone += out
        present += u.queued + u.waiting
        if c.client == 0:
            u.waiting_error = 0.5 * u.waiting_error
            u.waiting_error += 0.5 * (u.waiting * u.n_inv - u.waiting_guess)
    c.ok_out = gone * (1.0 - error)
    c.bad_out = gone * error + wrong
    c.present = present
    return share, error, shut


@compiled
def publish(c, units, rings, error, shut, tick, dt, dt_inv):
    """(d): each unit's age, variance and error share, for its callers' next tick."""
    for g in range(c.u0, c.u1):
        u = units[g]
        own = u.throughput * dt * u.n * u.own_error if c.client == 0 else 0.0
        departed = u.admitted - u.queued - u.waiting
        out = max(0.0, departed - u.departed)
        u.departed = departed
        u.out = out * dt_inv
        u.out_mean += (out - u.out_mean) * (dt * 0.1)
        dependent = max(0.0, out - own) * error
        if out > TRICKLE * u.out_mean and out > 1e-9:
            u.error_share = min(1.0, (dependent + own) / out) if dependent + own > 0.0 else 0.0
        else:
            u.error_share = max(shut, u.own_error if c.client == 0 else 0.0)
        u.sum_answers += out
        u.sum_errors += dependent + own
        u.sum_own_errors += own
        if out > 1e-9 * u.n:
            u.silent_s = 0.0
        elif u.queued + u.waiting > 1e-6 * u.n:
            u.silent_s += dt
        publish_age(c, u, rings, tick, dt)


@compiled
def answers(c, comps, units, edges, rings, tick, dt, dt_inv):
    """(a) of a component: (leave well, fail, stays out, pass on)."""
    if c.chains > 0:
        return answers_by_endpoint(c, comps, units, edges, rings, tick, dt, dt_inv)
    if c.parallel == 0:
        return answers_in_order(c, comps, units, edges, rings, tick, dt, dt_inv)
    return answers_side_by_side(c, comps, units, edges, rings, tick, dt, dt_inv)


@compiled
def calls(c, comps, units, edges, rings, moved, tick, dt, dt_inv):
    """(c) of a component: (leave well, fail)."""
    if c.chains > 0:
        return calls_by_endpoint(c, comps, units, edges, rings, moved, tick, dt, dt_inv)
    if c.parallel == 0:
        return calls_in_order(c, comps, units, edges, rings, moved, tick, dt, dt_inv)
    return calls_side_by_side(c, comps, units, edges, rings, moved, tick, dt, dt_inv)


@compiled
def step_component(c, comps, units, edges, rings, tables, tick, dt, dt_inv):
    """One component's tick."""
    ok_before = 0.0
    failed_before = 0.0
    stays = 0.0
    passing = 0.0
    if c.e1 > c.e0:
        ok_before, failed_before, stays, passing = answers(
            c, comps, units, edges, rings, tick, dt, dt_inv
        )
    moved, wrong, answered = stations_of(
        c, units, tables, ok_before + failed_before, passing, min(1.0, stays), dt, dt_inv
    )
    for k in range(c.p0, c.p1):
        publish_on(edges[k], comps, units, rings, moved, dt)
    ok = moved
    bad = 0.0
    if c.e1 > c.e0:
        ok, bad = calls(c, comps, units, edges, rings, moved, tick, dt, dt_inv)
    _, error, shut = leave(c, units, edges, ok, bad, failed_before, answered, wrong)
    dependent = failed_before + bad
    c.unavailable_share = dependent / (dependent + wrong) if dependent > 0.0 else 0.0
    publish(c, units, rings, error, shut, tick, dt, dt_inv)
    if c.chains > 0:
        time_by_endpoint(c, comps, units, edges, rings)
    elif c.e1 > c.e0:
        time_on_callees(c, comps, units, edges, rings)


@compiled
def step(comps, units, edges, rings, tables, tick, dt, dt_inv):
    """All components, in order; 1 if any call was answered at lower quality."""
    degraded = 0
    for i in range(comps.shape[0]):
        c = comps[i]
        step_component(c, comps, units, edges, rings, tables, tick, dt, dt_inv)
        degraded |= c.degraded
        c.degraded = 0
    return degraded
