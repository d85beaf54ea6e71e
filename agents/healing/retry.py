"""Again, after a failure: the loop around the decisions of `agents.policy.retry`.

The first attempt pays nothing but the deposit of its success: the loop is entered by a failure.
A retry is paid for before it waits, never sleeps past a deadline, and is never made of a
refusal, since a breaker that is open cannot close sooner for being asked again.

Where a retry gives up, it marks the error: a retry around it, of another layer, does not start
all over (three attempts within three would be nine calls). A mark is a number that rises
through the process, so that an error object raised again in a later call is no longer marked.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from hms.agents.healing.classification import Errors
from hms.agents.healing.deadline import remaining_s
from hms.agents.healing.retry_after import told_retry_after_s
from hms.agents.healing.retry_budget import RetryBudget
from hms.agents.healing.stage import (
    AsyncStep,
    Call,
    Ended,
    Step,
    Surroundings,
    matcher,
)
from hms.agents.policy import retry as decision
from hms.agents.policy.kinds import (
    ATTEMPT_ERROR,
    ATTEMPT_REFUSED,
    ATTEMPT_TIMEOUT,
    ATTEMPT_UNAVAILABLE,
)
from hms.agents.policy.parameters import RetryParameters, rows
from hms.errors import CallRefused, ConfigRefused

JITTERS = {"none": 0, "full": 1, "equal": 2, "decorrelated": 3}
MARK = "_hms_retries_exhausted"
CAUSES_FOLLOWED = 10


class Marks:
    """The number of the last exhausted retry in this process."""

    __slots__ = ("_next", "last")

    def __init__(self) -> None:
        """None yet."""
        self._next = itertools.count(1).__next__
        self.last = 0

    def set_on(self, error: BaseException) -> None:
        """The retries for this error are over, for every layer around."""
        self.last = error.__dict__[MARK] = self._next()

    def newer(self, error: BaseException, before: int) -> bool:
        """Whether it, or what caused it, was marked since."""
        cause: BaseException | None = error
        for _ in range(CAUSES_FOLLOWED):
            if cause is None:
                return False
            if cause.__dict__.get(MARK, 0) > before:
                return True
            cause = cause.__cause__
        return False


MARKS = Marks()


class Retry:
    """A stage that makes a failed call again.

    Args:
        on: the errors worth another attempt: types, or a question asked of an error. There is
            no default, since most errors are not.
        max_attempts: calls in all, the first included.
        base_s: wait before the first retry, in seconds.
        multiplier: from one wait to the next.
        max_s: the longest wait of its own; a Retry-After may ask for more.
        jitter: "none", "full", "equal" or "decorrelated".
        budget: shared by all who call the dependency. Without one the pipeline makes its own,
            of the table's defaults: 10 tokens, a tenth of one back for each success.
        judge: whether a returned value is a failure.
        retry_after: what an error or a judged value says of when to come again, in seconds.
        idempotent: False: only a call whose connection was refused is made again, since it
            cannot have been begun.
        parameters: the numbers above as the table's group, from a policy.

    Raises:
        ConfigRefused: `on` is missing, or a number is outside its legal range.
    """

    __slots__ = ("_idempotent", "_judge", "_on", "_retry_after", "budget", "parameters")

    label = "Retry"

    def __init__(
        self,
        on: Errors | None = None,
        *,
        max_attempts: int = 3,
        base_s: float = 0.1,
        multiplier: float = 2.0,
        max_s: float = 2.0,
        jitter: str = "full",
        budget: RetryBudget | None = None,
        judge: Callable[[Any], bool] | None = None,
        retry_after: Callable[[Any], float | None] = told_retry_after_s,
        idempotent: bool = True,
        parameters: RetryParameters | None = None,
    ) -> None:
        self._on = matcher(on, "Retry")
        if jitter not in JITTERS:
            raise ConfigRefused(f"Retry: jitter is {jitter!r}\n    expected: {', '.join(JITTERS)}")
        if parameters is None:
            parameters = RetryParameters(
                max_attempts=max_attempts, base_s=base_s, multiplier=multiplier, max_s=max_s,
                jitter_kind=JITTERS[jitter], retry_on_error=True,
            )
            check_ranges(parameters)
        self.parameters = parameters
        self.budget = budget
        self._idempotent = idempotent
        self._judge = judge
        self._retry_after = retry_after

    def around(self, inner: Step, where: Surroundings) -> Step:
        """First attempt, then the loop if it failed."""
        loop = Loop(self, where)
        deposit, bad, watch = loop.deposit, loop.bad, loop.budget.watches_calls

        def step(call: Call) -> Any:
            before = MARKS.last
            try:
                value = inner(call)
            except Exception as error:  # noqa: BLE001 (`outcome` raises it again)
                ended = Ended(error, None, before)
            else:
                if bad is None or not bad(value):
                    if not call.fell_back:
                        deposit()
                    return value
                ended = Ended(None, value, before)
            return loop.go_on(inner, call, ended)

        return loop.watched(step) if watch else step

    def around_async(self, inner: AsyncStep, where: Surroundings) -> AsyncStep:
        """The same for coroutines."""
        loop = Loop(self, where)
        deposit, bad, watch = loop.deposit, loop.bad, loop.budget.watches_calls

        async def step(call: Call) -> Any:
            before = MARKS.last
            try:
                value = await inner(call)
            except Exception as error:  # noqa: BLE001 (`outcome` raises it again)
                ended = Ended(error, None, before)
            else:
                if bad is None or not bad(value):
                    if not call.fell_back:
                        deposit()
                    return value
                ended = Ended(None, value, before)
            return await loop.go_on_async(inner, call, ended)

        return loop.watched_async(step) if watch else step

    def worth_it(self, error: Exception | None) -> bool:
        """Whether it is one of `on`, and no refusal; None: a judged value."""
        if not self._idempotent and not isinstance(error, ConnectionRefusedError):
            return False
        return error is None or (not isinstance(error, CallRefused) and self._on(error))

    def told_s(self, ended: Ended, where: Surroundings) -> float | None:
        """When the callee said to come again, in seconds; what is no such number is nothing.

        The reader is foreign code: what it raises must not hide the error that it was to read.
        """
        try:
            told = self._retry_after(ended.value if ended.error is None else ended.error)
        except Exception:  # noqa: BLE001 (counted)
            where.counts.add("retry_after_errors")
            return None
        return told if told is not None and 0.0 < told < math.inf else None

    @property
    def judges(self) -> bool:
        """Whether it has a judge of its own."""
        return self._judge is not None

    def judged_by(self, where: Surroundings) -> Callable[[Any], bool | None] | None:
        """What judges values: its own judge, else the pipeline's, else none.

        A judge that raises says nothing, and is counted.
        """
        own = self._judge
        if own is None:
            return where.classification.bad if where.classification.judges else None

        def judge(value: Any) -> bool | None:
            try:
                return own(value)
            except Exception:  # noqa: BLE001 (counted)
                where.counts.add("judge_errors")
                return None

        return judge


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
        """Whether to go on after `wait_s`; then a token was taken."""
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


def check_ranges(parameters: RetryParameters) -> None:
    """Refuse what the table does not allow, by name.

    Raises:
        ConfigRefused: a value is of the wrong type, no number, or out of range.
    """
    for row in rows("retry", RetryParameters):
        value = getattr(parameters, row.path.removeprefix("retry."))
        if isinstance(value, bool) != (row.kind is bool):
            raise ConfigRefused(f"{row.path} is {value!r}\n    expected: {row.kind.__name__}")
        if not row.least <= value <= row.most and value != row.off:
            raise ConfigRefused(
                f"{row.path} is {value!r}\n    expected: {row.least:g} to {row.most:g}"
            )
