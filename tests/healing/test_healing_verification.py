"""Acts on a live instance: guarded, verified, undone, never without data, never destructive."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import pairwise
from typing import Any

import pytest
from ill_component import ILL, WELL, Build, Strategy, fail, hang, policy, succeed

from hms.agents.healing import (
    AdaptiveConfig,
    ConfigAdjusted,
    Custom,
    FallbackActivated,
    HealingAction,
    HealthMetrics,
    HealthStatus,
    Issue,
    NoAction,
    ReconnectionAttempted,
    RecoveryLevel,
    ResourcesScaled,
    Restarted,
    action_from_json,
)
from hms.agents.healing.actions import ACTION_KINDS
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.loop import HealLoop
from hms.agents.healing.recovery.escalation import InProcessSupervisor
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.errors import ConfigRefused, HealingFailed

DONE = ReconnectionAttempted(True)
SEVEN = [
    NoAction(), ConfigAdjusted("x"), Restarted(), ResourcesScaled("x"), DONE,
    FallbackActivated("x"), Custom("x"),
]


async def live(
    healing: StandaloneSelfHealing, clock: FakeClock, seconds: int, report: HealthMetrics | None
) -> list[HealingAction]:
    """A report, if any, and a heal each second."""
    await healing.initialize()
    answers = []
    for _ in range(seconds):
        clock.advance(1.0)
        if report is not None:
            healing.report(report)
        answers.append(await healing.heal())
    return answers


def declaring(strategy: Strategy, **declared: Any) -> Strategy:
    for name, value in declared.items():
        setattr(strategy, name, value)
    return strategy


@pytest.mark.parametrize("action", SEVEN, ids=lambda action: action.kind)
def test_each_of_the_seven_actions_is_counted_and_comes_back_from_json(
    healing: Build, clock: FakeClock, action: HealingAction
) -> None:
    async def act() -> HealingAction:
        return action

    async def use() -> dict[str, int]:
        each = healing()
        if not isinstance(action, NoAction):
            each.register_strategy(Strategy("mine", act))
        await live(each, clock, 4, ILL)
        return dict(each.action_counts)

    counts = asyncio.run(use())
    assert set(counts) == set(ACTION_KINDS)
    assert counts[action.kind] == (4 if isinstance(action, NoAction) else 1)
    assert action_from_json(json.loads(json.dumps(action.to_json()))) == action


def test_an_issue_has_one_of_the_closed_kinds() -> None:
    with pytest.raises(ValueError, match="'tired' is no kind of issue"):
        Issue("tired", 1, "", 0.0)
    with pytest.raises(ValueError, match="severity is 0"):
        Issue("errors", 0, "", 0.0)


def test_what_is_destructive_is_never_done_by_itself(healing: Build, clock: FakeClock) -> None:
    wipe = declaring(Strategy("wipe", succeed, priority=99), class_="destructive")

    async def use() -> list[HealingAction]:
        each = healing()
        each.register_strategy(wipe)
        return await live(each, clock, 10, ILL)

    assert asyncio.run(use()) == [NoAction()] * 10
    assert wipe.asked == []


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"class_": "gentle"}, "is of class `gentle`"),
        ({"verification_s": -1.0}, "verification_s is -1"),
        ({"cool_down_s": float("nan")}, "cool_down_s is nan"),
    ],
)
def test_a_strategy_that_declares_nonsense_is_refused(
    healing: Build, declared: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigRefused, match=said):
        healing().register_strategy(declaring(Strategy("odd", succeed), **declared))


def test_the_guard_limits_disruptive_strategies_and_the_next_act_escalates(
    healing: Build, clock: FakeClock
) -> None:
    supervisor = InProcessSupervisor()
    restart = declaring(
        Strategy("restart", succeed, RecoveryLevel.HIGH), class_="disruptive"
    )

    async def use() -> None:
        each = healing(supervisor=supervisor)
        each.register_strategy(restart)
        for _ in range(5):
            await live(each, clock, 5, ILL)
            await live(each, clock, 70, WELL)

    asyncio.run(use())
    assert len(restart.asked) == 3  # in ten minutes
    assert [told.attempts for told in supervisor.escalations] == [
        ("guard: enough was disrupted",), ("guard: enough was disrupted",),
    ]


def test_no_data_is_never_a_reason_to_act(healing: Build, clock: FakeClock) -> None:
    strategy = Strategy("mine", succeed)

    async def use() -> HealthStatus:
        each = healing()
        each.register_strategy(strategy)
        await live(each, clock, 10, WELL)
        assert await live(each, clock, 120, None) == [NoAction()] * 120
        return await each.check_health()

    status = asyncio.run(use())
    assert status.severity == 3
    assert strategy.asked == []


def test_an_act_after_which_nothing_is_heard_is_neither_undone_nor_repeated(
    healing: Build, clock: FakeClock
) -> None:
    undone: list[str] = []

    async def undo(issue: Issue, action: HealingAction) -> None:
        undone.append(issue.kind)

    strategy = declaring(Strategy("mine", succeed), undo=undo)

    async def use() -> list[str]:
        each = healing()
        each.register_strategy(strategy)
        await live(each, clock, 4, ILL)
        await live(each, clock, 200, None)
        return [one.verdict for one in each.history]

    assert asyncio.run(use()) == ["inconclusive"]
    assert undone == []
    assert len(strategy.asked) == 1


def test_a_step_that_did_not_help_is_undone_and_the_next_says_why(
    healing: Build, clock: FakeClock
) -> None:
    done: list[str] = []

    async def use() -> list[tuple[str, str, bool, str]]:
        ladder = [{"act": "fallback", "duration_s": 60.0, "patience_s": 5.0}, {"act": "restart"}]
        each = healing(policy=policy(errors=ladder))
        each.register_target(
            "fallback", lambda issue, amount: done.append("on"),
            undo=lambda issue, action: done.append("off"),
        )
        each.register_target("restart", lambda issue, amount: done.append("restart"))
        await live(each, clock, 10, ILL)
        return [(one.by, one.verdict, one.undone, one.reason) for one in each.history]

    assert asyncio.run(use()) == [
        ("fallback", "ineffective", True, ""),
        ("restart", "", False, "fallback did not help, undone"),
    ]
    assert done == ["on", "off", "restart"]


def test_an_undo_that_fails_is_said_and_the_next_step_follows_all_the_same(
    healing: Build, clock: FakeClock
) -> None:
    def stuck(issue: Issue, action: HealingAction) -> None:
        raise OSError("the switch is stuck")

    async def use() -> list[str]:
        ladder = [{"act": "fallback", "patience_s": 5.0}, {"act": "restart"}]
        each = healing(policy=policy(errors=ladder))
        each.register_target("fallback", lambda issue, amount: None, undo=stuck)
        each.register_target("restart", lambda issue, amount: None)
        await live(each, clock, 10, ILL)
        assert [one.undone for one in each.history] == [False, False]
        return [one.reason for one in each.history]

    assert asyncio.run(use()) == [
        "", "fallback did not help, undoing it failed (OSError: the switch is stuck)",
    ]


def test_a_target_that_blocks_its_thread_is_left_behind(healing: Build, clock: FakeClock) -> None:
    def block(issue: Issue, amount: float) -> None:
        time.sleep(2.0)

    async def use() -> float:
        from hms.agents.healing import UnifiedHealingConfig, create_self_healing

        config = UnifiedHealingConfig("cart", healing_timeout=0.3)
        ladder = policy(errors=[{"act": "restart"}])
        each = create_self_healing(config, ladder, clock=clock, store="memory")
        each.register_target("restart", block)
        started = time.monotonic()
        with pytest.raises(HealingFailed, match=r"restart: took longer than 0\.1 s"):
            await live(each, clock, 4, ILL)
        assert each.is_treating  # it may have been done: its effect is waited for
        assert [one.verdict for one in each.history] == ["unknown"]
        return time.monotonic() - started

    assert asyncio.run(use()) < 1.5


def test_what_was_cut_off_is_not_repeated_before_its_verdict(
    healing: Build, clock: FakeClock
) -> None:
    strategy = declaring(Strategy("hangs", hang), limit_s=0.02)

    async def use() -> None:
        each = healing()
        each.register_strategy(strategy)
        with pytest.raises(HealingFailed):
            await live(each, clock, 4, ILL)
        assert await live(each, clock, 5, ILL) == [NoAction()] * 5
        await live(each, clock, 10, WELL)
        assert [one.verdict for one in each.history] == ["effective"]

    asyncio.run(use())
    assert len(strategy.asked) == 1


def test_what_raises_is_tried_again_after_a_growing_while(healing: Build, clock: FakeClock) -> None:
    strategy = Strategy("broken", fail)

    async def use() -> list[float]:
        each = healing()
        each.register_strategy(strategy)
        await each.initialize()
        times = []
        for _ in range(40):
            clock.advance(1.0)
            each.report(ILL)
            try:
                await each.heal()
            except HealingFailed:
                times.append(clock.now_s())
        return times

    times = asyncio.run(use())
    assert [later - earlier for earlier, later in pairwise(times)] == [
        1.0, 2.0, 4.0, 8.0, 16.0,
    ]


def test_without_a_word_from_the_component_the_loop_reports_for_it(clock: FakeClock) -> None:
    from hms.agents.healing import create_basic_self_healing

    each = create_basic_self_healing("cart", clock=clock, store="memory")

    def down() -> None:
        raise OSError("down")

    async def use() -> HealthMetrics:
        await each.initialize()
        loop = HealLoop(each)
        await loop.round()
        for _ in range(5):
            clock.advance(1.0)
            each.guard("db")(lambda: None)()
            with pytest.raises(OSError, match="down"):
                each.guard("cache")(down)()
            await loop.round()
        assert loop.errors == 0
        return await each.health_metrics()

    metrics = asyncio.run(use())
    assert metrics.memory_usage_mb > 1.0
    assert metrics.throughput_rps == pytest.approx(2.0)
    assert metrics.error_rate_percent == pytest.approx(50.0)


def test_a_supervisors_guidance_comes_by_its_own_door_and_its_errors_stop_nothing(
    healing: Build, clock: FakeClock
) -> None:
    supervisor = InProcessSupervisor()

    class Broken(InProcessSupervisor):
        def health(self, component_id: str, status: HealthStatus) -> None:
            raise ConnectionError("the supervisor is away")

    async def use() -> None:
        each = healing(supervisor=supervisor)
        await each.initialize()
        for number in (3, 999):
            wanted = {"retry": {"max_attempts": number}}
            supervisor.guided.append(AdaptiveConfig(wanted, "boss", 1.0 + number))
        for _ in range(2):
            await HealLoop(each).round()
        assert each.configuration.audit[0].door == "supervisor"
        assert each.dependencies.edge({}).retry.max_attempts == 3
        assert each.refused_configurations == 1
        lonely = healing(supervisor=Broken())
        await lonely.initialize()
        loop = HealLoop(lonely)
        await loop.round()
        assert (lonely.escalated.errors, loop.errors) == (1, 0)

    asyncio.run(use())


def test_an_open_breaker_is_data_enough_without_any_report(
    healing: Build, clock: FakeClock
) -> None:
    strategy = declaring(Strategy("reconnect", succeed), verification_s=5.0)

    async def use() -> list[str]:
        each = healing()
        each.register_strategy(strategy)
        breaker = each.guard("db").breaker
        breaker.report_calls(ok=0, failed=10, slow=0)
        answers = await live(each, clock, 2, None)
        assert answers == [DONE, NoAction()]
        breaker.reset()
        await live(each, clock, 10, None)
        return [one.verdict for one in each.history]

    assert asyncio.run(use()) == ["effective"]
    assert [issue.kind for issue in strategy.asked] == ["dependency"]
