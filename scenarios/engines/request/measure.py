"""What is counted while requests pass: docs/formats.md, "What is measured", request by request."""

from hms.agents.policy.kinds import ATTEMPT_REFUSED, SUCCEEDED
from hms.scenarios.engines.request.sketch import bucket_of
from hms.scenarios.machine_code import compiled

BLOCKED = 6


@compiled
def count_in_system(world, now):
    """The integral of the number of clients' requests under way goes on."""
    inside = world.arrived - world.served - world.failed - world.dropped
    world.area += inside * (now - world.area_s)
    world.area_s = now


@compiled
def client_arrived(s):
    """A client's request begins."""
    world = s.world[0]
    count_in_system(world, world.now)
    world.arrived += 1
    s.windows[min(int(world.now), s.windows.shape[0] - 1)].offered += 1.0


@compiled
def client_done(s, k, call, ended):
    """A client's request has ended: well and in time, late, failed, or dropped at the door.

    Args:
        ended: how its last attempt did.
    """
    world = s.world[0]
    e = s.edges[k]
    now = world.now
    took_s = now - call.first_s
    count_in_system(world, now)
    world.residence += took_s
    row = s.windows[min(int(now), s.windows.shape[0] - 1)]
    if ended == SUCCEEDED:
        world.served += 1
        if call.first_s >= world.warm_up_s:
            s.sketches[s.comps[e.caller].entry_no, bucket_of(max(took_s, 1e-12))] += 1
            s.taken[s.comps[e.caller].entry_no] += took_s
        if took_s <= e.latency_s:
            e.good += 1
            row.good += 1.0
        else:
            row.bad += 1.0
        return
    row.bad += 1.0
    if ended in (ATTEMPT_REFUSED, BLOCKED):
        world.dropped += 1
    else:
        world.failed += 1


@compiled
def close_second(s, window):
    """What components and edges did up to the end of this second, where a run is recorded."""
    if window < 0 or window >= s.component_windows.shape[0]:
        return
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        cell = s.component_windows[window, i]
        cell.present = float(c.present)
        cell.ok = c.window_ok
        cell.bad = c.window_bad
        c.window_ok = 0.0
        c.window_bad = 0.0
        cell.arrivals = c.arrived
        cell.refused = c.refused
        cell.answered_ok = c.served
        cell.answered_bad = c.failed
        cell.own_errors = c.own_errors
        cell.worked = c.worked
        cell.busy_s = c.busy_s
        cell.residence_time_s = c.stayed_s
        cell.calls_time_s = c.calls_time_s
        for ri in range(c.r0, c.r1):
            r = s.replicas[ri]
            if r.there == 1 and r.up == 1:
                cell.serving += 1.0 if r.hung == 0 and r.paused == 0 else 0.0
                cell.ready += float(r.in_rotation)
    for k in range(s.edges.shape[0]):
        close_edge(s.edges[k], s.edge_windows[window, k])


@compiled
def close_edge(e, cell):
    """One edge's sums at the end of a second."""
    cell.calls = e.made
    cell.retries = max(0, e.made + e.blocked - e.first)
    cell.blocked = e.blocked
    cell.ok = e.ok
    cell.failed = e.bad + e.refused
    cell.late = e.late
    cell.given_up = e.given_up
    cell.lost = e.lost
    cell.call_time_s = e.call_time_s
    cell.in_flight = e.active
    cell.good = e.good


@compiled
def close_run(s, now):
    """At the end: integrals up to now, and what is in the system: its time, and what is late."""
    world = s.world[0]
    count_in_system(world, now)
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        c.area += c.present * (now - c.area_s)
        c.area_s = now
    for v in range(world.visits_made):
        visit = s.visits[v]
        if visit.state >= 2 and visit.state <= 5:
            s.comps[visit.component].residence += now - visit.came_s
    for k in range(world.calls_made):
        call = s.calls[k]
        if call.edge >= 0 and s.edges[call.edge].entry == 1:
            world.residence += now - call.first_s
            if now - call.first_s > s.edges[call.edge].latency_s:
                world.window_late += 1.0
