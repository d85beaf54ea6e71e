"""Again, after a failure: the loop around the decisions of `agents.policy.retry`.

The first attempt pays nothing but the deposit of its success: the loop is entered by a failure.
A retry is paid for before it waits, never sleeps past a deadline, and is never made of a
refusal, since a breaker that is open cannot close sooner for being asked again.

Where a retry gives up, it marks the error: a retry around it, of another layer, does not start
all over (retry_marks.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hms.agents.healing.calls.classification import Errors
from hms.agents.healing.pipeline.retry_after import told_retry_after_s
from hms.agents.healing.pipeline.retry_budget import RetryBudget
from hms.agents.healing.pipeline.retry_loop import Loop
from hms.agents.healing.pipeline.retry_marks import MARKS
from hms.agents.healing.pipeline.stage import (
    AsyncStep,
    Call,
    Ended,
    Step,
    Surroundings,
    matcher,
)
from hms.agents.policy.parameters import RetryParameters, rows
from hms.errors import CallRefused, ConfigRefused

JITTERS = {"none": 0, "full": 1, "equal": 2, "decorrelated": 3}


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
        raise_exhausted: where the budget refuses a retry, raise `BudgetExhausted` from the
            callee's error, which else is what the caller gets.
        parameters: the numbers above as the table's group, from a policy.

    Raises:
        ConfigRefused: `on` is missing, or a number is outside its legal range.
    """

    __slots__ = (
        "_idempotent", "_judge", "_on", "_retry_after", "budget", "parameters", "raise_exhausted",
    )  # fmt: skip

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
        raise_exhausted: bool = False,
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
        self.raise_exhausted = raise_exhausted
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
