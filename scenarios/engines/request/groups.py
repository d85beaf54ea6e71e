"""Groups of replicas in one state, as agents and callers know them: at most four of a component.

All replicas of a component start in group 0. What strikes, restarts or ejects fewer than all of a
group splits them off; where no group is left they stay where they are, and the group is a mixture.
"""

from hms.scenarios.machine_code import compiled
from hms.scenarios.policy_jit import decisions

_D = decisions()
copy_slot = _D["detection.copy_slot"]
split_outlier = _D["outlier.split_outlier"]


@compiled
def size_of(s, c, slot):
    """Replicas of a group."""
    count = 0
    for ri in range(c.r0, c.r1):
        r = s.replicas[ri]
        if r.there == 1 and r.leaving == 0 and r.slot == slot:
            count += 1
    return count


@compiled
def new_group(s, i, slot):
    """A group for what is split off; all know of it what they knew of the whole."""
    c = s.comps[i]
    new = c.slots_used
    c.slots_used = new + 1
    copy_slot(s.agents[i].detection, slot, new)
    for q in range(c.i0, c.i1):
        split_outlier(s.callers[s.incoming[q]].outlier, slot, new)
    return new


@compiled
def part_from(s, i, ri, whole):
    """One replica leaves its group, unless it is all of it (or `whole` are) or none is left."""
    c = s.comps[i]
    slot = s.replicas[ri].slot
    if size_of(s, c, slot) <= whole or c.slots_used >= c.slots_max:
        return slot
    new = new_group(s, i, slot)
    s.replicas[ri].slot = new
    return new


@compiled
def worst_of(s, i, slot):
    """The replica of a group that an act on one of them is for; -1 if the group is empty."""
    c = s.comps[i]
    best = -1
    rank = -1.0
    for ri in range(c.r0, c.r1):
        r = s.replicas[ri]
        if r.there == 0 or r.slot != slot or r.leaving == 1:
            continue
        ill = 1.0 if r.bad_version == 1 else 0.0
        ill += 1e3 * r.own_error + 1e-3 / max(r.rate, 1e-9)
        if r.hung == 1 or r.paused == 1 or r.up == 0:
            ill = 1e12 if r.up == 1 else 1e9
        if ill > rank:
            rank = ill
            best = ri
    return best
