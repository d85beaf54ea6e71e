"""What a pipeline is made of: stages around a call, and what they must know of each other.

A stage takes the step inside it and gives the step around it, once for threads and once for
coroutines. Steps are built once a pipeline; what one call needs travels in its `Call`.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias

from hms.agents.healing.calls.classification import EVERY_ERROR, Classification, Errors
from hms.agents.healing.clock import Clock, Sleeper
from hms.errors import ConfigRefused

if TYPE_CHECKING:
    from hms.agents.healing.breaker.breaker import Breaker
    from hms.agents.healing.pipeline.retry_budget import RetryBudget


class Expiring(Protocol):
    """A limit of ours around a call, such as `asyncio.Timeout`."""

    def expired(self) -> bool:
        """Whether it has cut the call."""
        ...


class Left(Protocol):
    """Work that outlived its caller's patience."""

    @property
    def call(self) -> Call:
        """What it works on; may leave work behind in its turn."""
        ...

    def when_over(self, then: Callable[[], None]) -> None:
        """Call `then` when it has ended, at once if it has."""
        ...


class Call:
    """One protected call on its way through the stages; belongs to one thread or task.

    Attributes:
        limits: time-outs of ours around a coroutine, outermost first.
        on_expiry: what to tell when a time-out frees its caller while the work goes on; None
            where no such time-out stands around. Whoever removes an entry has the word.
        left: work that outlived a time-out and still occupies what it took.
        fell_back: the value is a fallback's, no success of the callee.
        ended: how the first attempt ended, where a fused pipeline made it.
        started_s: when that attempt started.
    """

    __slots__ = (
        "args", "ended", "fell_back", "function", "kwargs", "left", "limits", "on_expiry",
        "started_s",
    )  # fmt: skip

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        """A call that nothing has happened to."""
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.limits: tuple[Expiring, ...] = ()
        self.on_expiry: dict[int, Callable[[], None]] | None = None
        self.left: list[Left] = []
        self.fell_back = False
        self.ended: Ended | None = None
        self.started_s = 0.0

    def branch(self) -> Call:
        """The same call for another thread or task."""
        other = Call(self.function, self.args, self.kwargs)
        other.limits = self.limits
        other.on_expiry = self.on_expiry
        return other

    def cut_by_us(self) -> bool:
        """Whether a time-out of ours cancelled it, and no caller."""
        return any(limit.expired() for limit in self.limits)


@dataclass(slots=True)
class Ended:
    """How an attempt ended: with an error, or with a value that is judged a failure.

    Attributes:
        marks: the number of exhausted retries in the process before the call (retry.py).
    """

    error: Exception | None
    value: Any
    marks: int


Step: TypeAlias = Callable[[Call], Any]
AsyncStep: TypeAlias = Callable[[Call], Awaitable[Any]]


class Counts:
    """How often what happened, by name; for rare events, since it locks."""

    __slots__ = ("_counts", "_lock")

    def __init__(self) -> None:
        """Nothing happened."""
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, name: str) -> None:
        """It happened once more."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + 1

    def taken(self) -> dict[str, int]:
        """All of them, of one moment."""
        with self._lock:
            return dict(self._counts)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the stages of one pipeline share.

    Attributes:
        dependency: the callee, for messages; may be empty.
        draw: a number in [0, 1).
        budget: one for all retries and hedges, whatever stage asks.
        breakers: those in the pipeline: no hedge is sent while one is half-open.
        depositors: the ids of the stages that deposit for a success, one for each budget.
        counts: what the stages did.
    """

    dependency: str
    clock: Clock
    sleeper: Sleeper
    draw: Callable[[], float]
    budget: RetryBudget
    classification: Classification = EVERY_ERROR
    breakers: tuple[Breaker, ...] = ()
    depositors: frozenset[int] = frozenset()
    counts: Counts = field(default_factory=Counts)


class Stage(Protocol):
    """One layer of a pipeline."""

    @property
    def label(self) -> str:
        """Its name in `describe()`."""
        ...

    def around(self, inner: Step, where: Surroundings) -> Step:
        """The step of threads."""
        ...

    def around_async(self, inner: AsyncStep, where: Surroundings) -> AsyncStep:
        """The step of coroutines."""
        ...


def matcher(on: Errors | None, stage: str) -> Callable[[BaseException], bool]:
    """Whether an error is one of `on`; an interruption or cancellation never is.

    Raises:
        ConfigRefused: nothing is named, or what interrupts a program is.
    """
    if on is None or on == ():
        raise ConfigRefused(f"{stage}: `on` is missing\n    expected: the errors that are meant")
    if isinstance(on, type | tuple):
        types = on if isinstance(on, tuple) else (on,)
        for kind in types:
            if not (isinstance(kind, type) and issubclass(kind, Exception)):
                raise ConfigRefused(
                    f"{stage}: `on` names {kind!r}\n    expected: subclasses of Exception; what "
                    "cancels or interrupts is never caught"
                )
        return lambda error: isinstance(error, types)
    asked = on
    return lambda error: isinstance(error, Exception) and bool(asked(error))


class GaveCoroutine(BaseException):
    """A plain function gave a coroutine: the call has not begun, and is one to be awaited.

    Neutral to every stage, as no `Exception` is; whoever began the pipeline catches it.
    """


def invoke(call: Call) -> Any:
    """The innermost step: the callee."""
    value = call.function(*call.args, **call.kwargs)
    if type(value) is CoroutineType:
        not_here(value)
    return value


def not_here(coroutine: CoroutineType[Any, Any, Any]) -> NoReturn:
    """Leave it unbegun."""
    coroutine.close()
    raise GaveCoroutine


async def invoke_async(call: Call) -> Any:
    """The innermost step: the callee."""
    return await call.function(*call.args, **call.kwargs)
