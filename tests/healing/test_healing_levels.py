"""Order by experience, and when the hybrid hands over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ill_component import ILL, WELL, Strategy, succeed
from living import advanced, live

from hms.agents.healing import (
    RecoveryLevel,
)
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.learning.learning import PAIRS_MAX, Effectiveness
from hms.agents.healing.recovery.recovery import Registered, declared


def registered(name: str, level: RecoveryLevel = RecoveryLevel.LOW) -> Registered:
    return declared(Strategy(name, succeed, level))


def names(strategies: Sequence[Registered]) -> list[str]:
    return [each.name for each in strategies]


def test_before_anything_is_known_the_declared_order_holds() -> None:
    given = [registered("a"), registered("b"), registered("c", RecoveryLevel.MEDIUM)]
    assert names(Effectiveness().order("errors", given)) == ["a", "b", "c"]


def test_what_helped_comes_first_within_its_level_only() -> None:
    known = Effectiveness()
    known.learn("errors", "b", helped=True)
    known.learn("errors", "c", helped=True)
    given = [registered("a"), registered("b"), registered("c", RecoveryLevel.MEDIUM)]
    assert names(known.order("errors", given)) == ["b", "a", "c"]
    assert names(known.order("slow", given)) == ["a", "b", "c"]


def test_a_useless_one_is_left_out_but_gets_a_chance_now_and_then() -> None:
    known = Effectiveness()
    for _ in range(20):
        known.learn("errors", "a", helped=False)
    given = [registered("a"), registered("b")]
    seen = [names(known.order("errors", given)) for _ in range(10)]
    assert seen == [["b"]] * 9 + [["b", "a"]]


def test_old_experience_fades() -> None:
    known = Effectiveness()
    for _ in range(50):
        known.learn("errors", "a", helped=False)
    for _ in range(20):
        known.learn("errors", "a", helped=True)
    assert known.count("errors", "a").share > 0.6


def test_what_is_known_is_bounded_and_comes_back_equal() -> None:
    known = Effectiveness()
    for number in range(2 * PAIRS_MAX):
        known.learn("errors", f"s{number}", helped=number % 3 == 0)
    rows = known.rows()
    assert len(rows) == PAIRS_MAX
    again = Effectiveness()
    again.restore(rows)
    assert again.rows() == rows






def test_it_starts_standalone_and_hands_over_when_nothing_is_left(clock: FakeClock) -> None:
    cart = advanced(clock)
    cart.register_target("reconnect", lambda issue, amount: None)
    assert cart.agent is None
    asyncio.run(live(cart, clock, 4, ILL))
    assert cart.agent is not None
    assert cart.why_complex == "nothing is left to try"
    assert [one.by for one in cart.history] == ["reconnect"]  # of the evolved ladder


def test_it_hands_back_after_a_calm_and_lets_the_part_go(clock: FakeClock) -> None:
    cart = advanced(clock)
    asyncio.run(live(cart, clock, 4, ILL))
    assert cart.agent is not None
    asyncio.run(live(cart, clock, 60, WELL))
    assert cart.agent is not None
    asyncio.run(live(cart, clock, 10, WELL))
    assert cart.agent is None
    assert cart.hand_overs == 1
    assert not cart.ladder.has_steps(1)


def test_while_its_own_strategies_help_it_stays_standalone(clock: FakeClock) -> None:
    cart = advanced(clock)
    cart.register_strategy(Strategy("mine", succeed))
    asyncio.run(live(cart, clock, 5, ILL))
    asyncio.run(live(cart, clock, 20, WELL))
    assert cart.agent is None
    assert [one.verdict for one in cart.history] == ["effective"]


def test_the_third_time_of_the_same_is_complex(clock: FakeClock) -> None:
    cart = advanced(clock)
    cart.register_strategy(Strategy("mine", succeed))
    for times in (1, 2, 3):
        assert cart.agent is None, times
        asyncio.run(live(cart, clock, 5, ILL))
        if times < 3:
            asyncio.run(live(cart, clock, 70, WELL))
    assert cart.agent is not None
    assert cart.why_complex == "errors, 3 times in 600 s"
