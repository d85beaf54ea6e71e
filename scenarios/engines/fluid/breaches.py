"""Safety breaches: acts that must not happen. docs/formats.md, "What is measured"."""

from hms.agents.policy.invariants import WHOLE
from hms.scenarios.machine_code import compiled
from hms.scenarios.policy_jit import decisions

guard_rule = decisions()["invariants.guard_rule"]

MOSTLY = 0.5


@compiled
def serves(one):
    """Whether a replica, or a group of them, gets requests and answers most of them well."""
    gets = one.up == 1 and one.in_rotation == 1 and one.hung == 0 and one.paused == 0
    return gets and one.own_error < MOSTLY and one.refuse_share < MOSTLY


@compiled
def note_breach(world, agent, last, good, bad):
    """Count a disruptive act that takes the last serving replica of a kept SLO, or one too many.

    Args:
        last: it takes replicas that serve, and none serves beside them.
        good, bad: clients' answers of the last whole second.
    """
    kept = good >= world.availability * (good + bad)
    beyond = guard_rule(agent.guard, agent.guard_p) != WHOLE
    if beyond or (last and kept):
        world.breaches += 1.0
