"""One contract, three implementations: what section 3.1 promises of each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from ill_component import ILL, WELL, Strategy, fail, fall_ill, succeed

from hms.agents.healing import (
    AdaptiveConfig,
    HealingAction,
    HealthMetrics,
    NoAction,
    ReconnectionAttempted,
    SelfHealing,
    UnifiedHealingConfig,
    create_advanced_self_healing,
    create_basic_self_healing,
    create_full_self_healing,
    create_self_healing,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.configuration.config import HealingLevel, ImplementationConfig
from hms.agents.healing.loop import HealLoop
from hms.agents.healing.recovery.escalation import InProcessSupervisor
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.errors import ConfigRefused, HealingFailed, NotInitialized

DONE = ReconnectionAttempted(True)
Make = Callable[..., StandaloneSelfHealing]


@pytest.fixture(
    params=[create_basic_self_healing, create_advanced_self_healing, create_full_self_healing],
    ids=["Standalone", "Hybrid", "A2A"],
)
def make(request: pytest.FixtureRequest, clock: FakeClock) -> Make:
    def build(**settings: Any) -> StandaloneSelfHealing:
        given = {"clock": clock, "draw": lambda: 0.5, "store": "memory", **settings}
        return request.param("cart", **given)  # type: ignore[no-any-return]

    return build


def test_it_is_a_self_healing(make: Make) -> None:
    assert isinstance(make(), SelfHealing)


def test_before_initialize_all_but_guard_is_refused(make: Make) -> None:
    each = make()
    refused: list[Callable[[], Coroutine[Any, Any, Any]]] = [
        each.check_health, each.heal, each.health_metrics,
        lambda: each.apply_config(AdaptiveConfig({}, "us", 1.0)),
        lambda: each.door("operator").apply_config(AdaptiveConfig({}, "us", 1.0)),
    ]
    for method in refused:
        with pytest.raises(NotInitialized, match="`cart` is not initialised"):
            asyncio.run(method())
    with pytest.raises(NotInitialized):
        each.report(WELL)
    assert each.guard("db")(lambda: 7)() == 7


def test_initialize_twice_is_once(make: Make) -> None:
    async def use() -> None:
        each = make()
        await each.initialize()
        each.report(ILL)
        await each.initialize()
        assert await each.health_metrics() == ILL

    asyncio.run(use())


def test_metrics_are_defined_before_any_report(make: Make) -> None:
    async def use() -> None:
        each = make()
        await each.initialize()
        assert await each.health_metrics() == HealthMetrics()
        assert (await each.check_health()).is_healthy

    asyncio.run(use())


def test_checking_changes_nothing(make: Make, clock: FakeClock) -> None:
    async def use() -> None:
        each = make()
        await fall_ill(each, clock)
        before = await each.check_health()
        for _ in range(10):
            assert await each.check_health() == before
            assert await each.health_metrics() == ILL
        assert each.history == ()
        assert each.configuration_version == 0

    asyncio.run(use())


def test_healing_while_healthy_is_no_action_and_asks_nobody(make: Make, clock: FakeClock) -> None:
    strategy = Strategy("any", succeed)

    async def use() -> None:
        each = make()
        each.register_strategy(strategy)
        await each.initialize()
        for _ in range(5):
            clock.advance(1.0)
            each.report(WELL)
            assert await each.heal() == NoAction()
        assert each.action_counts["NoAction"] == 5

    asyncio.run(use())
    assert strategy.asked == []


def test_an_ill_component_is_healed_once_and_then_watched(make: Make, clock: FakeClock) -> None:
    async def use() -> list[HealingAction]:
        each = make()
        each.register_strategy(Strategy("mine", succeed))
        await fall_ill(each, clock)
        answers = [await each.heal()]
        for _ in range(6):
            clock.advance(1.0)
            each.report(WELL)
            answers.append(await each.heal())
        assert [one.verdict for one in each.history] == ["effective"]
        return answers

    assert asyncio.run(use()) == [DONE] + [NoAction()] * 6


def test_tasks_that_heal_at_once_share_one_action(make: Make, clock: FakeClock) -> None:
    async def use() -> tuple[list[HealingAction], int]:
        each = make()
        finish = asyncio.Event()

        async def slowly() -> HealingAction:
            await finish.wait()
            return DONE

        strategy = Strategy("slow", slowly)
        each.register_strategy(strategy)
        await fall_ill(each, clock)
        healers = [asyncio.create_task(each.heal()) for _ in range(32)]
        await asyncio.sleep(0.01)
        finish.set()
        return await asyncio.gather(*healers), len(strategy.asked)

    assert asyncio.run(use()) == ([DONE] * 32, 1)


def test_loops_in_several_threads_share_one_action(make: Make, clock: FakeClock) -> None:
    entered, finish = threading.Event(), threading.Event()

    async def slowly() -> HealingAction:
        entered.set()
        while not finish.is_set():
            await asyncio.sleep(0.001)
        return DONE

    each = make()
    strategy = Strategy("slow", slowly)
    each.register_strategy(strategy)
    asyncio.run(fall_ill(each, clock))
    answers: list[HealingAction] = []
    waiting = threading.Semaphore(0)

    async def heal() -> None:
        healer = asyncio.ensure_future(each.heal())
        await asyncio.sleep(0)
        waiting.release()
        answers.append(await healer)

    threads = [threading.Thread(target=lambda: asyncio.run(heal())) for _ in range(8)]
    for thread in threads:
        thread.start()
        assert waiting.acquire(timeout=10.0)
    assert entered.wait(10.0)
    finish.set()
    for thread in threads:
        thread.join(10.0)
    assert answers == [DONE] * 8
    assert len(strategy.asked) == 1


def test_a_failure_is_shared_too(make: Make, clock: FakeClock) -> None:
    async def use() -> list[Any]:
        each = make()
        each.register_strategy(Strategy("broken", fail))
        await fall_ill(each, clock)
        return await asyncio.gather(each.heal(), each.heal(), return_exceptions=True)

    first, second = asyncio.run(use())
    assert isinstance(first, HealingFailed)
    assert first.attempts == second.attempts == ("broken: OSError: no route",)


def test_a_caller_that_is_cancelled_leaves_the_action_alone(make: Make, clock: FakeClock) -> None:
    async def use() -> HealingAction:
        each = make()
        finish = asyncio.Event()

        async def slowly() -> HealingAction:
            await finish.wait()
            return DONE

        each.register_strategy(Strategy("slow", slowly))
        await fall_ill(each, clock)
        first, second = (asyncio.create_task(each.heal()) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        finish.set()
        return await second

    assert asyncio.run(use()) == DONE


def test_a_configuration_is_taken_whole_or_not_at_all(make: Make) -> None:
    async def use() -> None:
        each = make()
        await each.initialize()
        good = {"circuit_breaker": {"failure_threshold": 10, "reset_timeout": 60}}
        bad = {"circuit_breaker": {"failure_threshold": 3}, "retry": {"max_attempts": "many"}}
        await each.apply_config(AdaptiveConfig(good, "us", 1.0))
        with pytest.raises(ConfigRefused):
            await each.apply_config(AdaptiveConfig(bad, "us", 2.0))
        assert each.configuration_version == 1
        protected = each.guard("db")(boom)
        for _ in range(9):
            with pytest.raises(OSError, match="down"):
                protected()
        assert each.guard("db").breaker.phase == "closed"
        with pytest.raises(OSError, match="down"):
            protected()
        assert each.guard("db").breaker.phase == "open"

    asyncio.run(use())


def boom() -> None:
    raise OSError("down")


def test_auto_healing_off_shows_the_issue_and_does_nothing(clock: FakeClock) -> None:
    async def use(level: HealingLevel) -> None:
        config = UnifiedHealingConfig("cart", level, auto_healing_enabled=False)
        each = create_self_healing(config, clock=clock, store="memory")
        strategy = Strategy("any", succeed)
        each.register_strategy(strategy)
        await fall_ill(each, clock)
        assert await each.heal() == NoAction()
        assert each.issue is not None
        assert strategy.asked == []

    for level in HealingLevel:
        asyncio.run(use(level))


def test_a_level_fits_its_implementation_only() -> None:
    with pytest.raises(ConfigRefused):
        UnifiedHealingConfig(
            "cart", HealingLevel.BASIC, implementation_config=ImplementationConfig("A2A")
        )


def test_as_a_context_manager_it_looks_and_heals_by_itself(make: Make, clock: FakeClock) -> None:
    supervisor = InProcessSupervisor()

    async def use() -> list[str]:
        each = make(supervisor=supervisor)
        healed = asyncio.Event()

        async def heal() -> HealingAction:
            healed.set()
            return DONE

        each.register_strategy(Strategy("mine", heal))

        async def report_ill(stopping: asyncio.Event, span_s: float) -> None:
            assert 0.9 <= span_s <= 1.0
            clock.advance(1.0)
            each.report(ILL)
            await asyncio.sleep(0)

        each.use_loop(HealLoop(each, pause=report_ill))
        async with each:
            await asyncio.wait_for(healed.wait(), 5.0)
        return [one.by for one in each.history]

    assert asyncio.run(use()) == ["mine"]
    assert "cart" in supervisor.statuses


def test_it_stops_after_the_heal_that_is_under_way(make: Make, clock: FakeClock) -> None:
    async def use() -> list[str]:
        each = make()
        begun, ended = asyncio.Event(), []

        async def slowly() -> HealingAction:
            begun.set()
            await asyncio.sleep(0.05)
            ended.append("whole")
            return DONE

        each.register_strategy(Strategy("slow", slowly))
        await fall_ill(each, clock)
        async with each:
            await asyncio.wait_for(begun.wait(), 5.0)
        assert each.history[0].action == DONE
        return ended

    assert asyncio.run(use()) == ["whole"]


def test_threads_use_it_by_a_blocking_facade(make: Make, clock: FakeClock) -> None:
    each = make()
    each.register_strategy(Strategy("mine", succeed))
    with each.synchronous() as healing:
        assert healing.check_health().is_healthy
        assert healing.health_metrics().error_rate_percent == 0.0
        healing.apply_config(AdaptiveConfig({"retry": {"max_attempts": 2}}, "us", 1.0))
        assert healing.guard("db")(lambda: 7)() == 7
        for _ in range(4):
            clock.advance(1.0)
            assert healing.report(ILL)
        healing.heal()
        assert [one.by for one in each.history] == ["mine"]
        assert each.configuration_version == 1
    healing.close()


def test_the_facade_refuses_to_wait_for_itself(make: Make) -> None:
    each = make()
    with each.synchronous() as healing:
        async def from_within() -> None:
            healing.check_health()

        with pytest.raises(NotInitialized, match="within the instance's own event loop"):
            healing._run(from_within())
