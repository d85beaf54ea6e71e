"""Which replicas behind an edge are out? Ejection as Envoy means it (scope `replica`).

Sources: Envoy's outlier detection and its panic threshold, with what docs/export.md section 3 saw
on the real program: the share limit counts the replica to be ejected; the time out grows with
each ejection and ends at a sweep; one step back for each sweep in which a replica was in;
there is no half-open; and with too few replicas in, all are used again.

A slot is a group of identical replicas. Where one of several is to go, the engine is asked to
split one off (`split_outlier` shares out the counts) and the next step ejects it.
"""

from dataclasses import dataclass

from hms.agents.policy.breaker import OPENINGS_MAX, open_duration_s
from hms.agents.policy.kinds import FOREVER_S, SCOPE_REPLICA, SLACK, SLOTS_PER_COMPONENT
from hms.agents.policy.parameters import BreakerParameters, Floats, floats


@dataclass(slots=True)
class OutlierState:
    """The replicas behind one edge, a number for each slot."""

    row: Floats = floats(SLOTS_PER_COMPONENT)  # failures in a row of each replica
    credit: Floats = floats(SLOTS_PER_COMPONENT)  # as in breaker.py, of mixed amounts
    calls: Floats = floats(SLOTS_PER_COMPONENT)  # since the last sweep
    failed: Floats = floats(SLOTS_PER_COMPONENT)
    ejected: Floats = floats(SLOTS_PER_COMPONENT)  # 1 while out
    ejected_until_s: Floats = floats(SLOTS_PER_COMPONENT)
    times: Floats = floats(SLOTS_PER_COMPONENT)  # steps of the time out
    next_sweep_s: float = 0.0


@dataclass(slots=True)
class OutlierObservation:
    """What was seen of each slot in the last tick."""

    replicas: Floats = floats(SLOTS_PER_COMPONENT)  # 0: no such slot
    calls: Floats = floats(SLOTS_PER_COMPONENT)  # whole results of the last tick
    failed: Floats = floats(SLOTS_PER_COMPONENT)


@dataclass(slots=True)
class OutlierGrant:
    """Which slots are used in the next tick."""

    share: Floats = floats(SLOTS_PER_COMPONENT)  # 1 used, 0 ejected
    split: int = 0  # slot from which one replica must be split off; -1: none
    wake_s: float = 0.0


def step_outlier(
    s: OutlierState, bp: BreakerParameters, o: OutlierObservation, g: OutlierGrant,
    now_s: float, dt_s: float, u: float,
) -> None:
    """One tick: count, sweep when due, eject, grant."""
    g.split = -1
    g.wake_s = FOREVER_S
    if not bp.enabled or bp.scope != SCOPE_REPLICA:
        for i in range(SLOTS_PER_COMPONENT):
            g.share[i] = 1.0
        return
    for i in range(SLOTS_PER_COMPONENT):
        if o.replicas[i] <= 0.0:
            forget_slot(s, i)
        elif s.ejected[i] <= 0.0 and o.calls[i] > 0.0:
            count(s, bp, i, o.replicas[i], o.calls[i], o.failed[i])
    if now_s + dt_s * 1e-6 >= s.next_sweep_s:
        sweep(s, bp, o, g, now_s, u)
    if bp.consecutive_failures > 0:
        for k in range(2 * SLOTS_PER_COMPONENT):  # single replicas first, groups then
            i = k % SLOTS_PER_COMPONENT
            if (o.replicas[i] <= 1.0) != (k < SLOTS_PER_COMPONENT):
                continue
            in_row = s.row[i] + SLACK >= float(bp.consecutive_failures)
            if s.ejected[i] <= 0.0 and (in_row or s.credit[i] + SLACK >= 1.0):
                eject(s, bp, o, g, i, in_row, now_s, u)
    share_out(s, bp, o, g)


def forget_slot(s: OutlierState, i: int) -> None:
    """A slot without replicas, or whose replicas are new."""
    s.row[i] = 0.0
    s.credit[i] = 0.0
    s.calls[i] = 0.0
    s.failed[i] = 0.0
    s.ejected[i] = 0.0
    s.times[i] = 0.0


def split_outlier(s: OutlierState, slot: int, new: int) -> None:
    """One replica of `slot` became slot `new`: it takes the history, the rest its own row."""
    s.row[new] = s.row[slot]
    s.credit[new] = s.credit[slot]
    s.times[new] = s.times[slot]
    s.ejected[new] = s.ejected[slot]
    s.ejected_until_s[new] = s.ejected_until_s[slot]
    s.calls[new] = 0.0
    s.failed[new] = 0.0
    s.credit[slot] = 0.0


