"""Faults on purpose: a guarded dependency fails, is slow or hangs, and nothing of the code changes.

    faults = faults_of(healing)                      # within `with faults_kept() as faults_of:`
    faults.fail("db", times=3)                       # the next three calls
    faults.slow("db", 2.5, for_s=30)                 # every call within 30 s takes 2.5 s more
    faults.hang("db")                                # until `faults.end("db")`

A fault takes the place of the callee, inside every stage: the breaker counts it, a retry repeats
it, a time-out cuts it off. It reaches functions that the guard decorates, `guard.call` and
`guard.acall`; a `with` block and a generator have a body of their own, which nothing replaces.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hms.agents.healing.calls.guard import Guard
from hms.agents.healing.clock import Sleeper, sleeper_of
from hms.agents.healing.pipeline.deadline import remaining_s
from hms.agents.healing.pipeline.pipeline import Pipeline

if TYPE_CHECKING:
    from hms.agents.healing.standalone import StandaloneSelfHealing

HANG_S = 3600.0
Arguments = tuple[Any, ...]
Named = Mapping[str, Any]


@dataclass(slots=True)
class Fault:
    """What happens to calls: they take longer, then fail if there is an error.

    Attributes:
        times: how many calls are left that it happens to; None: all.
        until_s: on the instance's clock; None: without end.
        hangs: it gives up where the call's deadline is, as a socket does.
    """

    error: BaseException | None
    by_s: float
    times: int | None
    until_s: float | None
    hangs: bool = False


class Faults:
    """Faults of one instance's dependencies.

    Args:
        healing: the instance, or its synchronous facade.

    Attributes:
        calls: how many calls of each dependency got as far as its callee since the first
            fault was planned, also those that a fault met.
        met: how many of them a fault met.
    """

    def __init__(self, healing: Any) -> None:
        self.healing: StandaloneSelfHealing = getattr(healing, "healing", healing)
        self.calls: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self._planned: dict[str, deque[Fault]] = {}

    def fail(
        self,
        dependency: str,
        *,
        times: int | None = None,
        for_s: float | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Calls raise `error`, a ConnectionError where none is given."""
        raised = error or ConnectionError(f"injected: {dependency} fails")
        self._plan(dependency, Fault(raised, 0.0, times, self._until_s(for_s)))

    def slow(
        self, dependency: str, by_s: float, *, times: int | None = None, for_s: float | None = None
    ) -> None:
        """Calls take `by_s` seconds longer; on a fake clock they move it."""
        self._plan(dependency, Fault(None, by_s, times, self._until_s(for_s)))

    def hang(
        self, dependency: str, *, times: int | None = None, for_s: float | None = None
    ) -> None:
        """Calls do not come back: they end with the call's deadline, or an hour later."""
        error = TimeoutError(f"injected: {dependency} hangs")
        self._plan(dependency, Fault(error, HANG_S, times, self._until_s(for_s), hangs=True))

    def end(self, dependency: str | None = None) -> None:
        """No further fault, of one dependency or of all."""
        for name, planned in self._planned.items():
            if dependency in (None, name):
                planned.clear()

    def take_away(self) -> None:
        """Every guard is as it was."""
        self.end()
        for name in self._planned:
            guard = self.healing.dependencies.known(name)
            stages: Any = guard.pipeline if guard is not None else None
            if guard is not None and isinstance(stages, FaultyCalls):
                guard.use(stages.before)

    def _until_s(self, for_s: float | None) -> float | None:
        return None if for_s is None else self.healing.clock.now_s() + for_s

    def _plan(self, dependency: str, fault: Fault) -> None:
        self._planned.setdefault(dependency, deque()).append(fault)
        guard = self.healing.dependencies.known(dependency)
        if guard is not None and not isinstance(guard.pipeline, FaultyCalls):
            guard.use(guard.pipeline)  # one that is not yet known gets its faults when it is made

    def meet(self, guard: Guard) -> bool:
        """Whether faults of this guard are planned here."""
        name = guard.dependency
        return name in self._planned and self.healing.dependencies.known(name) is guard

    def next_of(self, dependency: str) -> Fault | None:
        """What happens to this call; those planned first come first."""
        self.calls[dependency] += 1
        planned = self._planned[dependency]
        now_s = self.healing.clock.now_s()
        while planned:
            fault = planned[0]
            over = fault.until_s is not None and now_s >= fault.until_s
            if over or fault.times == 0:
                planned.popleft()
                continue
            if fault.times is not None:
                fault.times -= 1
            self.met[dependency] += 1
            return fault
        return None


_ALL: list[Faults] = []
_USE = Guard.use


class FaultyCalls:
    """A guard's stages, around a callee that faults meet first."""

    def __init__(self, guard: Guard, before: Pipeline | None, faults: Faults) -> None:
        self.before = before
        self.inner = before or Pipeline.of(
            guard.breaker, name=guard.dependency, clock=faults.healing.clock,
            classification=guard.classification,
        )
        self._name, self._faults = guard.dependency, faults
        self._sleeper: Sleeper = sleeper_of(faults.healing.clock)

    def __getattr__(self, name: str) -> Any:
        """Everything else is as it was."""
        return getattr(self.inner, name)

    def call(self, function: Callable[..., Any], args: Arguments, kwargs: Named) -> Any:
        """Make one call of a plain function."""

        def callee(*args: Any, **kwargs: Any) -> Any:
            fault = self._faults.next_of(self._name)
            if fault is not None:
                self._sleeper.sleep(span_of(fault))
                if fault.error is not None:
                    raise again(fault.error)
            return function(*args, **kwargs)

        return self.inner.call(callee, args, kwargs)

    async def acall(
        self, function: Callable[..., Awaitable[Any]], args: Arguments, kwargs: Named
    ) -> Any:
        """Make one call of a coroutine function."""

        async def callee(*args: Any, **kwargs: Any) -> Any:
            fault = self._faults.next_of(self._name)
            if fault is not None:
                await self._sleeper.sleep_async(fault.by_s)
                if fault.error is not None:
                    raise again(fault.error)
            return await function(*args, **kwargs)

        return await self.inner.acall(callee, args, kwargs)


def span_of(fault: Fault) -> float:
    """How long a thread is kept: what hangs gives up at the deadline, as a socket does."""
    return min(fault.by_s, remaining_s()) if fault.hangs else fault.by_s


def again(error: BaseException) -> BaseException:
    """The error without what it gathered when it was raised before."""
    error.__traceback__ = None
    return error


def faulty_use(guard: Guard, pipeline: Any) -> None:
    """In place of `Guard.use`: a new configuration does not take the faults away."""
    before = pipeline.before if isinstance(pipeline, FaultyCalls) else pipeline
    faults = next((each for each in _ALL if each.meet(guard)), None)
    stages: Any = before if faults is None else FaultyCalls(guard, before, faults)
    _USE(guard, stages)


@contextmanager
def faults_kept() -> Iterator[Callable[[Any], Faults]]:
    """Within it faults can be planned, for each instance; at its end every guard is as it was."""
    def faults_of(healing: Any) -> Faults:
        wanted = Faults(healing)
        found = next((each for each in _ALL if each.healing is wanted.healing), wanted)
        if found is wanted:
            _ALL.append(found)
        return found

    Guard.use = faulty_use  # type: ignore[method-assign, assignment]
    try:
        yield faults_of
    finally:
        Guard.use = _USE  # type: ignore[method-assign]
        for faults in _ALL:
            faults.take_away()
        _ALL.clear()
