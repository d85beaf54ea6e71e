"""The attempts after the first: entered by a failure, so that a success pays nothing for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hms.agents.healing.pipeline.deadline import remaining_s
from hms.agents.healing.pipeline.retry_budget import RetryBudget
from hms.agents.healing.pipeline.retry_marks import MARKS
from hms.agents.healing.pipeline.stage import AsyncStep, Call, Ended, Step, Surroundings
from hms.agents.policy import retry as decision
from hms.agents.policy.kinds import (
    ATTEMPT_ERROR,
    ATTEMPT_REFUSED,
    ATTEMPT_TIMEOUT,
    ATTEMPT_UNAVAILABLE,
)
from hms.errors import BudgetExhausted

if TYPE_CHECKING:
    from hms.agents.healing.pipeline.retry import Retry


class Loop:
    """The attempts after the first, of all calls through one stage."""

    __slots__ = ("_stage", "_where", "bad", "budget", "deposit")

    def __init__(self, stage: Retry, where: Surroundings) -> None:
        """With the stage's own budget, else the pipeline's."""
        self._stage = stage
        self._where = where
        self.budget = stage.budget or where.budget
        self.bad = stage.judged_by(where)
        deposits = id(stage) in where.depositors
        self.deposit: Callable[[], object] = self.budget.succeeded if deposits else int

    def go_on(self, inner: Step, call: Call, ended: Ended) -> Any:
        """Attempts until one is right or none is due; the last end is the caller's."""
        plan = Plan(self._stage, self.budget, self._where)
        while plan.again(ended):
            self._wait(plan.wait_s)
            ended.error = None  # the frames of the first attempt hold `ended`: no ring with them
            try:
                ended.value = inner(call)
            except Exception as error:  # noqa: BLE001 (`outcome` raises it again)
                ended.error = error
            else:
                if not self._failed(ended, call):
                    return ended.value
            finally:
                self.budget.finished()
        return outcome(ended)

    async def go_on_async(self, inner: AsyncStep, call: Call, ended: Ended) -> Any:
        """The same for coroutines."""
        plan = Plan(self._stage, self.budget, self._where)
        while plan.again(ended):
            await self._wait_async(plan.wait_s)
            ended.error = None  # the frames of the first attempt hold `ended`: no ring with them
            try:
                ended.value = await inner(call)
            except Exception as error:  # noqa: BLE001 (`outcome` raises it again)
                ended.error = error
            else:
                if not self._failed(ended, call):
                    return ended.value
            finally:
                self.budget.finished()
        return outcome(ended)

    def watched(self, step: Step) -> Step:
        """Tell the budget of each call, where it counts those under way."""

        def watched(call: Call) -> Any:
            self.budget.started()
            try:
                return step(call)
            finally:
                self.budget.ended()

        return watched

    def watched_async(self, step: AsyncStep) -> AsyncStep:
        """The same for coroutines."""

        async def watched(call: Call) -> Any:
            self.budget.started()
            try:
                return await step(call)
            finally:
                self.budget.ended()

        return watched

    def _failed(self, ended: Ended, call: Call) -> bool:
        if self.bad is not None and self.bad(ended.value):
            return True
        if not call.fell_back:
            self.deposit()
        return False

    def _wait(self, span_s: float) -> None:
        if span_s > 0.0:
            try:
                self._where.sleeper.sleep(span_s)
            except BaseException:
                self.budget.give_back()
                raise

    async def _wait_async(self, span_s: float) -> None:
        if span_s > 0.0:
            try:
                await self._where.sleeper.sleep_async(span_s)
            except BaseException:
                self.budget.give_back()
                raise


class Plan:
    """Whether one call is made again, and after what wait."""

    __slots__ = ("_attempt", "_budget", "_own_s", "_stage", "_where", "wait_s")

    def __init__(self, stage: Retry, budget: RetryBudget, where: Surroundings) -> None:
        """Before the end of the first attempt."""
        self._stage = stage
        self._budget = budget
        self._where = where
        self._attempt = 0
        self._own_s = 0.0
        self.wait_s = 0.0

    def again(self, ended: Ended) -> bool:
        """Whether to go on after `wait_s`; then a token was taken.

        Raises:
            BudgetExhausted: there was none, and the caller wants to know.
        """
        self._attempt += 1
        error, p = ended.error, self._stage.parameters
        if not self._stage.worth_it(error):
            return False
        if error is not None and MARKS.newer(error, ended.marks):
            return False
        told_s = self._stage.told_s(ended, self._where)
        kind = ATTEMPT_UNAVAILABLE if told_s is not None else attempt_outcome(error)
        if not decision.may_retry(p, self._attempt, kind):
            if self._attempt >= p.max_attempts > 1:
                self._give_up(error, "attempts_exhausted")
            return False
        self._own_s = decision.backoff_s(p, self._attempt, self._own_s, self._where.draw())
        self.wait_s = max(self._own_s, told_s or 0.0)
        if self.wait_s >= remaining_s():
            self._give_up(error, "no_time_left")
            return False
        if not self._budget.take():
            self._give_up(error, "budget_exhausted")
            if self._stage.raise_exhausted:
                ended.error = None
                name = self._where.dependency
                of = f" of `{name}`" if name else ""
                raise BudgetExhausted(
                    f"retry budget{of} is empty: attempt {self._attempt + 1} of "
                    f"{p.max_attempts} is not made"
                ) from error
            return False
        self._where.counts.add("retries")
        return True

    def _give_up(self, error: Exception | None, why: str) -> None:
        self._where.counts.add(why)
        if error is not None:
            MARKS.set_on(error)


def attempt_outcome(error: Exception | None) -> int:
    """How an attempt ended, as the decision names it; a judged value is a wrong answer."""
    if isinstance(error, ConnectionError):
        return ATTEMPT_REFUSED
    return ATTEMPT_TIMEOUT if isinstance(error, TimeoutError) else ATTEMPT_ERROR


def outcome(ended: Ended) -> Any:
    """The last end, as the callee gave it: its error itself, or its value."""
    error, ended.error = ended.error, None
    if error is None:
        return ended.value
    try:
        raise error
    finally:
        del error  # it holds this frame, by its traceback: no ring left to the collector
