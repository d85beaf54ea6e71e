"""BREAKER-CASES, group Q, 1 to 10 and 21: strategies, their order, and what they may do wrong."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from ill_component import ILL, WELL, Build, Strategy, fail, fall_ill, hang, policy, succeed

from hms.agents.healing import (
    HealingAction,
    Issue,
    NoAction,
    ReconnectionAttempted,
    RecoveryLevel,
    Restarted,
    UnifiedHealingConfig,
    create_self_healing,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.recovery.act_ledger import ActLedger
from hms.agents.healing.recovery.escalation import InProcessSupervisor
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.errors import HealingFailed

LOW, MEDIUM = RecoveryLevel.LOW, RecoveryLevel.MEDIUM
DONE = ReconnectionAttempted(True)


async def pass_time(
    healing: StandaloneSelfHealing, clock: FakeClock, seconds: int, report: object = ILL
) -> list[HealingAction]:
    """A report and a heal each second; the answers."""
    answers = []
    for _ in range(seconds):
        clock.advance(1.0)
        healing.report(report)  # type: ignore[arg-type]
        answers.append(await healing.heal())
    return answers


def test_q1_level_then_priority_then_registration(healing: Build, clock: FakeClock) -> None:
    async def use() -> list[str]:
        each = healing()
        for name, level, priority in (
            ("a", LOW, 10), ("b", LOW, 20), ("c", LOW, 20), ("d", MEDIUM, 99),
        ):
            each.register_strategy(Strategy(name, fail, level, priority))
        await fall_ill(each, clock)
        with pytest.raises(HealingFailed) as failed:
            await each.heal()
        return [attempt.partition(":")[0] for attempt in failed.value.attempts]

    assert asyncio.run(use()) == ["b", "c", "a", "d"]


def test_q2_one_that_raises_or_hangs_has_failed_and_the_next_is_tried(clock: FakeClock) -> None:
    async def use() -> tuple[HealingAction, list[str], float]:
        config = UnifiedHealingConfig("cart", healing_timeout=0.3)
        each = create_self_healing(config, clock=clock)
        for name, does in (("raises", fail), ("hangs", hang), ("works", succeed)):
            each.register_strategy(Strategy(name, does))
        await fall_ill(each, clock)
        started = time.monotonic()
        action = await each.heal()
        return action, [one.error for one in each.history], time.monotonic() - started

    action, errors, took_s = asyncio.run(use())
    assert action == DONE
    assert errors == ["OSError: no route", "took longer than 0.1 s", ""]
    assert took_s < 0.3


def test_q3_can_handle_raises_skipped_and_counted(healing: Build, clock: FakeClock) -> None:
    def broken(issue: Issue) -> bool:
        raise ValueError("which issue?")

    async def use() -> tuple[HealingAction, int]:
        each = healing()
        each.register_strategy(Strategy("broken", fail, able=broken))
        each.register_strategy(Strategy("not for this", fail, able=lambda issue: False))
        each.register_strategy(Strategy("works", succeed))
        await fall_ill(each, clock)
        return await each.heal(), each.registry.skipped

    assert asyncio.run(use()) == (DONE, 1)


def test_q4_an_act_that_did_not_help_is_marked_and_the_next_level_comes_first(
    healing: Build, clock: FakeClock
) -> None:
    async def use() -> list[tuple[str, str, str]]:
        each = healing()
        each.register_strategy(Strategy("low", succeed, LOW, 9))
        each.register_strategy(Strategy("other low", succeed, LOW, 1))
        each.register_strategy(Strategy("medium", succeed, MEDIUM))
        await fall_ill(each, clock)
        assert await each.heal() == DONE
        answers = await pass_time(each, clock, 10)
        assert answers == [NoAction()] * 9 + [DONE]
        return [(one.by, one.verdict, one.reason) for one in each.history]

    assert asyncio.run(use()) == [
        ("low", "ineffective", ""), ("medium", "", "low did not help"),
    ]


def test_q5_a_cool_down_of_60_s_ends_at_60(healing: Build, clock: FakeClock) -> None:
    strategy = Strategy("cools", succeed)
    strategy.cool_down_s = 60.0  # type: ignore[attr-defined]

    async def use() -> list[HealingAction]:
        each = healing()
        each.register_strategy(strategy)
        await fall_ill(each, clock)
        begun_s = clock.now_s()
        assert await each.heal() == DONE
        await pass_time(each, clock, 20, WELL)
        await pass_time(each, clock, 30, ILL)
        answers = []
        for at_s in (59.9, 60.0):
            clock.advance(begun_s + at_s - clock.now_s())
            each.report(ILL)
            answers.append(await each.heal())
        return answers

    assert asyncio.run(use()) == [NoAction(), DONE]
    assert len(strategy.asked) == 2


def test_q6_32_threads_heal_once_and_hear_one_answer(healing: Build, clock: FakeClock) -> None:
    begun, finish = threading.Event(), threading.Event()

    async def slowly() -> HealingAction:
        begun.set()
        while not finish.is_set():
            await asyncio.sleep(0.001)
        return Restarted()

    each = healing()
    strategy = Strategy("slow", slowly)
    each.register_strategy(strategy)
    asyncio.run(fall_ill(each, clock))
    answers: list[HealingAction] = []

    def work() -> None:
        answers.append(asyncio.run(each.heal()))

    threads = [threading.Thread(target=work) for _ in range(32)]
    threads[0].start()
    assert begun.wait(10.0)
    for thread in threads[1:]:
        thread.start()
    finish.set()
    for thread in threads:
        thread.join(10.0)
    assert answers[0] == Restarted()
    assert len(answers) == 32
    assert len(strategy.asked) == 1
    assert set(answers) <= {Restarted(), NoAction()}  # whoever came after it waits for its effect


def test_q7_the_same_key_is_not_done_twice_after_a_kill(healing: Build, clock: FakeClock) -> None:
    """The store as a killed process leaves it: the act was begun, nothing says that it ended."""
    stored = {"1/1/errors/restart": "under_way"}
    done: list[str] = []

    def restarted_process() -> StandaloneSelfHealing:
        each = healing(policy=policy(errors=[{"act": "restart", "patience_s": 5.0}]))
        each.register_target("restart", lambda issue, amount: done.append(issue.kind))
        each.ledger = ActLedger("1", lambda key, issue, by: stored.setdefault(key, "new"))
        each.ledger.restore([("1/1/errors/restart", "errors", "restart", False)])
        return each

    async def use() -> list[str]:
        each = restarted_process()
        await fall_ill(each, clock)
        assert await each.heal() == NoAction()
        await pass_time(each, clock, 10, WELL)
        return [f"{one.key} {one.verdict}" for one in each.history]

    assert asyncio.run(use()) == ["1/1/errors/restart effective"]
    assert done == []


def test_q8_set_in_mid_heal_no_further_act_follows(healing: Build, clock: FakeClock) -> None:
    said: list[object] = ["act"]

    def read() -> object:
        if isinstance(said[-1], Exception):
            raise said[-1]
        return said[-1]

    async def set_it() -> HealingAction:
        said.append("observe")
        clock.advance(1.0)
        raise OSError("no route")

    async def use() -> list[str]:
        each = healing(kill_switch=read)
        never = Strategy("never", succeed)
        each.register_strategy(Strategy("first", set_it, priority=1))
        each.register_strategy(never)
        await fall_ill(each, clock)
        with pytest.raises(HealingFailed):
            await each.heal()
        assert never.asked == []
        said.append(OSError("the switch cannot be read"))
        answers = await pass_time(each, clock, 3)
        assert answers == [NoAction()] * 3
        assert not (await each.check_health()).is_healthy
        assert never.asked == []
        return [f"{one.by}: {one.verdict}" for one in each.history]

    assert asyncio.run(use()) == ["first: failed", "never: decided", "first: decided"]


def test_q9_when_all_failed_the_supervisor_is_told_once(healing: Build, clock: FakeClock) -> None:
    supervisor = InProcessSupervisor()

    async def use() -> None:
        each = healing(supervisor=supervisor)
        each.register_strategy(Strategy("a", fail))
        each.register_strategy(Strategy("b", fail))
        await fall_ill(each, clock)
        for _ in range(5):
            clock.advance(60.0)
            each.report(ILL)
            with pytest.raises(HealingFailed):
                await each.heal()

    asyncio.run(use())
    (told,) = supervisor.escalations
    assert (told.component_id, told.issue.kind) == ("cart", "errors")
    assert told.attempts == ("a: OSError: no route", "b: OSError: no route")


def test_q10_while_a_dependency_is_open_the_component_is_not_restarted(
    healing: Build, clock: FakeClock
) -> None:
    restarts: list[str] = []

    async def use() -> Issue:
        each = healing(policy=policy(errors=[{"act": "restart"}]))
        each.register_target("restart", lambda issue, amount: restarts.append(issue.kind))
        strategy = Strategy("looks", fail)
        each.register_strategy(strategy)
        await each.initialize()
        each.guard("db").breaker.report_calls(ok=0, failed=10, slow=0)
        await fall_ill(each, clock)
        with pytest.raises(HealingFailed):
            await each.heal()
        return strategy.asked[0]

    issue = asyncio.run(use())
    assert (issue.kind, issue.dependency_states) == ("dependency", {"db": "open"})
    assert restarts == []


def test_q21_healthy_off_or_shadow_no_act(healing: Build, clock: FakeClock) -> None:
    async def healthy() -> None:
        each, strategy = healing(), Strategy("works", succeed)
        each.register_strategy(strategy)
        await each.initialize()
        assert await pass_time(each, clock, 5, WELL) == [NoAction()] * 5
        assert strategy.asked == []

    async def off() -> None:
        each = create_self_healing(
            UnifiedHealingConfig("cart", auto_healing_enabled=False), clock=clock
        )
        strategy = Strategy("works", succeed)
        each.register_strategy(strategy)
        await fall_ill(each, clock)
        assert await each.heal() == NoAction()
        assert each.issue is not None
        assert each.issue.kind == "errors"
        assert not (await each.check_health()).is_healthy
        assert strategy.asked == []

    async def shadow() -> None:
        each, strategy = healing(shadow=True), Strategy("works", succeed)
        each.register_strategy(strategy)
        await fall_ill(each, clock)
        assert await pass_time(each, clock, 3) == [NoAction()] * 3
        assert strategy.asked == []
        (decided,) = each.history
        assert (decided.by, decided.verdict, decided.reason) == ("works", "decided", "shadow mode")

    for case in (healthy, off, shadow):
        asyncio.run(case())