def count(
    s: OutlierState, bp: BreakerParameters, i: int, replicas: float, calls: float, failed: float
) -> None:
    """Results of one slot, evenly over its replicas."""
    s.calls[i] += calls
    s.failed[i] += failed
    if failed <= SLACK:
        s.row[i] = 0.0
        return
    if failed + SLACK >= calls:
        s.row[i] += calls / replicas if replicas > 0.0 else 0.0
        return
    s.row[i] = 0.0
    q = failed / calls if calls > 0.0 else 0.0
    power = 1.0
    for _ in range(bp.consecutive_failures):
        power *= q
        if power < 1e-30:
            break
    if power < 1.0:
        s.credit[i] += calls * (1.0 - q) * power / (1.0 - power)


def sweep(
    s: OutlierState, bp: BreakerParameters, o: OutlierObservation, g: OutlierGrant,
    now_s: float, u: float,
) -> None:
    """Returns, steps back, and the failure rate since the last sweep."""
    passed = 1.0
    if bp.sweep_s > 0.0 and now_s > s.next_sweep_s:
        passed += float(int((now_s - s.next_sweep_s) / bp.sweep_s + SLACK))
    s.next_sweep_s += passed * bp.sweep_s
    for i in range(SLOTS_PER_COMPONENT):
        if s.ejected[i] > 0.0:
            if now_s + SLACK >= s.ejected_until_s[i]:
                s.ejected[i] = 0.0
                s.row[i] = 0.0
                s.credit[i] = 0.0
        else:
            s.times[i] = max(s.times[i] - passed, 0.0)
            least = float(bp.minimum_calls) * o.replicas[i]
            enough = s.calls[i] > 0.0 and s.calls[i] + SLACK >= least
            if enough and s.failed[i] + SLACK >= bp.failure_rate * s.calls[i]:
                eject(s, bp, o, g, i, True, now_s, u)
        if g.split != i:
            s.calls[i] = 0.0
            s.failed[i] = 0.0


def out(s: OutlierState, o: OutlierObservation) -> float:
    """Replicas that are ejected."""
    replicas = 0.0
    for i in range(SLOTS_PER_COMPONENT):
        if s.ejected[i] > 0.0:
            replicas += o.replicas[i]
    return replicas


def total(o: OutlierObservation) -> float:
    """Replicas in all."""
    replicas = 0.0
    for i in range(SLOTS_PER_COMPONENT):
        replicas += o.replicas[i]
    return replicas


def eject(
    s: OutlierState, bp: BreakerParameters, o: OutlierObservation, g: OutlierGrant,
    i: int, alike: bool, now_s: float, u: float,
) -> None:
    """Eject a slot as far as the limit allows; refused, it must earn the next try.

    Args:
        alike: the whole slot fails, not just one of its replicas.
    """
    already = out(s, o)
    allowed = bp.ejected_share_max * total(o) + SLACK
    whole = already + o.replicas[i] <= allowed and (alike or o.replicas[i] <= 1.0)
    one = already + 1.0 <= allowed or (bp.always_eject_one and already <= 0.0)
    if one and not whole and o.replicas[i] > 1.0:
        if g.split < 0:
            g.split = i
        return
    s.row[i] = 0.0
    s.credit[i] = 0.0
    if whole or one:
        steps = int(s.times[i])
        if steps == 0 or open_duration_s(bp, steps - 1, 0.0) < bp.open_max_s:
            steps = min(steps + 1, OPENINGS_MAX)
        s.times[i] = float(steps)
        s.ejected[i] = 1.0
        s.ejected_until_s[i] = now_s + open_duration_s(bp, steps - 1, u)


def share_out(
    s: OutlierState, bp: BreakerParameters, o: OutlierObservation, g: OutlierGrant
) -> None:
    """Which slots are used, and when that may change by itself."""
    replicas = total(o)
    ejected = out(s, o)
    panic = replicas - ejected + SLACK < bp.panic_share * replicas
    by_rate = False
    for i in range(SLOTS_PER_COMPONENT):
        g.share[i] = 0.0 if s.ejected[i] > 0.0 and not panic else 1.0
        if bp.failure_rate <= 1.0 and s.failed[i] > 0.0:
            by_rate = True
    if ejected > 0.0 or by_rate:
        g.wake_s = s.next_sweep_s
