"""A child of a supervisor ended: start it again, leave it down, or give up?

The rules are Erlang's (OTP, supervisor): one limit for all children, reached at `restarts` + 1
within `within_s`, both ends counted in; a start that fails counts like an end; at the limit all
children are stopped, the last one first, and the supervisor's own supervisor is told. A child
that ignores its stop is killed after `stop_s`.
"""


from dataclasses import dataclass

from hms.agents.policy.guard import GuardState, note_act, nth_latest_s
from hms.agents.policy.kinds import SLACK
from hms.agents.policy.parameters import tunable

# When a child is started again.
PERMANENT = 0  # always
TRANSIENT = 1  # if it crashed
TEMPORARY = 2  # never
RESTART_NAMES = ("permanent", "transient", "temporary")

# What to do with a child that ended.
LEAVE = 0
START = 1
ESCALATE = 2  # stop all, tell the supervisor above


@dataclass(frozen=True, slots=True)
class SupervisionParameters:
    """How often children may be started again, and how long a stop may take."""

    restarts: int = tunable(
        1, "1", 1, 1, "restarts within `within_s` that are fine", least=0, most=9
    )
    within_s: float = tunable(5.0, "s", 5.0, 5.0, "span of `restarts`", least=1e-3, most=86_400.0)
    stop_s: float = tunable(
        5.0, "s", 5.0, 5.0, "a child that has not stopped by then is killed", least=0.0,
        most=3600.0,
    )


def wants_restart(kind: int, crashed: bool) -> bool:
    """Whether a child of this kind is started again after such an end."""
    if kind == PERMANENT:
        return True
    return kind == TRANSIENT and crashed


def after_end(
    g: GuardState, p: SupervisionParameters, kind: int, crashed: bool, now_s: float
) -> int:
    """LEAVE, START or ESCALATE; a start that failed is an end, too, and crashed.

    Args:
        g: the times of the latest restarts of all children.
    """
    if not wants_restart(kind, crashed):
        return LEAVE
    note_act(g, now_s)
    if g.held <= p.restarts:
        return START
    first_s = nth_latest_s(g, p.restarts + 1)
    return ESCALATE if now_s <= first_s + p.within_s + SLACK else START


def nth_to_stop(children: int, n: int) -> int:
    """Which child is stopped as the n-th, n from 0: the last one started first."""
    return children - 1 - n


def must_kill(p: SupervisionParameters, asked_s: float, now_s: float) -> bool:
    """Whether a child has had its time to stop since it was asked to."""
    return now_s + SLACK >= asked_s + p.stop_s
