"""Threads that do a call for a caller who may stop waiting for it.

Python cannot stop a thread. So the work goes on after its caller is freed, and says when it is
really over, for the place that it occupies. The threads are daemons: a hung callee does not
hold up the end of the process. Idle ones are kept for a while, the newest first.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any

from hms.agents.healing.pipeline.stage import Call, Left, Step

IDLE_S = 10.0


class Work:
    """One call in another thread."""

    __slots__ = ("_call", "_error", "_lock", "_over", "_then", "_value", "done")

    def __init__(self, call: Call) -> None:
        """Not begun."""
        self._call = call
        self.done = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None
        self._over = False
        self._then: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def perform(self, step: Step) -> None:
        """Do it, in this thread."""
        try:
            self._value = step(self._call)
        except BaseException as error:  # noqa: BLE001 (the caller raises it, if it still waits)
            self._error = error
        with self._lock:
            self._over = True
            then, self._then = self._then, []
        self.done.set()
        for each in then:
            each()

    @property
    def call(self) -> Call:
        """What it works on."""
        return self._call

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over

    def result(self) -> Any:
        """What it gave, once it is over; raises what it raised."""
        error, self._error = self._error, None
        if error is None:
            return self._value
        try:
            raise error
        finally:
            del error

    def when_over(self, then: Callable[[], None]) -> None:
        """Call `then` when it has ended, at once if it has."""
        with self._lock:
            if not self._over:
                self._then.append(then)
                return
        then()


def when_all_over(works: list[Left], then: Callable[[], None]) -> None:
    """Call `then` when the works, and what they in turn left behind, have ended."""
    if not works:
        then()
        return
    first, *others = works
    first.when_over(lambda: when_all_over([*first.call.left, *others], then))


def tell_expiry(call: Call) -> None:
    """Its caller no longer waits: whoever asked to know learns it, once."""
    while call.on_expiry:
        try:
            _, tell = call.on_expiry.popitem()
        except KeyError:  # it ended just now, and has the word itself
            return
        tell()


class WorkerThreads:
    """Starts work in threads; grows with the works under way."""

    __slots__ = ("_idle", "_lock", "_number")

    def __init__(self) -> None:
        """No thread yet."""
        self._idle: list[Worker] = []
        self._lock = threading.Lock()
        self._number = 0

    def start(self, step: Step, call: Call, wake: Callable[[], None] | None = None) -> Work:
        """Begin a call in a thread, with the context variables of this one.

        Args:
            wake: called there when it has ended.
        """
        work = Work(call)
        if wake is not None:
            work.when_over(wake)
        context = copy_context()
        self._worker().jobs.put(lambda: context.run(work.perform, step))
        return work

    def rest(self, worker: Worker) -> None:
        """It has nothing to do."""
        with self._lock:
            self._idle.append(worker)

    def dismiss(self, worker: Worker) -> bool:
        """Whether it may end: nobody has chosen it meanwhile."""
        with self._lock:
            if worker not in self._idle:
                return False
            self._idle.remove(worker)
            return True

    def forget(self) -> None:
        """In a forked child no thread of its parent exists."""
        self._idle = []
        self._lock = threading.Lock()

    def _worker(self) -> Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            self._number += 1
            number = self._number
        worker = Worker(self, f"hms-call-{number}")
        worker.start()
        return worker


class Worker(threading.Thread):
    """One thread, from job to job."""

    def __init__(self, threads: WorkerThreads, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._threads = threads

    def run(self) -> None:
        """Until nothing came for a while."""
        while True:
            try:
                job = self.jobs.get(timeout=IDLE_S)
            except Empty:
                if self._threads.dismiss(self):
                    return
                job = self.jobs.get()  # it was chosen just now: its job is on the way
            job()
            del job  # an idle thread keeps nothing of the call alive
            self._threads.rest(self)


WORKERS = WorkerThreads()
os.register_at_fork(after_in_child=WORKERS.forget)
