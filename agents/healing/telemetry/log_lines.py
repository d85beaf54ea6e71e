"""What an instance says in the log: status, acts and their verdicts, breakers, escalations.

One line for each change, none while all is as it was. The logger is `hms.healing`; what was done,
and what is wrong, is a warning, so that it is seen where nobody has configured logging; what is
beyond the instance is an error, what would have been done (shadow mode) is for information.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hms.agents.healing.recovery import attempts as verdicts

if TYPE_CHECKING:
    from hms.agents.healing.breaker.events import BreakerEvent
    from hms.agents.healing.interface import HealthStatus, Issue
    from hms.agents.healing.recovery.attempts import Attempt

LOG = logging.getLogger("hms.healing")


def say_status(component: str, status: HealthStatus) -> None:
    """The status has changed."""
    reason = getattr(status, "reason", "")
    LOG.warning("%s is %s%s", component, type(status).__name__, f": {reason}" if reason else "")


def say_act(component: str, by: str, issue: Issue, reason: str) -> None:
    """An act begins; said before it, since it may end this process."""
    after = f"; {reason}" if reason else ""
    LOG.warning("%s: %s against %s (%s)%s", component, by, issue.kind, issue.evidence, after)


def say_attempt(component: str, attempt: Attempt) -> None:
    """How an act ended, if not well; that it was only decided; its verdict."""
    act = f"{attempt.by} against {attempt.issue}"
    if attempt.verdict == verdicts.DECIDED:
        LOG.info("%s would do %s, but: %s", component, act, attempt.reason)
    elif attempt.error:
        LOG.warning("%s: %s failed: %s", component, act, attempt.error)
    elif attempt.verdict != verdicts.PENDING:
        undone = ", undone" if attempt.undone else ""
        LOG.warning("%s: %s was %s%s", component, act, attempt.verdict, undone)


def say_breaker(event: BreakerEvent, open_s: float | None) -> None:
    """A breaker has opened, or closed again.

    Args:
        event: what it says.
        open_s: how long it stays open; None: it has closed.
    """
    if open_s is None:
        LOG.warning("breaker of `%s` is closed again", event.dependency)
    else:
        why = f"{event.cause} {event.detail}".rstrip()
        LOG.warning("breaker of `%s` opens for %.3g s: %s", event.dependency, open_s, why)


def say_supervisor_error(component: str, error: Exception) -> None:
    """The supervisor raised; healing goes on without it."""
    LOG.warning(
        "%s: its supervisor raised %r; healing goes on, further errors are only counted",
        component, error,
    )


def say_escalation(component: str, issue: Issue, attempts: tuple[str, ...]) -> None:
    """An illness is beyond the instance; told once."""
    LOG.error(
        "%s cannot heal %s (%s): %s", component, issue.kind, issue.evidence, "; ".join(attempts)
    )
