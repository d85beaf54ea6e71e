"""An in-process supervisor: children started in order, watched, started again, stopped in reverse.

When a child is started again, when all are given up, who is stopped first and who is killed is
decided by `agents.policy.supervision`, by Erlang's rules. Here are the coroutines: a child says
how it starts, stops and is killed, on one asyncio loop; time is the injected clock's.

    supervisor = ChildSupervisor([Child("reader", start=reader.start, stop=reader.stop)])
    await supervisor.start()

A crash is the supervisor's own business. What ails a child that runs (errors, a leak, slowness) is
a healing instance's, which may restart it: `ProcessRestart(supervisor.target("reader"))`.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hms.agents.healing.clock import Clock, MonotonicClock, sleeper_of
from hms.agents.policy.guard import GuardState
from hms.agents.policy.supervision import (
    LEAVE,
    RESTART_NAMES,
    START,
    SupervisionParameters,
    after_end,
    must_kill,
    nth_to_stop,
)
from hms.errors import ConfigRefused

if TYPE_CHECKING:
    import asyncio

EVENTS_HELD = 256
STOPPED, RUNNING, ESCALATED = "stopped", "running", "escalated"


@dataclass(frozen=True, slots=True)
class Child:
    """One unit that a supervisor looks after.

    Attributes:
        name: unique among its siblings.
        start: makes it run. May return an `asyncio.Future` (a task) that ends when the child does;
            one that returns anything else reports its end by `ChildSupervisor.ended`.
        stop: asks it to end and returns once it has; None: it is killed at once.
        kill: ends it whatever it does; None: what `start` returned is cancelled.
        kind: permanent (always started again), transient (if it crashed), temporary (never).
    """

    name: str
    start: Callable[[], Awaitable[object]]
    stop: Callable[[], Awaitable[object]] | None = None
    kill: Callable[[], object] | None = None
    kind: str = RESTART_NAMES[0]


@dataclass(frozen=True, slots=True)
class ChildEvent:
    """What happened to a child: started, ended, start_failed, stopped, stop_failed, killed.

    `escalated` has no child. `at_s` is the supervisor's clock, `detail` an error in words.
    """

    at_s: float
    child: str
    what: str
    detail: str = ""


class ChildTarget:
    """One child as the target of `strategies.restart.ProcessRestart`, from any thread or loop."""

    __slots__ = ("name", "supervisor")

    def __init__(self, supervisor: ChildSupervisor, name: str) -> None:
        self.supervisor = supervisor
        self.name = name

    async def restart(self) -> None:
        """Stop the child and start it anew; where all were given up or stopped, start them all.

        Raises:
            ConfigRefused: the supervisor was never started.
            Exception: what the child's start raised.
        """
        import asyncio

        home = self.supervisor.loop
        if home is None:
            raise ConfigRefused("the supervisor was never started\n    expected: await start()")
        if home is asyncio.get_running_loop():
            await self._restart()
        else:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._restart(), home))

    async def _restart(self) -> None:
        if self.supervisor.state == RUNNING:
            await self.supervisor.restart(self.name)
        else:
            await self.supervisor.start()


class ChildSupervisor:
    """Looks after its children on one asyncio loop.

    Args:
        children: in the order of their start.
        parameters: how many restarts within how many seconds are fine, and the time to stop.
        clock: monotonic; tests give one they move.
        escalate: told in words, once, when all were given up; may be a coroutine function.

    Attributes:
        loop: on which it was started first; None before that.
        state: "stopped", "running", or "escalated" when all children were given up.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        parameters: SupervisionParameters | None = None,
        clock: Clock | None = None,
        escalate: Callable[[str], object] | None = None,
    ) -> None:
        """Build a supervisor; nothing is started yet.

        Raises:
            ConfigRefused: two children of one name, an unknown kind, a limit out of range.
        """
        self.parameters = parameters or SupervisionParameters()
        self.state = STOPPED
        self.events: deque[ChildEvent] = deque(maxlen=EVENTS_HELD)
        self._children = tuple(children)
        self._clock = clock or MonotonicClock()
        self._escalate = escalate
        self._ends = GuardState()
        self._running: dict[str, asyncio.Future[Any] | None] = {}
        self._tasks: set[asyncio.Future[Any]] = set()
        self._lock: asyncio.Lock | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        _check(self._children, self.parameters)

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the children that run, in the order of their latest start."""
        return tuple(self._running)

    async def start(self) -> None:
        """Start all children in order; those started are stopped again if one does not start.

        Raises:
            Exception: what the child's start raised.
        """
        import asyncio

        async with self._locked():
            if self.state == RUNNING:
                return
            self.loop = asyncio.get_running_loop()
            self.state = RUNNING
            self._ends = GuardState()
            for child in self._children:
                error = await self._started(child)
                if error is not None:
                    await self._stop_all()
                    self.state = STOPPED
                    raise error

    async def stop(self) -> None:
        """Stop all children, the last one started first; one that ignores it is killed."""
        async with self._locked():
            await self._stop_all()
            if self.state == RUNNING:
                self.state = STOPPED

    async def restart(self, name: str) -> None:
        """Stop a child and start it again by order, which is no failure and is not counted.

        Raises:
            ConfigRefused: no such child.
            Exception: what its start raised; it is down then.
        """
        child = self._named(name)
        async with self._locked():
            if name in self._running:
                await self._stop_one(child)
            error = await self._started(child)
            if error is not None:
                raise error

    def target(self, name: str) -> ChildTarget:
        """This child as what a restart strategy restarts.

        Raises:
            ConfigRefused: no such child.
        """
        return ChildTarget(self, self._named(name).name)

    async def ended(self, name: str, error: BaseException | None = None) -> None:
        """A child ended by itself: normally, or by an error.

        Raises:
            ConfigRefused: no such child.
        """
        child = self._named(name)
        async with self._locked():
            if self.state == RUNNING and name in self._running:
                await self._after_end(child, error)

    async def _after_end(self, child: Child, error: BaseException | None) -> None:
        del self._running[child.name]
        self._note(child.name, "ended", _words(error))
        kind = RESTART_NAMES.index(child.kind)
        while True:
            now_s = self._clock.now_s()
            verdict = after_end(self._ends, self.parameters, kind, error is not None, now_s)
            if verdict == LEAVE:
                return
            if verdict != START:
                await self._give_up(child, error)
                return
            error = await self._started(child)
            if error is None:
                return

    async def _give_up(self, child: Child, error: BaseException | None) -> None:
        limit = self.parameters
        reason = (
            f"`{child.name}` ended ({_words(error) or 'normally'}) after {limit.restarts} restarts "
            f"within {limit.within_s:g} s: all children stopped"
        )
        await self._stop_all()
        self.state = ESCALATED
        self._note("", "escalated", reason)
        if self._escalate is not None:
            told = self._escalate(reason)
            if inspect.isawaitable(told):
                await told

    async def _started(self, child: Child) -> Exception | None:
        """Start one child; the error if it did not."""
        import asyncio

        try:
            life = await child.start()
        except Exception as error:  # noqa: BLE001 - a supervisor outlives its children
            self._note(child.name, "start_failed", _words(error))
            return error
        watched = life if isinstance(life, asyncio.Future) else None
        self._running[child.name] = watched
        self._note(child.name, "started")
        if watched is not None:
            watched.add_done_callback(lambda over: self._life_over(child.name, over))
        return None

    def _life_over(self, name: str, life: asyncio.Future[Any]) -> None:
        import asyncio

        error = asyncio.CancelledError() if life.cancelled() else life.exception()
        if self._running.get(name) is life:  # else it was stopped, or runs anew already
            self._keep(asyncio.ensure_future(self._life_ended(name, life, error)))

    async def _life_ended(
        self, name: str, life: asyncio.Future[Any], error: BaseException | None
    ) -> None:
        async with self._locked():
            if self.state == RUNNING and self._running.get(name) is life:
                await self._after_end(self._named(name), error)

    async def _stop_all(self) -> None:
        running = list(self._running)
        for n in range(len(running)):
            await self._stop_one(self._named(running[nth_to_stop(len(running), n)]))

    async def _stop_one(self, child: Child) -> None:
        """Ask it to stop and wait for that; kill it when its time is over."""
        import asyncio

        life = self._running.pop(child.name)
        if child.stop is None:
            self._kill(child, life)
            return
        asked_s = self._clock.now_s()
        stopping = asyncio.ensure_future(child.stop())
        await asyncio.sleep(0.0)  # a child that stops at once does not touch the clock
        while not stopping.done():
            left_s = asked_s + self.parameters.stop_s - self._clock.now_s()
            if must_kill(self.parameters, asked_s, self._clock.now_s()):
                stopping.cancel()  # not waited for: it may ignore that, too
                self._keep(stopping)
                self._kill(child, life)
                return
            waiting = asyncio.ensure_future(sleeper_of(self._clock).sleep_async(left_s))
            await asyncio.wait({stopping, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        error = None if stopping.cancelled() else stopping.exception()
        if error is not None:
            self._note(child.name, "stop_failed", _words(error))
            self._kill(child, life)
            return
        self._note(child.name, "stopped")

    def _kill(self, child: Child, life: asyncio.Future[Any] | None) -> None:
        try:
            if child.kill is not None:
                child.kill()
            elif life is not None:
                life.cancel()
        except Exception as error:  # noqa: BLE001 - the siblings are still to be stopped
            self._note(child.name, "stop_failed", _words(error))
        self._note(child.name, "killed")

    def _keep(self, task: asyncio.Future[Any]) -> None:
        """Hold a task until it is over, and take what it raises: nobody else looks."""
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._note("", "stop_failed", _words(error))

    def _note(self, child: str, what: str, detail: str = "") -> None:
        self.events.append(ChildEvent(self._clock.now_s(), child, what, detail))

    def _named(self, name: str) -> Child:
        for child in self._children:
            if child.name == name:
                return child
        known = ", ".join(each.name for each in self._children)
        raise ConfigRefused(f"no child `{name}`\n    expected: {known or 'no children at all'}")

    def _locked(self) -> asyncio.Lock:
        import asyncio

        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock


def _check(children: Sequence[Child], limits: SupervisionParameters) -> None:
    names = [child.name for child in children]
    for child in children:
        if names.count(child.name) > 1:
            raise ConfigRefused(f"two children are named `{child.name}`")
        if child.kind not in RESTART_NAMES:
            raise ConfigRefused(
                f"child `{child.name}` is {child.kind}\n    expected: {', '.join(RESTART_NAMES)}"
            )
    if not (0 <= limits.restarts <= 9 and limits.within_s > 0.0 and limits.stop_s >= 0.0):
        raise ConfigRefused(
            f"{limits}\n    expected: 0 to 9 restarts, within_s above 0, stop_s 0 or above"
        )


def _words(error: BaseException | None) -> str:
    return "" if error is None else f"{type(error).__name__}: {error}".removesuffix(": ")
