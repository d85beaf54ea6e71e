"""Healing: ladders, strategies, their order and what they may do wrong."""

from __future__ import annotations

import asyncio

import pytest
from ill_component import ILL, LADDER, WELL, Build, Strategy, fail, fall_ill, hang, policy, succeed

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


def test_an_act_nobody_carries_out_has_failed_and_the_next_step_follows(
    healing: Build, clock: FakeClock
) -> None:
    async def use() -> HealingAction:
        each = healing(policy=policy(**LADDER))
        each.register_target("restart", lambda issue, amount: None)
        await fall_ill(each, clock)
        with pytest.raises(HealingFailed, match="no target is registered for `reconnect`"):
            await each.heal()
        clock.advance(3.0)
        each.report(ILL)
        return await each.heal()

    assert asyncio.run(use()) == Restarted()


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
    with pytest.raises(ConfigRefused, match="nearest: restart"):
        healing().register_target("restrat", lambda issue, amount: None)


def test_q1_custom_strategies_go_by_level_then_priority_then_registration(
    healing: Build, clock: FakeClock
) -> None:
    async def use() -> list[str]:
        each = healing()
        for name, level, priority in (
            ("d", RecoveryLevel.MEDIUM, 99), ("a", RecoveryLevel.LOW, 10),
            ("b", RecoveryLevel.LOW, 20), ("c", RecoveryLevel.LOW, 20),
        ):
            each.register_strategy(Strategy(name, fail, level, priority))
        await fall_ill(each, clock)
        with pytest.raises(HealingFailed) as failed:
            await each.heal()
        return [attempt.partition(":")[0] for attempt in failed.value.attempts]

    assert asyncio.run(use()) == ["b", "c", "a", "d"]


def test_a_strategy_goes_before_the_ladders_step_of_its_level_or_above(
    healing: Build, clock: FakeClock
) -> None:
    async def use() -> list[str]:
        each = healing(policy=policy(errors=[{"act": "scale"}]))
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


def test_where_a_strategy_helped_the_ladder_has_begun_nothing(
    healing: Build, clock: FakeClock
) -> None:
    async def use() -> list[HealingAction]:
        each = healing(policy=policy(**LADDER))
        each.register_strategy(Strategy("mine", succeed))
        await fall_ill(each, clock)
        return [await each.heal(), await each.heal()]

    assert asyncio.run(use()) == [ReconnectionAttempted(True)] * 2


def test_q2_a_strategy_that_raises_or_hangs_has_failed_and_the_next_is_tried(
    healing: Build, clock: FakeClock
) -> None:
    async def use() -> tuple[HealingAction, list[str]]:
        config = UnifiedHealingConfig("cart", healing_timeout=0.3)
        each = create_self_healing(config, clock=clock)
        for name, does in (("raises", fail), ("hangs", hang), ("works", succeed)):
            each.register_strategy(Strategy(name, does))
        await fall_ill(each, clock)
        action = await each.heal()
        return action, [attempt.error for attempt in each.history]

    action, errors = asyncio.run(use())
    assert action == ReconnectionAttempted(True)
    assert errors == ["OSError: no route", "took longer than 0.1 s", ""]


def test_healing_is_cut_off_at_its_timeout(healing: Build, clock: FakeClock) -> None:
    async def never(issue: Issue, amount: float) -> None:
        await asyncio.Event().wait()

    async def use() -> None:
        config = UnifiedHealingConfig("cart", healing_timeout=0.05)
        each = create_self_healing(config, policy(errors=[{"act": "restart"}]), clock=clock)
        each.register_target("restart", never)
        await fall_ill(each, clock)
        with pytest.raises(HealingFailed, match=r"cut off after 0\.05 s"):
            await each.heal()

    asyncio.run(use())


def test_q3_a_strategy_whose_can_handle_raises_is_passed_over(
    healing: Build, clock: FakeClock
) -> None:
    def broken(issue: Issue) -> bool:
        raise ValueError("which issue?")

    async def use() -> HealingAction:
        each = healing()
        each.register_strategy(Strategy("broken", fail, able=broken))
        each.register_strategy(Strategy("not for this", fail, able=lambda issue: False))
        each.register_strategy(Strategy("works", succeed))
        await fall_ill(each, clock)
        return await each.heal()

    assert asyncio.run(use()) == ReconnectionAttempted(True)


def test_q6_callers_at_the_same_time_share_one_action(healing: Build, clock: FakeClock) -> None:
    async def use() -> tuple[list[HealingAction], int]:
        each = healing()
        done = asyncio.Event()

        async def slowly() -> HealingAction:
            await done.wait()
            return Restarted()

        strategy = Strategy("slow", slowly)
        each.register_strategy(strategy)
        await fall_ill(each, clock)
        healers = [asyncio.create_task(each.heal()) for _ in range(32)]
        await asyncio.sleep(0)
        done.set()
        return await asyncio.gather(*healers), len(strategy.asked)

    actions, asked = asyncio.run(use())
    assert actions == [Restarted()] * 32
    assert asked == 1


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


def test_q10_while_a_dependency_is_cut_off_the_errors_are_not_the_components_own(
    healing: Build, clock: FakeClock
) -> None:
    async def use() -> tuple[HealingAction, Issue]:
        each = healing(policy=policy(errors=[{"act": "restart"}]))
        each.register_target("restart", lambda issue, amount: None)
        strategy = Strategy("looks", fail)
        each.register_strategy(strategy)
        await each.initialize()
        each.guard("db").breaker.report_calls(ok=0, failed=10, slow=0)
        await fall_ill(each, clock)
        with pytest.raises(HealingFailed):
            await each.heal()
        return each.history[-1].action or NoAction(), strategy.asked[0]

    action, issue = asyncio.run(use())
    assert action == NoAction()
    assert (issue.kind, issue.dependency_states) == ("dependency", {"db": "open"})


def test_q21_with_auto_healing_off_issues_are_seen_and_nothing_is_done(clock: FakeClock) -> None:
    async def use() -> HealingAction:
        config = UnifiedHealingConfig("cart", auto_healing_enabled=False)
        each = create_self_healing(config, policy(**LADDER), clock=clock)
        strategy = Strategy("works", succeed)
        each.register_strategy(strategy)
        await fall_ill(each, clock)
        assert not (await each.check_health()).is_healthy
        action = await each.heal()
        assert strategy.asked == []
        return action

    assert asyncio.run(use()) == NoAction()
