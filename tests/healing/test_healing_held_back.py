"""What is not begun: acts that were stopped in the last moment, acts for which no time is left."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ill_component import LADDER, Build, Strategy, fall_ill, hang, policy, succeed

from hms.agents.healing import (
    HealingAction,
    Issue,
    NoAction,
    ReconnectionAttempted,
    UnifiedHealingConfig,
    create_self_healing,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.errors import HealingFailed


class Keyed(Strategy):
    """Has a key of its own."""

    def idempotency_key(self, issue: Issue) -> str:
        return f"ticket 7: {issue.kind}"


def stopped_while_noting(each: StandaloneSelfHealing, switch: Path, clock: FakeClock) -> None:
    """Have the switch thrown while the store, slowly, takes the intention."""

    def begin(key: str, issue: str, by: str) -> str:
        switch.touch()
        clock.advance(0.5)
        return "new"

    each.ledger.begin_stored = begin


@pytest.mark.parametrize("by_ladder", [True, False])
def test_a_switch_thrown_while_the_intention_is_written_stops_the_act(
    healing: Build, clock: FakeClock, tmp_path: Path, by_ladder: bool
) -> None:
    switch, done = tmp_path / "observe", list[str]()
    each = healing(policy=policy(**LADDER) if by_ladder else None, kill_switch=switch)
    strategy = Strategy("custom", succeed)
    if by_ladder:
        each.register_target("reconnect", lambda issue, amount: done.append("reconnect"))
    else:
        each.register_strategy(strategy)

    async def use() -> HealingAction:
        await fall_ill(each, clock)
        stopped_while_noting(each, switch, clock)
        return await each.heal()

    assert asyncio.run(use()) == NoAction()
    assert not done and not strategy.asked
    (noted,) = each.history
    assert (noted.verdict, noted.reason) == ("decided", "kill switch: observing only")


def test_an_act_stopped_like_that_is_done_under_its_own_key_once_acts_are_allowed(
    healing: Build, clock: FakeClock, tmp_path: Path
) -> None:
    switch, strategy = tmp_path / "observe", Keyed("custom", succeed)
    each = healing(kill_switch=switch)
    each.register_strategy(strategy)

    async def use() -> HealingAction:
        await fall_ill(each, clock)
        stopped_while_noting(each, switch, clock)
        await each.heal()
        switch.unlink()
        clock.advance(0.5)
        return await each.heal()

    assert asyncio.run(use()) == ReconnectionAttempted(True)
    assert len(strategy.asked) == 1


@pytest.mark.parametrize("by_ladder", [True, False])
def test_a_store_that_takes_its_time_neither_stops_the_act_nor_breaks_a_rule(
    healing: Build, clock: FakeClock, tmp_path: Path, by_ladder: bool
) -> None:
    """The switch was read before that; once the store has answered, over a second ago."""
    done: list[str] = []
    each = healing(policy=policy(**LADDER) if by_ladder else None, kill_switch=tmp_path / "observe")
    strategy = Strategy("custom", succeed)
    if by_ladder:
        each.register_target("reconnect", lambda issue, amount: done.append("reconnect"))
    else:
        each.register_strategy(strategy)

    def begin(key: str, issue: str, by: str) -> str:
        clock.advance(1.2)
        return "new"

    async def use() -> HealingAction:
        await fall_ill(each, clock)
        each.ledger.begin_stored = begin
        return await each.heal()

    assert asyncio.run(use()) == ReconnectionAttempted(True)
    assert len(done) + len(strategy.asked) == 1
    assert each.broken_invariants == {}


def test_with_no_time_left_the_next_strategy_is_not_begun(clock: FakeClock) -> None:
    config = UnifiedHealingConfig("cart", healing_timeout=0.06)
    each = create_self_healing(config, clock=clock, store="memory")
    strategies = [Strategy(f"hangs {n}", hang) for n in range(3)] + [Strategy("helps", succeed)]
    for strategy in strategies:
        each.register_strategy(strategy)

    async def use() -> None:
        await fall_ill(each, clock)
        with pytest.raises(HealingFailed, match=r"no time is left of 0\.06 s"):
            await each.heal()

    asyncio.run(use())
    assert len(strategies[0].asked) == 1
    assert not strategies[-1].asked  # a machine that stalls may use the time up before the third
