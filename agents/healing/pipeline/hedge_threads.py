"""Hedged plain functions: each call in a thread of its own, losers left to end."""

from __future__ import annotations

import threading
from typing import Any

from hms.agents.healing.pipeline.deadline import current, passed, remaining_s
from hms.agents.healing.pipeline.hedge import Hedge, Race
from hms.agents.healing.pipeline.stage import Call, Step, Surroundings
from hms.agents.healing.pipeline.worker_threads import WORKERS, Work, tell_expiry

FOREVER_S = threading.TIMEOUT_MAX


def hedged(hedge: Hedge, inner: Step, where: Surroundings) -> Step:
    """The step that races calls of `inner`."""
    now_s = where.clock.now_s

    def step(call: Call) -> Any:
        began_s = now_s()
        if hedge.knows_too_little:
            value = Race(hedge, where).won(1, inner(call))
        elif hedge.quantile is None and hedge.delay_s is None:
            value = in_turn(Race(hedge, where), inner, call)
        else:
            value = ThreadRace(hedge, inner, where, call).run()
        hedge.learn(now_s() - began_s)
        return value

    return step


def in_turn(race: Race, inner: Step, call: Call) -> Any:
    """Without a delay a further call follows a failure: no thread is needed."""
    paid = False
    while True:
        try:
            value = inner(call)
        except Exception as error:  # noqa: BLE001 (raised by `failed`, now, or by `lost`)
            race.failed(race.started, error)
        else:
            return race.won(race.started, value)
        finally:
            if paid:
                race.budget.finished()
        paid = race.may_start()
        if not paid:
            raise race.lost()


class ThreadRace:
    """One hedged call under way."""

    __slots__ = ("_call", "_hedge", "_inner", "_race", "_where", "_woken", "_works")

    def __init__(self, hedge: Hedge, inner: Step, where: Surroundings, call: Call) -> None:
        self._hedge = hedge
        self._inner = inner
        self._where = where
        self._call = call
        self._race = Race(hedge, where)
        self._works: dict[int, Work] = {}
        self._woken = threading.Event()

    def run(self) -> Any:
        """The first right answer.

        Raises:
            CallTimeout: the call's deadline came first.
        """
        try:
            return self._run()
        finally:
            for work in self._works.values():
                self._call.left.append(work)

    def _run(self) -> Any:
        race, wait_s = self._race, self._hedge.wait_s()
        self._start(1)
        by_time = wait_s is not None
        while True:
            if wait_s == 0.0 and by_time:
                while race.may_start():
                    self._start(race.started)
                by_time = False
            waits_s = FOREVER_S
            if by_time and wait_s is not None and race.started < self._hedge.max_calls:
                waits_s = wait_s
            self._where.sleeper.wait(self._woken, min(waits_s, remaining_s()))
            self._woken.clear()
            over = [number for number, work in self._works.items() if work.over]
            for number in over:
                work = self._works.pop(number)
                self._call.left += work.call.left
                try:
                    value = work.result()
                except BaseException as error:  # noqa: BLE001 (`failed` raises what ends all)
                    race.failed(number, error)
                    continue
                self._call.fell_back = work.call.fell_back
                return race.won(number, value)
            if not over:
                self._require_time()
            if race.may_start():
                self._start(race.started)
            elif not over:
                by_time = False  # refused once: the first calls go on alone
            if not self._works:
                raise race.lost()

    def _require_time(self) -> None:
        deadline = current.get()
        if deadline is not None and remaining_s() <= 0.0:
            self._where.counts.add("timeouts")
            for work in self._works.values():
                tell_expiry(work.call)
            raise passed(deadline[1])

    def _start(self, number: int) -> None:
        branch = self._call.branch()
        branch.on_expiry = {}
        work = WORKERS.start(self._inner, branch, self._woken.set)
        self._works[number] = work
        if number > 1:
            work.when_over(self._race.budget.finished)
