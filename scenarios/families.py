"""How large drawn faults are: one table, so that a reader sees all of it at a glance.

The magnitudes aim at failures that break the promise of the entry and that healing can end
within the horizon: a fault that nothing can cure, or that nobody notices, teaches a search
nothing. All draws are uniform: a logarithm would tie results to a machine's maths library.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hms.scenarios.model import Range


@dataclass(frozen=True, slots=True)
class Family:
    """What is drawn for one family of faults.

    Attributes:
        magnitudes: range of each parameter of the fault kind, in SI units.
        duration_s: how long it lasts where nothing but time ends it; None: only an act does.
        only_an_act_ends_it: share of faults without a duration, ended by the kind's first act.
    """

    magnitudes: dict[str, Range] = field(default_factory=dict)
    duration_s: Range | None = None
    only_an_act_ends_it: float = 0.0


FAMILIES: dict[str, Family] = {
    # crash: see RESTARTS_BY_ITSELF
    "crash": Family(only_an_act_ends_it=1.0),
    "hang": Family(only_an_act_ends_it=1.0),
    # around and above the usual time-out of 2 s
    "latency": Family({"added_s": Range(0.5, 3.0)}, Range(30.0, 120.0)),
    "error": Family({"share": Range(0.3, 1.0)}, Range(30.0, 120.0), 0.5),
    "slow": Family({"factor": Range(4.0, 20.0)}, Range(30.0, 120.0), 0.5),
    # mb_per_s follows from SECONDS_TO_LIMIT and the component's memory
    "memory_leak": Family(only_an_act_ends_it=1.0),
    # systems run at 20 to 60 % of capacity (ranges.yaml): the upper half overloads them
    "load_spike": Family({"factor": Range(1.8, 3.0)}, Range(20.0, 60.0)),
    "partition": Family({"stale_s": Range(20.0, 90.0)}, Range(20.0, 90.0)),
    # see BAD_DEPLOY_ERRS and BAD_DEPLOY_SLOW
    "bad_deploy": Family(
        {"error_share": Range(0.3, 1.0), "slow_factor": Range(2.0, 8.0)},
        only_an_act_ends_it=1.0,
    ),
}
"""Every family that can be drawn, by name; a family is a kind of fault."""

RESTARTS_BY_ITSELF = 0.65
"""Share of crashes that the platform's own restart cures; the others have a bad image."""

SECONDS_TO_LIMIT = Range(30.0, 120.0)
"""How long a leak takes from idle memory to the limit."""

BAD_DEPLOY_ERRS = 0.5
BAD_DEPLOY_SLOW = 0.25
"""Shares of bad versions that only fail, that are only slow; the rest are both."""

ONE_REPLICA = 0.55
HALF_OF_THEM = 0.25
"""Shares of component faults that strike one replica, half of them (rounded up); the rest: all."""
