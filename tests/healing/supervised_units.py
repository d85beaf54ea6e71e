"""Children of a supervisor that write down what is done to them, on a fake clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.supervision import Child, ChildSupervisor
from hms.agents.policy.supervision import SupervisionParameters


class Unit:
    """A child that writes down what is done to it."""

    def __init__(self, name: str, log: list[str], *, fails: int = 0, ignores: bool = False) -> None:
        self.name, self.log, self.fails, self.ignores = name, log, fails, ignores

    async def start(self) -> None:
        if self.fails > 0 and f"start {self.name}" in self.log:
            self.fails -= 1
            self.log.append(f"no start {self.name}")
            raise OSError("port taken")
        self.log.append(f"start {self.name}")

    async def stop(self) -> None:
        self.log.append(f"stop {self.name}")
        if self.ignores:
            await asyncio.Event().wait()

    def kill(self) -> None:
        self.log.append(f"kill {self.name}")


class Family:
    """A supervisor of units on a fake clock."""

    def __init__(self, clock: FakeClock, *units: Unit, **limits: Any) -> None:
        self.clock, self.told = clock, list[str]()
        children = [Child(u.name, u.start, u.stop, u.kill) for u in units]
        self.supervisor = ChildSupervisor(
            children, parameters=SupervisionParameters(**limits), clock=clock,
            escalate=self.told.append,
        )

    def run(self, scenario: Callable[[ChildSupervisor], Awaitable[None]]) -> None:
        async def whole() -> None:
            await self.supervisor.start()
            await scenario(self.supervisor)

        asyncio.run(whole())


def units(log: list[str], **c: Any) -> list[Unit]:
    return [Unit("a", log), Unit("b", log), Unit("c", log, **c)]
