"""One round of healing: how long it may take, one try within its limit, what failed so far."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hms.errors import HealingFailed

if TYPE_CHECKING:
    import asyncio

STRATEGY_SHARE = 1.0 / 3.0  # of the time for all, for one strategy
LEAST_S = 1e-3  # with less left nothing is begun

# How a try ended.
DONE, RAISED, CUT = "done", "raised", "cut"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try ended; `value` is what it gave back, `error` how it failed."""

    end: str
    value: Any = None
    error: str = ""


@dataclass(slots=True)
class HealingRound:
    """The limits of one `heal()`.

    Args:
        timeout_s: for the whole round; one strategy gets a third of it at most.
    """

    timeout_s: float
    attempts: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    abandoned: int = 0
    _ends_s: float = 0.0

    def start(self) -> None:
        """The time runs from now, on the event loop's clock."""
        self._ends_s = running_loop().time() + self.timeout_s

    @property
    def left_s(self) -> float:
        """What is left of it."""
        return max(self._ends_s - running_loop().time(), 0.0)

    @property
    def is_over(self) -> bool:
        """Whether too little is left to begin anything."""
        return self.left_s < LEAST_S

    def limit_s(self, own_limit_s: float = 0.0) -> float:
        """How long one strategy may take: its own limit, a third of all, what is left."""
        limit_s = min(self.timeout_s * STRATEGY_SHARE, self.left_s)
        return min(limit_s, own_limit_s) if own_limit_s > 0.0 else limit_s

    async def attempt(
        self, by: str, do: Callable[..., Any], *given: Any, own_limit_s: float = 0.0
    ) -> Outcome:
        """One try, cut off at its limit; a failure is noted in `attempts`.

        A plain function runs in a thread of its own, so that one which hangs holds up nobody.
        One that does not stop when it is cut off is left behind.
        """
        import asyncio  # slow to import, and whoever gets here has it

        limit_s = self.limit_s(own_limit_s)
        task = asyncio.ensure_future(in_own_time(do, *given))
        try:
            await asyncio.wait({task}, timeout=limit_s)
        finally:
            if not task.done():
                task.cancel()
        if not task.done():
            await asyncio.sleep(0)  # one turn in which it may stop
            self.abandoned += not task.done()
            task.add_done_callback(look_at)
            return self._failed(by, CUT, f"took longer than {limit_s:.3g} s")
        if task.cancelled():
            return self._failed(by, RAISED, "cancelled itself")
        error = task.exception()
        if error is not None:
            return self._failed(by, RAISED, f"{type(error).__name__}: {error}")
        return Outcome(DONE, task.result())

    def failure(self) -> HealingFailed:
        """Everything that failed, as the error that `heal()` raises."""
        return HealingFailed(self.attempts)

    def _failed(self, by: str, end: str, error: str) -> Outcome:
        self.attempts.append(f"{by}: {error}")
        return Outcome(end, None, error)


def running_loop() -> asyncio.AbstractEventLoop:
    """The loop of whoever heals."""
    import asyncio

    return asyncio.get_running_loop()


def look_at(task: asyncio.Future[Any]) -> None:
    """Take notice of how a task left behind ended, so that nothing warns about it."""
    if not task.cancelled():
        task.exception()


async def in_own_time(do: Callable[..., Any], *given: Any) -> Any:
    """The result of a coroutine function, or of a plain one in a thread of its own."""
    if inspect.iscoroutinefunction(do):
        return await do(*given)
    result = await in_thread(do, *given)
    return await result if inspect.isawaitable(result) else result


async def in_thread(do: Callable[..., Any], *given: Any) -> Any:
    """Call it in a daemon thread: the loop's own pool would be waited for when it closes."""
    import asyncio
    import contextlib
    import contextvars
    import threading

    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)

    def work() -> None:
        result, failure = None, None
        try:
            result = context.run(do, *given)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, name=f"heal {getattr(do, '__name__', '')}", daemon=True).start()
    return await answer
