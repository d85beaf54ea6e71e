"""Hedged coroutines: tasks of asyncio, losers cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hms.agents.healing.pipeline.hedge import Hedge, Race
from hms.agents.healing.pipeline.stage import AsyncStep, Call, Surroundings

TURNS = 3  # of the loop, in which a cancelled task usually ends


def hedged_async(hedge: Hedge, inner: AsyncStep, where: Surroundings) -> AsyncStep:
    """The step that races calls of `inner`."""
    now_s = where.clock.now_s

    async def step(call: Call) -> Any:
        began_s = now_s()
        if hedge.knows_too_little:
            value = await inner(call)
            hedge.learn(now_s() - began_s)
            return Race(hedge, where).won(1, value)
        race = TaskRace(hedge, inner, where, call)
        try:
            value = await race.run()
        except BaseException:
            await race.cancel_all()
            raise
        hedge.learn(now_s() - began_s)
        await race.drop_losers()
        return value

    return step


class TaskRace:
    """One hedged call under way."""

    __slots__ = ("_call", "_hedge", "_inner", "_race", "_tasks")

    def __init__(
        self, hedge: Hedge, inner: AsyncStep, where: Surroundings, call: Call
    ) -> None:
        self._hedge = hedge
        self._inner = inner
        self._call = call
        self._race = Race(hedge, where)
        self._tasks: dict[asyncio.Task[Any], tuple[int, Call]] = {}

    async def run(self) -> Any:
        """The first right answer."""
        race, wait_s = self._race, self._hedge.wait_s()
        self._start(1)
        by_time = wait_s is not None
        while True:
            if wait_s == 0.0 and by_time:
                while race.may_start():
                    self._start(race.started)
                by_time = False
            done, _ = await asyncio.wait(
                self._tasks, timeout=wait_s if by_time and self._may_grow() else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                number, branch = self._tasks.pop(task)
                self._call.left += branch.left
                if not task.cancelled() and task.exception() is None:
                    self._call.fell_back = branch.fell_back
                    return race.won(number, task.result())
                race.failed(number, error_of(task))
            if race.may_start():
                self._start(race.started)
            elif not done:
                by_time = False  # refused once: the first calls go on alone
            if not self._tasks:
                raise race.lost()

    async def cancel_all(self) -> None:
        """All of them, and wait for their ends."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def drop_losers(self) -> None:
        """Cancel what still runs; what does not end at once goes on, and is said to be left."""
        losers = self._tasks
        for task in losers:
            task.cancel()
        for _ in range(TURNS):
            if all(task.done() for task in losers):
                break
            await asyncio.sleep(0.0)
        for task, (_, branch) in losers.items():
            self._call.left += branch.left
            if not task.done():
                self._call.left.append(LeftTask(task, branch))

    def _may_grow(self) -> bool:
        return self._race.started < self._hedge.max_calls

    def _start(self, number: int) -> None:
        branch = self._call.branch()

        async def made() -> Any:
            return await self._inner(branch)

        task = asyncio.create_task(made())
        self._tasks[task] = (number, branch)
        if number > 1:
            task.add_done_callback(lambda _: self._race.budget.finished())
        task.add_done_callback(look_at)


class LeftTask:
    """A loser that did not let itself be cancelled."""

    __slots__ = ("_call", "_task")

    def __init__(self, task: asyncio.Task[Any], call: Call) -> None:
        self._task = task
        self._call = call

    @property
    def call(self) -> Call:
        """What it works on."""
        return self._call

    def when_over(self, then: Callable[[], None]) -> None:
        """Call `then` when it has ended."""
        self._task.add_done_callback(lambda _: then())


def error_of(task: asyncio.Task[Any]) -> BaseException:
    """How a task that gave no value ended."""
    if task.cancelled():
        return asyncio.CancelledError()
    error = task.exception()
    assert error is not None
    return error


def look_at(task: asyncio.Task[Any]) -> None:
    """So that asyncio does not complain of a loser's error that nobody wants."""
    if not task.cancelled():
        task.exception()
