"""Built-in strategies: what each does, takes back, and refuses."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Any

import pytest
from ill_component import ILL, Build, fall_ill, policy

from hms.agents.healing import (
    AdaptiveConfig,
    ConfigAdjusted,
    FallbackActivated,
    HealingAction,
    Issue,
    NoAction,
    ReconnectionAttempted,
    RecoveryStrategy,
    ResourcesScaled,
    Restarted,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.strategies.configuration_change import ConfigurationChange
from hms.agents.healing.strategies.fallback_switch import FallbackSwitch
from hms.agents.healing.strategies.reconnect import Reconnect
from hms.agents.healing.strategies.restart import (
    CallablePair,
    ProcessRestart,
    ServiceManagerRestart,
    SupervisedChild,
)
from hms.agents.healing.strategies.scale import Scale
from hms.errors import ConfigRefused, HealingFailed

ERRORS = Issue("errors", 2, "50 % errors", 0.0)
SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True)\n"
    "time.sleep(60)",
]


class Replicas:
    """A platform that does what it is told."""

    def __init__(self, now: int) -> None:
        self.now = now

    def replicas(self) -> int:
        return self.now

    def scale(self, replicas: int) -> None:
        self.now = replicas


def built_ins() -> list[Any]:
    return [
        ProcessRestart(CallablePair(lambda: None, lambda: None)),
        Reconnect(lambda: True),
        FallbackSwitch(),
        ConfigurationChange("limit", lambda: 8, lambda value: None, 4.0),
        Scale(Replicas(1), most=3),
    ]


@pytest.mark.parametrize("each", built_ins(), ids=lambda each: each.name())
def test_each_declares_what_it_is(each: Any) -> None:
    assert isinstance(each, RecoveryStrategy)
    assert each.expected_effect
    assert each.verification_s > 0.0
    assert each.class_ == ("disruptive" if each.name() == "restart" else "reversible")
    assert not each.can_handle(Issue("flapping", 1, "", 0.0))


def test_an_issue_that_there_is_not_cannot_be_handled() -> None:
    with pytest.raises(ConfigRefused, match="no such issue: weariness"):
        Reconnect(lambda: True, handles=["errors", "weariness"])


def test_a_pair_stops_then_starts_even_if_stopping_raises() -> None:
    done: list[str] = []

    async def start() -> None:
        done.append("start")

    def stop() -> None:
        done.append("stop")
        raise OSError("was down already")

    restart = ProcessRestart(CallablePair(stop, start))
    with pytest.raises(OSError, match="was down already"):
        asyncio.run(restart.recover(ERRORS))
    assert done == ["stop", "start"]


@pytest.mark.parametrize("command", [SLEEPER, STUBBORN], ids=["willing", "stubborn"])
def test_a_supervised_child_is_another_process_after_its_restart(command: list[str]) -> None:
    child = SupervisedChild(command, grace_s=0.2, settle_s=0.05)
    child.start()
    before = child.pid
    assert asyncio.run(ProcessRestart(child).recover(ERRORS)) == Restarted()
    assert child.pid not in (0, before)
    assert child.starts == 2
    child.stop()
    assert child.pid == 0


def test_a_child_that_ends_at_once_is_no_success() -> None:
    child = SupervisedChild([sys.executable, "-c", "raise SystemExit(3)"], settle_s=10.0)
    with pytest.raises(RuntimeError, match="ended at once with exit code 3"):
        asyncio.run(child.restart())


def test_the_host_process_ends_with_75_and_only_if_that_was_asked_for() -> None:
    with pytest.raises(ConfigRefused, match="not ended unasked"):
        ServiceManagerRestart(end_this_process=False)
    said: list[Any] = []
    target = ServiceManagerRestart(
        end_this_process=True, before=lambda: said.append("flushed"), leave=said.append
    )
    asyncio.run(ProcessRestart(target).recover(ERRORS))
    assert said == ["flushed", 75]


def test_a_connection_that_does_not_come_up_is_a_failure() -> None:
    assert asyncio.run(Reconnect(lambda: None).recover(ERRORS)) == ReconnectionAttempted(True)
    with pytest.raises(ConnectionError):
        asyncio.run(Reconnect(lambda: False).recover(ERRORS))


def test_a_fallback_ends_by_its_time_or_when_it_is_taken_back(clock: FakeClock) -> None:
    told: list[bool] = []
    switch = FallbackSwitch(duration_s=30.0, changed=told.append, clock=clock)
    assert asyncio.run(switch.recover(ERRORS)) == FallbackActivated("for 30 s")
    assert switch.is_on
    clock.advance(30.0)
    assert not switch.is_on
    asyncio.run(switch.perform(ERRORS, 5.0))
    asyncio.run(switch.undo(ERRORS, FallbackActivated("for 5 s")))
    assert not switch.is_on
    assert told == [True, True, False]


def test_a_configuration_change_that_changes_nothing_is_a_failure() -> None:
    held = {"limit": 8.0}
    change = ConfigurationChange(
        "limit", lambda: held["limit"], lambda value: held.update(limit=value), 4.0
    )
    assert asyncio.run(change.recover(ERRORS)) == ConfigAdjusted("limit: 8.0 to 4")
    with pytest.raises(ValueError, match="is 4 already"):
        asyncio.run(change.recover(ERRORS))
    asyncio.run(change.undo(ERRORS, ConfigAdjusted("")))
    assert held == {"limit": 8.0}


def test_scaling_stops_at_its_limit_and_takes_back_only_what_it_added() -> None:
    platform = Replicas(2)
    scale = Scale(platform, most=4, add=3)
    assert asyncio.run(scale.recover(ERRORS)) == ResourcesScaled("2 to 4 replicas")
    with pytest.raises(OverflowError, match="4 at most"):
        asyncio.run(scale.recover(ERRORS))
    platform.now = 7  # somebody else added three
    asyncio.run(scale.undo(ERRORS, ResourcesScaled("")))
    assert platform.now == 5
    with pytest.raises(ConfigRefused, match="most is 0"):
        Scale(platform, most=0)


def test_where_the_policy_has_a_ladder_it_places_the_built_in_ones(
    healing: Build, clock: FakeClock
) -> None:
    done: list[str] = []

    async def use() -> list[str]:
        each = healing(policy=policy(errors=[{"act": "restart"}]))
        each.register_strategy(Reconnect(lambda: done.append("reconnect")))
        each.register_strategy(
            ProcessRestart(CallablePair(lambda: done.append("stop"), lambda: done.append("start")))
        )
        await fall_ill(each, clock)
        await each.heal()
        return done

    assert asyncio.run(use()) == ["stop", "start"]


def test_without_a_ladder_they_go_by_level_and_what_did_not_help_is_taken_back(
    healing: Build, clock: FakeClock
) -> None:
    switch = FallbackSwitch(clock=clock, verification_s=5.0)

    async def use() -> list[HealingAction]:
        each = healing()
        each.register_strategy(ProcessRestart(CallablePair(lambda: None, lambda: None)))
        each.register_strategy(switch)
        await fall_ill(each, clock)
        answers = [await each.heal()]
        assert switch.is_on
        for _ in range(5):
            clock.advance(1.0)
            each.report(ILL)
            answers.append(await each.heal())
        first, second = each.history
        assert (first.verdict, first.undone) == ("ineffective", True)
        assert second.reason == "fallback did not help, undone"
        assert each.action_counts["Restarted"] == 1
        return answers

    fallback = FallbackActivated("for 30 s")
    assert asyncio.run(use()) == [fallback, *[NoAction()] * 4, Restarted()]
    assert not switch.is_on


def ladder_of(step: dict[str, Any]) -> Any:
    return policy(errors=[{"patience_s": 3.0, **step}])


def test_a_ladders_fewer_attempts_need_no_target_and_are_taken_back(
    healing: Build, clock: FakeClock
) -> None:
    each = healing(policy=ladder_of({"act": "adjust", "set": {"retry.max_attempts": 1}}))
    guarded = each.guard("db")
    seen = list[str]()

    async def use() -> None:
        await each.initialize()
        await each.apply_config(AdaptiveConfig({"retry": {"max_attempts": 3}}, "us", 1.0))
        await fall_ill(each, clock)
        assert await each.heal() == ConfigAdjusted("retry.max_attempts: 3 to 1")
        seen.append(guarded.describe())
        for _ in range(6):
            clock.advance(1.0)
            each.report(ILL)
            with suppress(HealingFailed):
                await each.heal()
        seen.append(guarded.describe())

    asyncio.run(use())
    assert seen == ["Breaker", "Retry > Breaker"]
    assert each.history[0].verdict == "ineffective"
    assert each.history[0].undone


def test_a_value_of_the_ladder_never_reaches_another_setting(
    healing: Build, clock: FakeClock
) -> None:
    step = {"act": "adjust", "set": {"concurrency.limit": 24}}
    batch, limit = {"size": 500.0}, {"now": 100.0}
    each = healing(policy=ladder_of(step))
    each.register_strategy(
        ConfigurationChange(
            "batch", lambda: batch["size"], lambda value: batch.update(size=value), 100.0,
            handles=("saturated",), name="smaller batches",
        )
    )
    each.register_strategy(
        ConfigurationChange(
            "concurrency.limit", lambda: limit["now"], lambda value: limit.update(now=value), 50.0,
            handles=("errors",),
        )
    )

    async def use() -> None:
        await fall_ill(each, clock)
        assert await each.heal() == ConfigAdjusted("concurrency.limit: 100.0 to 24")

    asyncio.run(use())
    assert (batch, limit) == ({"size": 500.0}, {"now": 24.0})


def test_rolling_back_has_a_target_of_its_own(healing: Build, clock: FakeClock) -> None:
    done: list[str] = []
    each = healing(policy=ladder_of({"act": "custom", "name": "roll_back"}))
    each.register_target("custom", lambda issue, amount: done.append("custom"))
    each.register_target("roll_back", lambda issue, amount: done.append("rolled back"))

    async def use() -> None:
        await fall_ill(each, clock)
        await each.heal()

    asyncio.run(use())
    assert done == ["rolled back"]
    with pytest.raises(ConfigRefused, match="nearest: `roll_back`"):
        each.register_target("rollback", lambda issue, amount: None)
