"""May an agent disrupt now? Limits on restarts and their like (ADR 0005, section 3).

Reversible acts (adjust, reconnect, fallback) and more replicas never ask. Acts are counted
over a sliding window that a brief recovery does not reset; a time of exactly the window's
length ago no longer counts, save for `intensity_*`, which is inclusive as Erlang's is.
"""

from dataclasses import dataclass

from hms.agents.policy.kinds import GUARD_ACTS, SLACK
from hms.agents.policy.parameters import Floats, GuardParameters, floats

TEN_MINUTES_S = 600.0
DAY_S = 86400.0

# Why an act is held back. From LIMITED on the agent has acted enough, and escalates.
FREE = 0
AT_ONCE = 1
LAST_SERVING = 2
LIMITED = 3


@dataclass(slots=True)
class GuardState:
    """A ring of the times of the latest disruptive acts."""

    at: int = 0  # where the next act is noted
    held: int = 0  # acts noted, at most the ring's size
    times: Floats = floats(GUARD_ACTS)


def nth_latest_s(g: GuardState, n: int) -> float:
    """When the n-th latest act was, n from 1; only where so many are held."""
    return g.times[(g.at + GUARD_ACTS - n) % GUARD_ACTS]


def limit_ends_s(g: GuardState, acts: int, span_s: float, now_s: float) -> float:
    """When fewer than `acts` lie within the last `span_s`; now_s if that is so already."""
    n = min(acts, GUARD_ACTS)
    if n < 1 or g.held < n:
        return now_s
    return max(nth_latest_s(g, n) + span_s, now_s)


def free_s(g: GuardState, p: GuardParameters, now_s: float) -> float:
    """When the limits by number let the next disruptive act go; now_s: at once."""
    ends_s = now_s
    if p.intensity_acts > 0:
        until_s = limit_ends_s(g, p.intensity_acts, p.intensity_s + 2.0 * SLACK, now_s)
        ends_s = max(ends_s, until_s)
    if p.bound:
        ends_s = max(ends_s, limit_ends_s(g, p.acts_per_10_min, TEN_MINUTES_S, now_s))
        ends_s = max(ends_s, limit_ends_s(g, p.acts_per_day, DAY_S, now_s))
    return ends_s


def held_back(
    g: GuardState, p: GuardParameters, serving_replicas: float, disrupted_now: float,
    slo_failing: bool, now_s: float,
) -> int:
    """FREE, or why a disruptive act must wait.

    Args:
        serving_replicas: replicas that serve beside the one to be disrupted.
        disrupted_now: replicas out of service by acts already.
        slo_failing: whether the replica to be disrupted fails those who ask it.
    """
    if free_s(g, p, now_s) > now_s + SLACK:
        return LIMITED
    if p.bound and disrupted_now + 1.0 > float(p.at_once) + SLACK:
        return AT_ONCE
    if p.bound and serving_replicas < 1.0 and not slo_failing:
        return LAST_SERVING
    return FREE


def may_disrupt(
    g: GuardState, p: GuardParameters, serving_replicas: float, disrupted_now: float,
    slo_failing: bool, now_s: float,
) -> bool:
    """Whether a disruptive act may be done now; `held_back` says why not."""
    return held_back(g, p, serving_replicas, disrupted_now, slo_failing, now_s) == FREE


def note_act(g: GuardState, now_s: float) -> None:
    """A disruptive act starts; a try that fails counts as well."""
    g.times[g.at] = now_s
    g.at = (g.at + 1) % GUARD_ACTS
    g.held = min(g.held + 1, GUARD_ACTS)
