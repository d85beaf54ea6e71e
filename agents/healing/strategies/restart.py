"""Restarted: the component's work begins anew, in one of three ways (7.3).

A pair of callables stops and starts whatever the component is within its process. A supervised
child is a process of its own. `ServiceManagerRestart` ends the whole process with exit code 75
("try again", sysexits.h), for a service manager that then starts it anew; it is never used
unasked: whoever builds one says so.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar, Protocol

from hms.agents.healing.actions import HealingAction, Restarted
from hms.agents.healing.interface import Issue
from hms.agents.healing.strategies.built_in import BuiltIn, called
from hms.agents.policy.kinds import RESTART
from hms.errors import ConfigRefused

EXIT_CODE = 75
HANDLES = ("errors", "slow", "memory", "unresponsive")


class RestartTarget(Protocol):
    """Something that can be stopped and started."""

    async def restart(self) -> None:
        """Stop it, and start it anew; raising means that it does not run."""
        ...


class CallablePair:
    """Stops and starts by two callables of the component, plain or coroutine functions."""

    def __init__(self, stop: Callable[[], Any], start: Callable[[], Any]) -> None:
        self._stop, self._start = stop, start

    async def restart(self) -> None:
        """Stop, then start; where stopping raises, starting is tried all the same."""
        try:
            await called(self._stop)
        finally:
            await called(self._start)


class SupervisedChild:
    """A process that this one started, and starts anew.

    Args:
        command: program and arguments; no shell.
        grace_s: between the request to end and the end by force.
        settle_s: how long it must run to count as started.
    """

    def __init__(
        self, command: Sequence[str], grace_s: float = 5.0, settle_s: float = 0.2
    ) -> None:
        self.command = list(command)
        self.grace_s, self.settle_s = grace_s, settle_s
        self.starts = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """Of the running child; 0 if there is none."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else 0

    def start(self) -> None:
        """Start it, unless it runs."""
        with self._lock:
            self._start()

    def stop(self) -> None:
        """Ask it to end, and end it by force after the grace."""
        with self._lock:
            self._stop()

    async def restart(self) -> None:
        """Stop and start.

        Raises:
            RuntimeError: it ended again at once.
        """
        await called(self._restart)

    def _restart(self) -> None:
        with self._lock:
            self._stop()
            self._start()
            child = self._child
        if child is None:
            return
        try:
            code = child.wait(self.settle_s)
        except subprocess.TimeoutExpired:
            return  # it runs
        raise RuntimeError(f"{self.command[0]} ended at once with exit code {code}")

    def _start(self) -> None:
        if not self.pid:
            self._child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL)
            self.starts += 1

    def _stop(self) -> None:
        child = self._child
        if child is None or child.poll() is not None:
            return
        child.terminate()
        try:
            child.wait(self.grace_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class ServiceManagerRestart:
    """Ends this process with exit code 75, for its service manager to start it anew.

    Args:
        end_this_process: must be True: the reader sees what this does.
        before: what is to be done first: flush, close, say goodbye.
        leave: ends the process; tests give one that does not.
    """

    def __init__(
        self,
        *,
        end_this_process: bool,
        before: Callable[[], Any] | None = None,
        leave: Callable[[int], Any] = os._exit,
    ) -> None:
        if end_this_process is not True:
            raise ConfigRefused("a host process is not ended unasked: end_this_process=True")
        self._before, self._leave = before, leave

    async def restart(self) -> None:
        """Leave."""
        if self._before is not None:
            await called(self._before)
        self._leave(EXIT_CODE)


class ProcessRestart(BuiltIn):
    """Restarts a target; disruptive, so that the guard is asked; nothing takes it back."""

    act: ClassVar[int] = RESTART
    expected_effect: ClassVar[str] = "answers again, errors and memory as after a start"

    def __init__(
        self, target: RestartTarget, *, handles: Collection[str] = HANDLES, **declared: Any
    ) -> None:
        super().__init__(handles, **declared)
        self.target = target

    async def perform(self, issue: Issue, amount: float) -> HealingAction:
        """Restart it."""
        await self.target.restart()
        return Restarted()
