"""What somebody who looks at the log at night can read there, in order."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import pytest
from ill_component import ILL, WELL, Build, Strategy, fail, succeed

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.interface import HealthMetrics, HealthStatus
from hms.agents.healing.loop import HealLoop
from hms.agents.healing.recovery.escalation import InProcessSupervisor


def test_the_log_tells_an_illness_its_acts_and_its_end(
    healing: Build, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    cart = healing()
    cart.register_strategy(Strategy("reopen", fail, priority=2))
    cart.register_strategy(Strategy("reconnect", succeed))
    rounds = HealLoop(cart)

    async def live(seconds: int, metrics: HealthMetrics) -> None:
        for _ in range(seconds):
            clock.advance(1.0)
            cart.report(metrics)
            await rounds.round()

    async def use() -> None:
        await cart.initialize()
        await live(5, ILL)
        await live(10, WELL)

    asyncio.run(use())
    assert caplog.messages == [
        "cart: reopen against errors (50 % errors, 20 ms, 0 MB)",
        "cart: reopen against errors failed: OSError: no route",
        "cart: reconnect against errors (50 % errors, 20 ms, 0 MB)",
        "cart is Critical: 50 % errors",
        "cart is Healthy",
        "cart: reconnect against errors was effective",
    ]
    assert {each.levelno for each in caplog.records} == {logging.WARNING}


def test_the_log_tells_what_is_beyond_an_instance(
    healing: Build, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    cart = healing()

    async def use() -> None:
        await cart.initialize()
        for _ in range(5):
            clock.advance(1.0)
            cart.report(ILL)
            await cart.heal()

    asyncio.run(use())
    (told,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert told.getMessage() == (
        "cart cannot heal errors (50 % errors, 20 ms, 0 MB): nobody here can handle it"
    )


def test_the_log_tells_once_that_a_supervisor_is_not_there(
    healing: Build, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Gone(InProcessSupervisor):
        def health(self, component_id: str, status: HealthStatus) -> None:
            raise ConnectionError("no route")

    cart = healing(supervisor=Gone())

    async def use() -> None:
        await cart.initialize()
        for _ in range(3):
            clock.advance(1.0)
            await HealLoop(cart).round()

    asyncio.run(use())
    assert caplog.messages == [
        "cart: its supervisor raised ConnectionError('no route'); healing goes on, "
        "further errors are only counted"
    ]
    assert cart.escalated.errors == 3


def test_the_log_tells_that_a_breaker_opens_and_why_and_closes_again(
    healing: Build, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    db = healing().guard("db")

    def no() -> None:
        raise OSError("no")

    for _ in range(12):
        with suppress(OSError):
            db.call(no)
        if db.breaker.phase == "open":
            break
    clock.advance(5.0)
    for _ in range(3):
        db.call(str)
    assert caplog.messages == [
        "breaker of `db` opens for 4.75 s: failure rate 100.0 % of 10 >= 50 %",
        "breaker of `db` is closed again",
    ]
