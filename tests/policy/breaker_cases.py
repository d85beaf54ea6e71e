"""Breakers for tests: one call a slot, outcomes by letter as in ADR 0005.

S success, F failure, L slow success, B both slow and failed.
"""

from dataclasses import dataclass, field
from typing import Any

from hms.agents.policy.breaker import BreakerState, may_pass, record, record_probe
from hms.agents.policy.kinds import HALF_OPEN, PASS_AS_PROBE, REFUSED
from hms.agents.policy.parameters import BreakerParameters
from hms.agents.policy.window import WindowState

DEFAULTS: dict[str, Any] = {
    "window_calls": 10, "minimum_calls": 5, "failure_rate": 0.5, "slow_call_rate": 1.0,
    "slow_call_s": 2.0, "open_s": 5.0, "open_multiplier": 1.0, "open_max_s": 60.0,
    "jitter_share": 0.0, "half_open_calls": 3, "half_open_lease_s": 10.0,
}
ROW_ONLY: dict[str, Any] = {"failure_rate": 2.0, "slow_call_rate": 2.0}


@dataclass
class Case:
    """One breaker on a clock that is a number."""

    p: BreakerParameters
    slots: int
    s: BreakerState = field(default_factory=BreakerState)
    u: float = 0.0

    def call(self, outcome: str, now_s: float) -> str:
        """A call that passes and reports at once; "refused" if it may not."""
        answer = may_pass(self.s, self.p, self.slots, now_s, 0.0, self.u)
        if answer == REFUSED:
            return "refused"
        self.report(outcome, now_s)
        return "probe" if answer == PASS_AS_PROBE else "pass"

    def report(self, outcome: str, now_s: float) -> None:
        failed, slow = outcome in "FB", outcome in "LB"
        if self.s.phase == HALF_OPEN:
            record_probe(self.s, self.p, self.slots, now_s, failed, slow, self.u)
        else:
            record(self.s, self.p, self.slots, now_s, 1.0, float(failed), float(slow), self.u)

    def calls(self, outcomes: str, now_s: float = 0.0) -> int:
        for outcome in outcomes:
            self.call(outcome, now_s)
        return self.s.phase


def case(**changed: Any) -> Case:
    p = BreakerParameters(**{**DEFAULTS, **changed})
    slots = 10 if p.window_kind == 1 else p.window_calls + 1
    window = WindowState(calls=[0.0] * slots, fails=[0.0] * slots, slows=[0.0] * slots)
    return Case(p, slots, BreakerState(window=window))
