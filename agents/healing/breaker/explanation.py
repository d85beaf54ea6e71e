"""Why a breaker refuses, in figures and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hms.agents.policy.breaker import BreakerState
from hms.agents.policy.kinds import (
    CAUSE_CONSECUTIVE,
    CAUSE_FAILURE_RATE,
    CAUSE_GIVEN,
    CAUSE_SLOW_IN_FLIGHT,
    CAUSE_SLOW_RATE,
    HALF_OPEN,
)
from hms.agents.policy.parameters import BreakerParameters
from hms.errors import BreakerOpen

QUORUM = "quorum"
OPEN_REASON, PROBING, FORCED_REASON = "open", "probing", "forced"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a call would be refused now.

    Attributes:
        dependency: whose breaker.
        reason: "open", "probing", "forced", or "" when a call would pass.
        left_s: open: when a call may come again, in seconds.
        cause: why it opened, by name; "none" while it never did.
        detail: the figures of the cause, such as "60.0 % of 5 >= 50 %".
        last_error: the last failure, as text.
        era: the transitions since the start.
        holders: who holds it open by hand.
    """

    dependency: str
    reason: str
    left_s: float
    cause: str
    detail: str
    last_error: str
    era: int
    holders: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line; empty when a call would pass."""
        if not self.reason:
            return ""
        name = f"breaker of `{self.dependency}`"
        if self.reason == FORCED_REASON:
            return f"{name} is forced open, by hand: held by {', '.join(self.holders)}"
        why = f"{self.cause} {self.detail}".rstrip()
        last = f"; last error {self.last_error}" if self.last_error else ""
        if self.reason == PROBING:
            return f"{name} is probing ({why} before): its probes are under way{last}"
        return f"{name} is open: {why}; next probe in {self.left_s:.3g} s{last}"

    def refusal(self) -> BreakerOpen:
        """The error for a caller who is refused; a new one each time."""
        return BreakerOpen(
            str(self), dependency=self.dependency, retry_after_s=self.left_s, cause=self.cause,
            last_error=self.last_error, phase=self.reason,
        )


class Seen(NamedTuple):
    """A breaker's state just before a decision, to tell what the decision changed."""

    phase: int
    era: int
    breached: bool
    failed: float
    slow: float


def figures(
    cause: int, before: Seen, state: BreakerState,
    p: BreakerParameters, in_flight: int,
) -> str:
    """The figures of an opening, for people.

    Args:
        cause: why it opened.
        before: what was seen just before the last result.
        state: just after; its window still holds what led here.
        p: the parameters.
        in_flight: calls under way past the slow limit.
    """
    if cause == CAUSE_CONSECUTIVE:
        return f"{p.consecutive_failures if before.phase != HALF_OPEN else 1} in a row"
    if cause == CAUSE_GIVEN:
        return f"for {state.due_s - state.opened_at_s:.4g} s"
    if cause not in (CAUSE_FAILURE_RATE, CAUSE_SLOW_RATE, CAUSE_SLOW_IN_FLIGHT):
        return ""
    failing = cause == CAUSE_FAILURE_RATE
    limit = p.failure_rate if failing else p.slow_call_rate
    if before.phase == HALF_OPEN:
        bad = before.failed if failing else before.slow
        return f"{bad + 1.0:g} of {p.half_open_calls} probes >= {100.0 * limit:g} %"
    window = state.window
    extra = float(in_flight) if cause == CAUSE_SLOW_IN_FLIGHT else 0.0
    total = window.total + extra
    bad = window.failed if failing else window.slow + extra
    share = 100.0 * bad / total if total > 0.0 else 0.0
    return f"{share:.1f} % of {total:.10g} >= {100.0 * limit:g} %"


def text_of(error: BaseException) -> str:
    """An error as one short text; its `repr` is foreign code and may raise."""
    try:
        text = repr(error)
    except Exception:  # noqa: BLE001  (the error is reported all the same, by its type)
        text = f"{type(error).__name__}(…)"
    return text if len(text) <= 200 else f"{text[:199]}…"
