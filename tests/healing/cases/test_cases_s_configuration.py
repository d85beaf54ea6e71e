"""Cases S8 to S13: configuration at run time."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hms.agents.healing import AdaptiveConfig
from hms.agents.healing.breaker.breaker import Breaker
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.configuration.adapted_values import Adaptation
from hms.agents.healing.configuration.configuration import Configuration
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import BreakerParameters
from hms.errors import BreakerOpen, ConfigRefused

WALL_S = 1_700_000_000.0
SPECIFICATION = {"circuit_breaker": {"failure_threshold": 10, "reset_timeout": 60}}
Build = Callable[..., StandaloneSelfHealing]


@pytest.fixture
def switching() -> Iterator[None]:
    """Threads give way after a microsecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def config(
    parameters: Any, timestamp: float = WALL_S, source: str = "optimization"
) -> AdaptiveConfig:
    return AdaptiveConfig(parameters, source, timestamp)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(breaker.admit())


def test_s8_the_specifications_example_holds_for_a_live_breaker(
    healing: Build, clock: FakeClock
) -> None:
    each = healing()
    breaker = each.guard("db").breaker

    async def apply() -> None:
        await each.initialize()
        await each.apply_config(config(SPECIFICATION))

    asyncio.run(apply())
    fail(breaker, 9)
    assert breaker.phase == "closed"
    fail(breaker, 1)
    assert breaker.phase == "open"
    clock.advance(59.999)
    with pytest.raises(BreakerOpen):
        breaker.admit()
    clock.advance(0.001)
    assert breaker.admit().probe


@pytest.mark.parametrize(
    "wrong",
    [
        {"circuit_breaker": {"failure_threshold": 0}},
        {"circuit_breaker": {"failure_treshold": 3}},
        {"circuit_breaker": {"failure_threshold": True}},
    ],
    ids=["bad", "unknown", "true"],
)
def test_s9_one_mistake_and_nothing_is_applied(wrong: dict[str, Any]) -> None:
    installed: list[Adaptation] = []
    each = Configuration(HealingPolicy(), lambda: WALL_S, installed.append)
    with pytest.raises(ConfigRefused, match="circuit_breaker"):
        each.apply(config({"retry": {"base_s": 0.5}, **wrong}))
    assert (each.in_force, each.version, each.refused, installed) == (Adaptation(), 0, 1, [])
    (row,) = each.audit
    assert (row.outcome, row.version, row.source) == ("refused", 0, "optimization")
    assert "circuit_breaker" in row.reason
    assert "base_s" in row.parameters


def test_s10_what_is_older_or_replayed_is_refused() -> None:
    each = Configuration(HealingPolicy(), lambda: WALL_S)
    each.apply(config(SPECIFICATION))
    for timestamp in (WALL_S, WALL_S - 1.0):
        with pytest.raises(ConfigRefused, match="older than, or a repetition of"):
            each.apply(config({"retry": {"base_s": 0.5}}, timestamp))
    assert each.version == 1
    each.apply(config(SPECIFICATION, WALL_S - 1.0, "another"))
    each.apply(config(SPECIFICATION, WALL_S + 1.0))
    assert each.version == 3


def test_s11_threads_that_call_see_all_old_or_all_new(
    clock: FakeClock, switching: None
) -> None:
    breaker = Breaker("db", BreakerParameters(), clock=clock, draw=lambda: 0.5)

    def install(in_force: Adaptation) -> None:
        breaker.reconfigure(in_force.of_group("breaker", BreakerParameters(), "db"))

    each = Configuration(HealingPolicy(), lambda: WALL_S + 200.0, install)
    pairs = [(1.0, 11, 0.125), (2.0, 12, 0.25), (3.0, 13, 0.5)]
    seen: set[tuple[float, int, float]] = set()
    in_force: set[int] = set()
    done = threading.Event()

    def call() -> None:
        while not done.is_set():
            breaker.succeeded(breaker.admit())
            held = breaker.parameters
            seen.add((held.open_s, held.window_calls, held.failure_rate))
            in_force.add(len(each.in_force.values))

    threads = [threading.Thread(target=call) for _ in range(32)]
    for thread in threads:
        thread.start()
    for number in range(60):
        open_s, calls, rate = pairs[number % 3]
        told = {"open_s": open_s, "window_calls": calls, "failure_rate": rate}
        each.apply(config({"breaker": told}, WALL_S + number))
    done.set()
    for thread in threads:
        thread.join()
    default = BreakerParameters()
    first = (default.open_s, default.window_calls, default.failure_rate)
    assert seen <= {*pairs, first}
    assert in_force <= {0, 3}
    assert each.version == 60


def test_s12_what_the_operator_set_stays() -> None:
    each = Configuration(HealingPolicy(), lambda: WALL_S)
    each.apply(config({"breaker": {"open_s": 7.0}}), "operator")
    for door in ("supervisor", "local"):
        each.apply(config({"breaker": {"open_s": 3.0, "window_calls": 30}}), door)
        single = {"dependencies": {"db": {"open_s": 2.0}}}
        each.apply(config({"circuit_breaker": single}, WALL_S + 1.0), door)
    held = each.in_force.of_group("breaker", BreakerParameters(), "db")
    assert (held.open_s, held.window_calls) == (7.0, 30)
    assert "stays 7.0: a higher door's" in each.audit[1].reason
    each.apply(config({"breaker": {"open_s": 4.0}}, WALL_S + 2.0), "operator")
    assert each.in_force.values["breaker.open_s"] == 4.0


def test_s13_rolled_back_the_old_values_hold_under_a_new_version() -> None:
    each = Configuration(HealingPolicy(), lambda: WALL_S)
    first = each.apply(config({"breaker": {"open_s": 7.0}}))
    each.apply(config({"breaker": {"open_s": 8.0, "window_calls": 30}}, WALL_S + 1.0))
    assert each.rollback(1) == first
    assert each.version == 3
    assert each.rollback(0) == Adaptation()
    assert each.version == 4
    assert [row.outcome for row in each.audit] == [
        "applied", "applied", "rolled back", "rolled back",
    ]  # fmt: skip
