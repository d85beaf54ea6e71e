"""One instance heals one component: the promises of the interface, and of healing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hms.agents.healing import (
    AdaptiveConfig,
    HealingAction,
    HealingLevel,
    HealthMetrics,
    Issue,
    NoAction,
    ReconnectionAttempted,
    RecoveryLevel,
    ResourcesScaled,
    Restarted,
    SelfHealing,
    UnifiedHealingConfig,
    create_advanced_self_healing,
    create_basic_self_healing,
    create_full_self_healing,
    create_self_healing,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.hybrid import HybridSelfHealing
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import ConfigRefused, HealingFailed, NotInitialized

Build = Callable[..., StandaloneSelfHealing]
ILL = HealthMetrics(error_rate_percent=50.0, response_time_ms=20.0, throughput_rps=100.0)
WELL = HealthMetrics(error_rate_percent=0.0, response_time_ms=20.0, throughput_rps=100.0)


def policy(**recovery: list[dict[str, Any]]) -> HealingPolicy:
    found, problems = HealingPolicy.parse({"schema": "hms.policy/1", "recovery": recovery})
    assert found is not None, problems
    return found


LADDER = {
    "errors": [
        {"act": "reconnect", "patience_s": 3.0},
        {"act": "restart", "patience_s": 20.0},
    ]
}


class Strategy:
    """A custom strategy that does what a test tells it."""

    def __init__(
        self,
        name: str,
        does: Callable[[], Coroutine[Any, Any, HealingAction]],
        level: RecoveryLevel = RecoveryLevel.LOW,
        priority: int = 0,
        able: Callable[[Issue], bool] = lambda issue: True,
    ) -> None:
        self._name, self._does, self._level = name, does, level
        self._priority, self._able = priority, able
        self.asked: list[Issue] = []

    def name(self) -> str:
        return self._name

    def can_handle(self, issue: Issue) -> bool:
        return self._able(issue)

    async def recover(self, issue: Issue) -> HealingAction:
        self.asked.append(issue)
        return await self._does()

    def priority(self) -> int:
        return self._priority

    def level(self) -> RecoveryLevel:
        return self._level


async def succeed() -> HealingAction:
    return ReconnectionAttempted(True)


async def fail() -> HealingAction:
    raise OSError("no route")


async def hang() -> HealingAction:
    await asyncio.Event().wait()
    return NoAction()


async def fall_ill(healing: StandaloneSelfHealing, clock: FakeClock, reports: int = 4) -> None:
    await healing.initialize()
    for _ in range(reports):
        clock.advance(1.0)
        healing.report(ILL)


LEVELS = [create_basic_self_healing, create_advanced_self_healing, create_full_self_healing]


@pytest.mark.parametrize("create", LEVELS)
def test_every_level_works_from_the_id_alone_and_has_the_interface(
    create: Callable[[str], StandaloneSelfHealing],
) -> None:
    async def use() -> None:
        healing = create("cart")
        assert isinstance(healing, SelfHealing)
        await healing.initialize()
        assert (await healing.check_health()).is_healthy
        assert await healing.heal() == NoAction()
        assert await healing.health_metrics() == HealthMetrics()
        await healing.apply_config(AdaptiveConfig({}, "us", 1.0))

    asyncio.run(use())


def test_a_policys_overrides_see_the_level(clock: FakeClock) -> None:
    data = {
        "schema": "hms.policy/1",
        "overrides": [{"where": {"level": "full"}, "set": {"detection.error_rate": 0.05}}],
    }
    found, problems = HealingPolicy.parse(data)
    assert found is not None, problems
    rates = [
        create("cart", policy=found).in_virtual_time([]).component.detection.error_rate
        for create in LEVELS
    ]
    assert rates == [0.2, 0.2, 0.05]


def test_an_implementation_refuses_another_level() -> None:
    with pytest.raises(ConfigRefused, match="expected: Advanced"):
        HybridSelfHealing(UnifiedHealingConfig("cart", HealingLevel.BASIC))


def test_before_initialize_everything_but_guard_is_refused(healing: Build) -> None:
    each = healing()
    for method in (each.check_health, each.heal, each.health_metrics):
        with pytest.raises(NotInitialized, match="`cart` is not initialised"):
            asyncio.run(method())
    with pytest.raises(NotInitialized):
        asyncio.run(each.apply_config(AdaptiveConfig({}, "us", 1.0)))
    with pytest.raises(NotInitialized):
        each.report(WELL)
    assert each.guard("db") is each.guard("db")


def test_initialize_twice_is_once(healing: Build, clock: FakeClock) -> None:
    async def use() -> HealthMetrics:
        each = healing()
        await each.initialize()
        each.report(ILL)
        await each.initialize()
        return await each.health_metrics()

    assert asyncio.run(use()) == ILL


def test_s5_checking_health_changes_nothing(healing: Build, clock: FakeClock) -> None:
    async def use() -> None:
        each = healing()
        await fall_ill(each, clock)
        assert await each.check_health() == await each.check_health()
        assert each.history == ()

    asyncio.run(use())


def test_h8_a_dependency_described_otherwise_is_refused(healing: Build) -> None:
    each = healing()
    each.guard("db", kind="store")
    assert each.guard("db") is each.guard("db", kind="store")
    with pytest.raises(ConfigRefused, match="guarded already"):
        each.guard("db", kind="service")


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


def test_a_strategy_needs_its_five_methods_and_a_name_of_its_own(healing: Build) -> None:
    each = healing()
    with pytest.raises(ConfigRefused, match="no recovery strategy"):
        each.register_strategy(object())  # type: ignore[arg-type]
    each.register_strategy(Strategy("mine", fail))
    with pytest.raises(ConfigRefused, match="registered already"):
        each.register_strategy(Strategy("mine", fail))


def test_threads_share_an_instance(healing: Build, clock: FakeClock) -> None:
    import threading

    each = healing()
    asyncio.run(each.initialize())
    protected = each.guard("db")(lambda: None)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(50):
                each.report(WELL)
                protected()
                stamp = float(number * 1000 + step + 1)
                config = AdaptiveConfig({"retry": {"base_s": 0.1}}, f"t{number}", stamp)
                asyncio.run(each.apply_config(config))
        except BaseException as error:  # noqa: BLE001 - to the test, whatever it is
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert each.configuration_version == 200
    assert each.guard("db").metrics().ok == 200


def test_the_library_is_light() -> None:
    script = (
        "import sys, hms.agents.healing\n"
        "heavy = {'ray', 'mlflow', 'numba', 'numpy', 'pandas', 'pydantic', 'sqlalchemy',\n"
        "         'networkx', 'asyncio', 'yaml', 'logging'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
