"""A broken invariant: the host stays up, calls are admitted, healing only observes (style, 8)."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import math
from collections.abc import Callable
from typing import Any

import pytest
from ill_component import LADDER, WELL, Strategy, fall_ill, policy, succeed

from hms.agents.healing import Degraded, create_basic_self_healing
from hms.agents.healing.adapters.health_answer import health_answer
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.configuration.kill_switch import KillSwitch
from hms.agents.healing.loop import HealLoop
from hms.agents.healing.recovery.attempts import DECIDED
from hms.agents.healing.recovery.escalation import InProcessSupervisor
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.healing.telemetry.prometheus import exposition, registry_of
from hms.agents.policy.kinds import HALF_OPEN
from hms.errors import InvariantBroken, NotInitialized


@pytest.fixture(autouse=True)
def in_production(a_broken_invariant_is_raised: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HMS_CHECK", raising=False)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


@pytest.fixture
def supervisor() -> InProcessSupervisor:
    return InProcessSupervisor()


@pytest.fixture
def healing(clock: FakeClock, supervisor: InProcessSupervisor) -> StandaloneSelfHealing:
    each = create_basic_self_healing(
        "cart", policy=policy(**LADDER), clock=clock, store="memory", supervisor=supervisor
    )
    each.register_target("reconnect", lambda issue, amount: None)
    each.register_target("restart", lambda issue, amount: None)
    return each


def state_of(healing: StandaloneSelfHealing, dependency: str = "db") -> Any:
    return healing.guard(dependency).breaker._state


def retry_state_of(healing: StandaloneSelfHealing) -> Any:
    guard = healing.guard("db", bulkhead=8)
    assert guard.budget is not None
    return guard.budget._state


def break_window(healing: StandaloneSelfHealing, clock: FakeClock) -> None:
    state_of(healing).window.total = math.nan


def break_phase(healing: StandaloneSelfHealing, clock: FakeClock) -> None:
    state_of(healing).phase = 9


def break_permits(healing: StandaloneSelfHealing, clock: FakeClock) -> None:
    state_of(healing).phase, state_of(healing).admitted = HALF_OPEN, 4.0


def break_tally(healing: StandaloneSelfHealing, clock: FakeClock) -> None:
    healing.guard("db").breaker.tally.failed = 7


def break_budget(healing: StandaloneSelfHealing, clock: FakeClock) -> None:
    retry_state_of(healing).spent = math.nan


def break_detection(healing: StandaloneSelfHealing, clock: FakeClock) -> None:
    healing.ladder.detection.issue[1] = 77.0


def break_ladder(healing: StandaloneSelfHealing, clock: FakeClock) -> None:
    healing.ladder.recovery.repeats[0] = -1.0


def break_health(healing: StandaloneSelfHealing, clock: FakeClock) -> None:
    healing.health._state.meeting[0] = math.nan


def break_time(healing: StandaloneSelfHealing, clock: FakeClock) -> None:
    clock._now_s -= 500.0


def break_version(healing: StandaloneSelfHealing, clock: FakeClock) -> None:
    healing.configuration.version = -1


BREAKS: list[tuple[str, Callable[[StandaloneSelfHealing, FakeClock], None], str]] = [
    ("window", break_window, "breaker of `db`"),
    ("phase", break_phase, "breaker of `db`"),
    ("permits", break_permits, "breaker of `db`"),
    ("tally", break_tally, "breaker of `db`"),
    ("budget", break_budget, "retry budget of `db`"),
    ("issue", break_detection, "what is detected"),
    ("ladder", break_ladder, "the ladder"),
    ("health", break_health, "the health"),
    ("time", break_time, "the clock"),
    ("version", break_version, "the configuration"),
]


async def well(healing: StandaloneSelfHealing, clock: FakeClock) -> None:
    await healing.initialize()
    for _ in range(3):
        clock.advance(1.0)
        healing.report(WELL)
        await healing.heal()
    assert healing.broken_invariants == {}
    assert (await healing.check_health()).is_healthy


@pytest.mark.parametrize(("rule", "breaks", "where"), BREAKS)
def test_a_broken_rule_is_found_counted_logged_once_and_told(
    healing: StandaloneSelfHealing,
    clock: FakeClock,
    supervisor: InProcessSupervisor,
    caplog: pytest.LogCaptureFixture,
    rule: str,
    breaks: Callable[[StandaloneSelfHealing, FakeClock], None],
    where: str,
) -> None:
    told = f"invariant `{rule}` is broken: {where}; healing only observes"

    async def use() -> None:
        await well(healing, clock)
        breaks(healing, clock)
        await healing.heal()
        await healing.heal()
        assert await healing.check_health() == Degraded(told)

    with caplog.at_level(logging.INFO, "hms.healing"):
        asyncio.run(use())
    assert list(healing.broken_invariants) == [rule]
    assert [each.message for each in caplog.records if "defect of hms" in each.message] == [
        f"cart: {told}, until the process starts anew; this is a defect of hms, please report it"
    ]
    assert [each.attempts for each in supervisor.escalations] == [(told,)]


@pytest.mark.parametrize(("rule", "breaks", "where"), BREAKS)
def test_under_hms_check_it_is_raised(
    monkeypatch: pytest.MonkeyPatch,
    healing: StandaloneSelfHealing,
    clock: FakeClock,
    rule: str,
    breaks: Callable[[StandaloneSelfHealing, FakeClock], None],
    where: str,
) -> None:
    monkeypatch.setenv("HMS_CHECK", "1")

    async def use() -> None:
        await well(healing, clock)
        breaks(healing, clock)
        await healing.heal()

    with pytest.raises(InvariantBroken) as broken:
        asyncio.run(use())
    assert (broken.value.rule, broken.value.component) == (rule, "cart")
    assert broken.value.where == where


def test_healing_only_observes_from_then_on(
    healing: StandaloneSelfHealing, clock: FakeClock
) -> None:
    async def use() -> None:
        await healing.initialize()
        await healing.heal()
        break_window(healing, clock)
        await fall_ill(healing, clock)
        answer = await healing.heal()
        assert answer.kind == "NoAction"

    asyncio.run(use())
    assert healing.issue is not None
    assert [(each.by, each.verdict, each.action) for each in healing.history] == [
        ("reconnect", DECIDED, None)
    ]
    assert "invariant `window` is broken" in healing.history[0].reason


def test_a_breaker_whose_state_broke_admits_all_and_a_restart_finds_it_closed(
    healing: StandaloneSelfHealing, clock: FakeClock
) -> None:
    breaker = healing.guard("db").breaker

    async def use() -> None:
        await well(healing, clock)
        breaker.open_for(60.0)
        state_of(healing).due_s = -1.0  # due before it opened
        await healing.heal()

    asyncio.run(use())
    assert (breaker.phase, breaker.broken, breaker.explain()) == ("disabled", "opening", "")
    for _ in range(100):
        breaker.failed(breaker.admit(), OSError("down"))
    assert breaker.broken_rule() == 0
    assert breaker.saved().phase == "closed"
    breaker.reset()
    assert (breaker.phase, breaker.broken) == ("closed", "")


def test_what_an_operator_holds_open_stays_open(
    healing: StandaloneSelfHealing, clock: FakeClock
) -> None:
    breaker = healing.guard("db").breaker

    async def use() -> None:
        await well(healing, clock)
        breaker.force_open("me")
        break_window(healing, clock)
        await healing.heal()

    asyncio.run(use())
    assert (breaker.phase, breaker.saved().phase) == ("forced_open", "forced_open")
    assert breaker.explanation().holders == ("me",)


def test_a_budget_that_broke_is_empty_and_fills_again(
    healing: StandaloneSelfHealing, clock: FakeClock
) -> None:
    async def use() -> None:
        await well(healing, clock)
        break_budget(healing, clock)
        await healing.heal()

    asyncio.run(use())
    budget = healing.guard("db", bulkhead=8).budget
    assert budget is not None
    assert (budget.metrics().tokens, budget.take()) == (0.0, False)
    for _ in range(10):
        budget.succeeded()
    assert budget.take()


def test_a_probe_limit_that_was_lowered_while_probing_breaks_nothing(
    healing: StandaloneSelfHealing, clock: FakeClock
) -> None:
    breaker = healing.guard("db").breaker
    breaker.open_for(1.0)
    clock.advance(1.0)
    for _ in range(3):
        breaker.admit()
    breaker.reconfigure(dataclasses.replace(breaker.parameters, half_open_calls=1))
    assert (breaker._state.admitted, breaker.broken_rule()) == (3.0, 0)


def test_of_many_breakers_each_is_looked_at_in_turn(
    healing: StandaloneSelfHealing, clock: FakeClock
) -> None:
    async def use() -> None:
        for k in range(250):
            healing.guard(f"shard {k}")
        await well(healing, clock)
        for k in range(250):
            state_of(healing, f"shard {k}").window.total = math.nan
        await healing.heal()
        assert healing.broken_invariants["window"] == 100
        for _ in range(5):  # those that broke stand elsewhere in the order since
            await healing.heal()

    asyncio.run(use())
    broken = [guard.breaker.broken for guard in healing.dependencies.guards().values()]
    assert broken == ["window"] * 250


def test_an_act_that_the_guard_had_no_room_for_is_not_done(
    healing: StandaloneSelfHealing, clock: FakeClock
) -> None:
    """Four restarts at once, as if `held_back` had let them."""

    async def use() -> None:
        await healing.initialize()
        await healing.heal()
        assert healing.watch is not None
        guard = healing.ladder.guard
        guard.times, guard.held, guard.at = [clock.now_s()] * 10, 4, 4
        healing.watch.look_at_guard(guard, healing.ladder.parameters.guard)

    asyncio.run(use())
    assert healing.broken_invariants == {"guard": 1}
    assert "invariant `guard`" in healing.held_back_by()


def test_an_act_twice_under_one_key_is_seen_and_not_done(clock: FakeClock) -> None:
    """As if the ledger had let it: its entry got lost, in memory and in the store."""
    healing = create_basic_self_healing("cart", clock=clock, store="memory")
    strategy = Strategy("reopen", succeed)
    strategy.idempotency_key = lambda issue: "ticket 7"  # type: ignore[attr-defined]
    healing.register_strategy(strategy)

    async def use() -> None:
        await fall_ill(healing, clock)
        assert (await healing.heal()).kind == "ReconnectionAttempted"
        for _ in range(30):
            clock.advance(1.0)
            healing.report(WELL)
            await healing.heal()
        healing.ledger._keys.clear()
        healing.ledger.begin_stored = None
        for _ in range(3):
            await fall_ill(healing, clock)
            assert (await healing.heal()).kind == "NoAction"

    asyncio.run(use())
    assert healing.broken_invariants == {"repeated": 1}
    assert [each.verdict for each in healing.history] == ["effective", DECIDED]
    assert len(strategy.asked) == 1


def test_an_act_without_a_look_at_the_kill_switch_is_seen(clock: FakeClock) -> None:
    switch = KillSwitch(lambda: "act", clock)
    healing = create_basic_self_healing("cart", clock=clock, store="memory", kill_switch=switch)

    async def use() -> None:
        await healing.initialize()
        await healing.heal()
        assert healing.watch is not None
        assert switch.may_act
        clock.advance(1.0)
        healing.watch.look_before_act("1/1/errors/restart")
        assert healing.broken_invariants == {}
        clock.advance(0.1)
        healing.watch.look_before_act("1/2/errors/restart")

    asyncio.run(use())
    assert healing.broken_invariants == {"switch": 1}


def test_metrics_and_the_health_page_show_it(
    healing: StandaloneSelfHealing, clock: FakeClock
) -> None:
    async def use() -> None:
        await well(healing, clock)
        text, _ = exposition(registry_of(healing))
        assert b"hms_invariants_broken_total{" not in text
        break_detection(healing, clock)
        await healing.heal()

    asyncio.run(use())
    text, _ = exposition(registry_of(healing))
    assert b'hms_invariants_broken_total{component="cart",instance="1",rule="issue"} 1.0' in text
    code, body = health_answer(healing)
    told = json.loads(body)
    assert (code, told["status"], told["broken_invariants"]) == (200, "degraded", {"issue": 1})
    assert "invariant `issue` is broken" in told["reason"]


def test_the_loop_goes_on_in_production_and_ends_under_hms_check(
    monkeypatch: pytest.MonkeyPatch, healing: StandaloneSelfHealing, clock: FakeClock
) -> None:
    async def rounds() -> HealLoop:
        loop = HealLoop(healing, interval_s=0.0)
        await healing.initialize()
        await healing.heal()
        break_ladder(healing, clock)
        loop.start()
        while loop.rounds < 3 and loop.is_running:
            await asyncio.sleep(0)
        await loop.stop()
        return loop

    assert asyncio.run(rounds()).errors == 0
    monkeypatch.setenv("HMS_CHECK", "1")
    healing._healer = healing.watch = None
    with pytest.raises(InvariantBroken, match="`ladder` is broken: the ladder, component `cart`"):
        asyncio.run(rounds())


def test_before_initialize_nothing_is_looked_at(healing: StandaloneSelfHealing) -> None:
    with pytest.raises(NotInitialized):
        asyncio.run(healing.heal())
    assert (healing.watch, healing.broken_invariants) == (None, {})
