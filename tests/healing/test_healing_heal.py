"""Healing: ladders, strategies, their order and what they may do wrong."""

from __future__ import annotations

import asyncio

import pytest
from ill_component import ILL, LADDER, WELL, Build, Strategy, fail, fall_ill, policy, succeed

from hms.agents.healing import (
    HealingAction,
    Issue,
    NoAction,
    ReconnectionAttempted,
    RecoveryLevel,
    ResourcesScaled,
    Restarted,
    UnifiedHealingConfig,
    create_self_healing,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.recovery.escalation import InProcessSupervisor
from hms.errors import ConfigRefused, HealingFailed


def test_heal_follows_the_policys_ladder_and_waits_for_each_effect(
    healing: Build, clock: FakeClock
) -> None:
    done: list[str] = []

    async def use() -> list[HealingAction]:
        each = healing(policy=policy(**LADDER))
        each.register_target("reconnect", lambda issue, amount: done.append("reconnect"))
        each.register_target("restart", lambda issue, amount: done.append("restart"))
        await fall_ill(each, clock)
        taken = []
        for _ in range(5):
            taken.append(await each.heal())
            clock.advance(1.0)
            each.report(ILL)
        return taken

    reconnected = ReconnectionAttempted(True)
    waiting = NoAction()
    assert asyncio.run(use()) == [reconnected, waiting, waiting, Restarted(), waiting]
    assert done == ["reconnect", "restart"]


def test_a_component_that_is_well_again_is_left_alone(healing: Build, clock: FakeClock) -> None:
    async def use() -> list[HealingAction]:
        each = healing(policy=policy(**LADDER))
        each.register_target("reconnect", lambda issue, amount: None)
        await fall_ill(each, clock)
        taken = [await each.heal()]
        for _ in range(10):
            clock.advance(1.0)
            each.report(WELL)
            taken.append(await each.heal())
        return taken

    assert asyncio.run(use()) == [ReconnectionAttempted(True)] + [NoAction()] * 10


def test_a_step_that_nobody_carries_out_is_passed_over_for_the_next(
    healing: Build, clock: FakeClock
) -> None:
    async def use() -> HealingAction:
        each = healing(policy=policy(**LADDER))
        each.register_target("restart", lambda issue, amount: None)
        await fall_ill(each, clock)
        return await each.heal()

    assert asyncio.run(use()) == Restarted()


def test_without_a_restart_target_nothing_is_restarted_and_the_supervisor_is_told_once(
    healing: Build, clock: FakeClock
) -> None:
    async def use() -> list[HealingAction]:
        each = healing(policy=policy(errors=[{"act": "restart"}]), supervisor=supervisor)
        await fall_ill(each, clock)
        return [await each.heal() for _ in range(3)]

    supervisor = InProcessSupervisor()
    assert asyncio.run(use()) == [NoAction()] * 3
    (told,) = supervisor.escalations
    assert told.attempts == ("restart: no target is registered for it",)


def test_a_target_may_be_a_coroutine_and_say_what_it_did(healing: Build, clock: FakeClock) -> None:
    async def scale(issue: Issue, amount: float) -> HealingAction:
        return ResourcesScaled(f"{issue.kind}: {amount:g}")

    async def use() -> HealingAction:
        each = healing(policy=policy(errors=[{"act": "scale", "replicas": 2}]))
        each.register_target("scale", scale)
        await fall_ill(each, clock)
        return await each.heal()

    assert asyncio.run(use()) == ResourcesScaled("errors: 2")


def test_an_unknown_act_has_no_target(healing: Build) -> None:
    with pytest.raises(ConfigRefused, match="nearest: `restart`"):
        healing().register_target("restrat", lambda issue, amount: None)


def test_a_strategy_goes_before_the_ladders_step_of_its_level_or_above(
    healing: Build, clock: FakeClock
) -> None:
    def cannot(issue: Issue, amount: float) -> None:
        raise OSError("no room")

    async def use() -> list[str]:
        each = healing(policy=policy(errors=[{"act": "scale"}]))
        each.register_target("scale", cannot)
        for name, level in (
            ("high", RecoveryLevel.HIGH), ("medium", RecoveryLevel.MEDIUM),
            ("low", RecoveryLevel.LOW),
        ):
            each.register_strategy(Strategy(name, fail, level))
        await fall_ill(each, clock)
        with pytest.raises(HealingFailed):
            await each.heal()
        return [attempt.by for attempt in each.history]

    assert asyncio.run(use()) == ["low", "medium", "scale", "high"]


def test_where_a_strategy_acted_its_effect_is_waited_for_and_the_ladder_has_begun_nothing(
    healing: Build, clock: FakeClock
) -> None:
    done: list[str] = []

    async def use() -> list[HealingAction]:
        each = healing(policy=policy(**LADDER))
        each.register_target("reconnect", lambda issue, amount: done.append("reconnect"))
        each.register_strategy(Strategy("mine", succeed))
        await fall_ill(each, clock)
        return [await each.heal(), await each.heal()]

    assert asyncio.run(use()) == [ReconnectionAttempted(True), NoAction()]
    assert done == []


def test_healing_is_cut_off_at_its_timeout(healing: Build, clock: FakeClock) -> None:
    async def never(issue: Issue, amount: float) -> None:
        await asyncio.Event().wait()

    async def use() -> None:
        config = UnifiedHealingConfig("cart", healing_timeout=0.3)
        each = create_self_healing(config, policy(errors=[{"act": "restart"}]), clock=clock)
        each.register_target("restart", never)
        await fall_ill(each, clock)
        with pytest.raises(HealingFailed, match=r"restart: took longer than 0\.1 s"):
            await each.heal()

    asyncio.run(use())


def test_a_waiting_healer_that_is_cancelled_does_not_cancel_the_act(
    healing: Build, clock: FakeClock
) -> None:
    async def use() -> HealingAction:
        each = healing()
        done = asyncio.Event()

        async def slowly() -> HealingAction:
            await done.wait()
            return Restarted()

        each.register_strategy(Strategy("slow", slowly))
        await fall_ill(each, clock)
        first, second = (asyncio.create_task(each.heal()) for _ in range(2))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        done.set()
        with pytest.raises(asyncio.CancelledError):
            await second
        return await first

    assert asyncio.run(use()) == Restarted()


