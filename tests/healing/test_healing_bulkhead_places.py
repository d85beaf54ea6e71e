"""Places are never lost nor made: beside a model, and under threads that never rest."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hms.agents.healing.clock import MonotonicClock
from hms.agents.healing.pipeline.bulkhead import Bulkhead
from hms.agents.healing.pipeline.places import Places, Waiter
from hms.errors import BulkheadFull


class PlacesBesideAModel(RuleBasedStateMachine):
    """Two numbers and a list say what places, tokens, debt and queue must come to."""

    def __init__(self) -> None:
        super().__init__()
        self.places = Places(2, 3)
        self.limit, self.taken = 2, 0
        self.queue: list[Waiter] = []
        self.refused = 0
        self.woken: list[Waiter] = []
        self.lock_free = not self.places.watched

    def fill(self) -> None:
        while self.queue and self.taken < self.limit:
            self.queue.pop(0)
            self.taken += 1

    @rule()
    def take(self) -> None:
        wanted = self.taken < self.limit and not self.queue
        assert self.places.take() == wanted
        self.taken += wanted

    @rule()
    def ask(self) -> None:
        if self.taken < self.limit and not self.queue:
            assert self.places.ask(lambda: None) is None
            self.taken += 1
        elif len(self.queue) < 3:
            waiter = self.places.ask(lambda: None)
            assert waiter is not None
            self.queue.append(waiter)
        else:
            with pytest.raises(IndexError):
                self.places.ask(lambda: None)
            self.refused += 1

    @precondition(lambda self: self.taken > 0)
    @rule(quick=st.booleans())
    def leave(self, quick: bool) -> None:
        if quick:  # as the fused path does
            self.places.free.append(None)
            if self.places.watched:
                self.places.settle()
        else:
            self.places.leave()
        self.taken -= 1
        self.fill()

    @precondition(lambda self: self.taken == 0)
    @rule()
    def leave_what_nobody_has(self) -> None:
        with pytest.raises(ValueError, match="more places"):
            self.places.leave()

    @precondition(lambda self: self.queue)
    @rule(data=st.data(), cancelled=st.booleans())
    def give_up(self, data: Any, cancelled: bool) -> None:
        waiter = self.queue.pop(data.draw(st.integers(0, len(self.queue) - 1)))
        if cancelled:
            self.places.withdraw(waiter)
        else:
            assert self.places.gave_up(waiter)
            self.refused += 1
        self.fill()

    @rule(limit=st.integers(1, 5))
    def resize(self, limit: int) -> None:
        self.places.resize(limit)
        self.limit = limit
        self.fill()

    @invariant()
    def is_as_the_model(self) -> None:
        wanted = (self.limit, self.taken, len(self.queue), self.refused)
        assert self.places.numbers() == wanted
        assert all(not each.granted for each in self.queue)
        if not self.queue and self.taken <= self.limit and self.lock_free:
            self.places.take() and self.places.leave()  # settles what a resize left
            assert not self.places.watched


TestPlaces = PlacesBesideAModel.TestCase


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads change places at every chance."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("queue", [0, 4])
def test_no_place_is_lost_or_made_under_threads_and_resizes(restless: None, queue: int) -> None:
    bulkhead = Bulkhead(3, queue=queue, max_wait_s=0.002)
    clock, most, under_way = MonotonicClock(), [0], [0]
    counting = threading.Lock()

    def work(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(400):
            try:
                bulkhead.enter(clock)
            except BulkheadFull:
                continue
            with counting:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
            if draw.random() < 0.05:
                bulkhead.resize(draw.randint(1, 4))
            with counting:
                under_way[0] -= 1
            bulkhead.leave()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    told = bulkhead.metrics()
    assert (told.running, told.waiting) == (0, 0)
    assert len(bulkhead.places.free) == told.limit
    assert 1 <= most[0] <= 4


def test_waiting_threads_all_get_their_turn(restless: None) -> None:
    bulkhead, clock, turns = Bulkhead(1, queue=8), MonotonicClock(), []

    def work(number: int) -> None:
        for _ in range(200):
            bulkhead.enter(clock)
            turns.append(number)
            bulkhead.leave()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30.0)
    assert len(turns) == 1600
    assert bulkhead.metrics().running == 0
