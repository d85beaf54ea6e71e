"""What no composition may break: paid for beyond the first, within the time, places kept."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from callee import Callee
from hypothesis import given
from hypothesis import strategies as st
from virtual_time import run

from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.agents.healing.pipeline.fallback import Fallback
from hms.agents.healing.pipeline.hedge import Hedge
from hms.agents.healing.pipeline.pipeline import Pipeline
from hms.agents.healing.pipeline.retry import Retry
from hms.agents.healing.pipeline.retry_budget import RetryBudget
from hms.agents.healing.pipeline.timeout import Timeout
from hms.agents.policy.parameters import BreakerParameters, RetryParameters

BUDGET: dict[str, Any] = {
    "retry_on_error": True, "budget_max": 5.0, "budget_ratio": 0.25, "base_s": 0.1
}
NAMES = ("fallback", "outer retry", "limit", "retry", "bulkhead", "breaker", "hedge")
orders = st.permutations(NAMES).flatmap(
    lambda names: st.lists(st.booleans(), min_size=7, max_size=7).map(
        lambda kept: [name for name, keep in zip(names, kept, strict=True) if keep]
    )
)
ends = st.lists(st.sampled_from(["right", OSError("no"), KeyError("neutral")]), min_size=1)


class Built:
    """A pipeline of stages in any order, on a clock of its own."""

    def __init__(self, order: list[str], hedge_delay_s: float | None) -> None:
        self.clock = FakeClock()
        self.bulkhead = Bulkhead(3)
        self.breaker = Breaker("db", BreakerParameters(jitter_share=0.0), self.clock, lambda: 0.5)
        stages: dict[str, Any] = {
            "fallback": Fallback.value("cached"),
            "outer retry": Retry(OSError, parameters=RetryParameters(max_attempts=3, **BUDGET)),
            "limit": Timeout(2.0),
            "retry": Retry(Exception, parameters=RetryParameters(max_attempts=2, **BUDGET)),
            "bulkhead": self.bulkhead,
            "breaker": self.breaker,
            "hedge": Hedge(idempotent=True, max_calls=3, delay_s=hedge_delay_s),
        }
        self.pipeline = Pipeline.of(
            *(stages[name] for name in order), clock=self.clock, draw=lambda: 0.5,
            budget=RetryBudget(RetryParameters(**BUDGET), self.clock),
        )

    def require_bounds(self, calls: int, callee: Callee) -> None:
        paid = self.pipeline.budget.metrics()
        assert callee.calls <= calls + paid.taken - paid.given_back
        assert paid.taken - paid.given_back <= 5 + 0.25 * paid.successes + 1e-9
        assert paid.successes <= callee.calls
        assert self.bulkhead.metrics().running == 0
        told = self.breaker.metrics()
        assert told.admitted == (
            told.ok + told.failed + told.ignored + told.cancelled + told.late + told.in_flight
        )
        assert told.in_flight == 0


@given(orders, ends, st.sampled_from([0.0, 0.3, 3.0]))
def test_every_call_beyond_the_first_is_paid_for_whatever_the_order(
    order: list[str], ends: list[Any], takes_s: float
) -> None:
    built = Built(order, hedge_delay_s=None)
    callee = Callee(built.clock, *ends, takes_s=takes_s)
    for calls in range(1, 21):
        start_s = built.clock.now_s()
        before = callee.calls
        with contextlib.suppress(Exception):
            built.pipeline.call(callee, (), {})
        if order[:1] == ["limit"]:
            assert all(at_s < start_s + 2.0 for at_s in callee.called_at_s[before:])
        built.require_bounds(calls, callee)


@given(orders, ends, st.sampled_from([0.0, 0.3, 3.0]), st.sampled_from([None, 0.0, 0.1]))
def test_the_same_for_tasks_that_come_together(
    order: list[str], ends: list[Any], takes_s: float, hedge_delay_s: float | None
) -> None:
    built = Built(order, hedge_delay_s)
    callee = Callee(built.clock, *ends, takes_s=takes_s)
    took_s: list[float] = []

    async def one() -> None:
        start_s = built.clock.now_s()
        with contextlib.suppress(Exception):
            await built.pipeline.acall(callee.awaited, (), {})
        took_s.append(built.clock.now_s() - start_s)

    async def main() -> None:
        for _ in range(3):
            await asyncio.gather(*(one() for _ in range(3)))

    run(main(), built.clock)
    built.require_bounds(9, callee)
    if order[:1] == ["limit"]:
        assert max(took_s) <= 2.0 + 1e-9
