"""Section 9: thread safety, resources, persistence.

The long and random forms: test_healing_threads.py, test_healing_breaker_threads.py (200,000 calls
of 32 threads), test_store_kill.py (kill -9), test_bench_levels.py.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from component_under_test import ERRORS, LEVELS, WELL, Component, Does

from hms.agents.healing import AdaptiveConfig
from hms.agents.healing.testing import FakeClock
from hms.errors import BreakerOpen

Build = Callable[..., Component]
THREADS = 8


def in_threads(work: Callable[[], Any]) -> None:
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


@pytest.mark.parametrize("level", LEVELS)
def test_9_1_threads_share_an_instance_and_no_count_is_lost(
    component: Build, level: str
) -> None:
    cart = component(level).start()
    read = cart.healing.guard("db")(lambda: "row")
    in_threads(lambda: [(cart.healing.report(WELL), read()) for _ in range(200)])
    assert cart.healing.health.accepted + cart.healing.refused_reports == THREADS * 200
    assert cart.healing.guard("db").metrics().ok == THREADS * 200


@pytest.mark.parametrize("level", LEVELS)
def test_9_1_a_transition_is_atomic_one_opening_is_one_event(
    component: Build, level: str
) -> None:
    cart = component(level)
    guard, events = cart.healing.guard("db"), []
    cart.healing.dependencies.listen(lambda event: events.append(event.kind))
    barrier = threading.Barrier(THREADS)

    def fail() -> None:
        barrier.wait()
        for _ in range(50):
            try:
                with guard:
                    raise OSError("down")
            except (OSError, BreakerOpen):
                continue

    in_threads(fail)
    assert events.count("opened") == 1


def test_9_1_many_who_heal_at_once_cause_one_act(component: Build) -> None:
    strategy = Does("reconnect")
    cart = component()
    cart.healing.register_strategy(strategy)
    cart.start()
    for _ in range(4):
        cart.clock.advance(1.0)
        cart.healing.report(ERRORS)
    in_threads(lambda: asyncio.run(cart.healing.heal()))
    assert len(strategy.asked) == 1


@pytest.mark.parametrize(("level", "kib"), [("Basic", 16), ("Advanced", 64), ("Full", 256)])
def test_9_2_a_level_keeps_to_its_memory(component: Build, level: str, kib: int) -> None:
    import gc
    import tracemalloc

    component(level).start()
    gc.collect()
    tracemalloc.start()
    kept = [component(level).start() for _ in range(10)]
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] / len(kept) / 1024.0
    tracemalloc.stop()
    assert taken <= kib


class Process:
    """One process after another, of one component with one store; the wall clock goes on."""

    def __init__(self, tmp_path: Path, clock: FakeClock) -> None:
        self.url = f"sqlite:///{tmp_path}/hms.db"
        self.clock = clock

    def lives(self, component: Build, work: Callable[[Component], Any]) -> Any:
        cart = component("Full", store=self.url, instance_id="1")
        cart.start()
        try:
            return work(cart)
        finally:
            cart.run(cart.healing.close())


@pytest.fixture
def process(tmp_path: Path, clock: FakeClock) -> Process:
    return Process(tmp_path, clock)


def test_9_3_breaker_state_survives(component: Build, process: Process) -> None:
    def opens(cart: Component) -> None:
        for _ in range(10):
            with pytest.raises(OSError), cart.healing.guard("db"):
                raise OSError("down")

    process.lives(component, opens)
    phase = process.lives(component, lambda cart: cart.healing.guard("db").breaker.phase)
    assert phase == "open"


def test_9_3_recovery_history_is_maintained(component: Build, process: Process) -> None:
    def heals(cart: Component) -> None:
        cart.healing.register_strategy(Does("reconnect", kind="errors"))
        cart.live(5, ERRORS)

    process.lives(component, heals)
    assert process.lives(component, lambda cart: cart.done) == ["reconnect"]


def test_9_3_learning_is_preserved(component: Build, process: Process) -> None:
    def learns(cart: Component) -> Any:
        cart.healing.register_strategy(Does("reconnect"))
        cart.live(4, ERRORS)
        cart.live(20, WELL)
        return cart.healing.effectiveness.rows()

    learned = process.lives(component, learns)
    assert learned
    assert process.lives(component, lambda cart: cart.healing.effectiveness.rows()) == learned


def test_9_3_configuration_persists(component: Build, process: Process) -> None:
    told = AdaptiveConfig({"breaker": {"open_s": 33.0}}, "optimization", 1.7e9)
    process.lives(component, lambda cart: cart.run(cart.healing.apply_config(told)))

    def seen(cart: Component) -> tuple[int, float]:
        open_s = cart.healing.guard("db").breaker.parameters.open_s
        return cart.healing.configuration_version, open_s

    assert process.lives(component, seen) == (1, 33.0)
