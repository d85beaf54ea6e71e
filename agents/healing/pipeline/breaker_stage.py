"""A breaker as one stage of a pipeline: a permit around what is inside it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from hms.agents.healing.calls.classification import is_cancellation
from hms.agents.healing.pipeline.stage import AsyncStep, Call, Step, Surroundings

if TYPE_CHECKING:
    from hms.agents.healing.breaker.breaker import Breaker
    from hms.agents.healing.breaker.permit import Permit


class BreakerStage:
    """Asks the breaker, tells it how what is inside ended.

    A time-out of ours around it is a failure of the callee, also where the callee never ends;
    a caller's own cancellation says only that the callee was slow, if it was.
    """

    __slots__ = ("_number", "breaker")

    label = "Breaker"

    def __init__(self, breaker: Breaker) -> None:
        """The stage of this breaker."""
        self.breaker = breaker
        self._number = itertools.count().__next__

    def around(self, inner: Step, where: Surroundings) -> Step:
        """A permit around each call."""
        breaker = self.breaker

        def step(call: Call) -> Any:
            permit = breaker.admit()
            expiry = call.on_expiry
            number = self._number() if expiry is not None else 0
            if expiry is not None:
                expiry[number] = lambda: breaker.failed(permit, None)
            value, error = None, None
            try:
                value = inner(call)
            except BaseException as ended:
                error = ended
                raise
            finally:
                # an expired time-out has told it already: then the entry is gone
                if expiry is None or expiry.pop(number, None) is not None:
                    self.tell(permit, call, where, value, error)
                del error
            return value

        return step

    def around_async(self, inner: AsyncStep, where: Surroundings) -> AsyncStep:
        """The same for coroutines."""
        breaker = self.breaker

        async def step(call: Call) -> Any:
            permit = breaker.admit()
            try:
                value = await inner(call)
            except BaseException as error:
                self.tell(permit, call, where, None, error)
                raise
            self.tell(permit, call, where, value, None)
            return value

        return step

    def tell(
        self, permit: Permit, call: Call, where: Surroundings, value: Any,
        error: BaseException | None,
    ) -> None:
        """How the call ended: failed, came back right, or says nothing."""
        classification, breaker = where.classification, self.breaker
        if error is not None:
            if classification.counts(error) or (is_cancellation(error) and call.cut_by_us()):
                open_for_s = classification.open_for_s(error)
                breaker.failed(permit, error, open_for_s=open_for_s)
            else:
                breaker.ignored(permit, cancelled=is_cancellation(error))
            return
        if call.fell_back or not classification.judges:
            breaker.succeeded(permit)
            return
        verdict = classification.verdict(value)
        if verdict.failed is None:
            breaker.ignored(permit)
        elif verdict.failed:
            breaker.failed(permit, open_for_s=verdict.open_for_s)
        else:
            breaker.succeeded(permit)
