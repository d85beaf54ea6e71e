"""What neighbours say, and what is made of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ill_component import ILL, WELL, Strategy, succeed
from living import full, live, restart_at_once

from hms.agents.healing import AdaptiveConfig, create_advanced_self_healing
from hms.agents.healing.bus import (
    INBOX_MAX,
    DependencyBack,
    Inbox,
    InProcessBus,
    Message,
    PleaseShed,
    SharedExperience,
    Unwell,
    WillRestart,
    message_from_json,
)
from hms.agents.healing.clock import FakeClock
from hms.errors import InputError

MESSAGES = [
    Unwell("db", 2, "errors"), WillRestart("db", 5.0), PleaseShed("db", 10.0),
    DependencyBack("cart", "db"), SharedExperience("cart", (("errors", "mine", 3.0, 2.0),)),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: each.kind)
def test_a_message_comes_back_from_json(message: Message) -> None:
    import json

    assert message_from_json(json.loads(json.dumps(message.to_json()))) == message


@pytest.mark.parametrize(
    "data",
    [
        None, {}, {"kind": "unwell"}, {"kind": "rumour", "sender": "x"},
        {"kind": "will_restart", "sender": "x", "for_s": 1e9},
        {"kind": "will_restart", "sender": "x", "for_s": float("nan")},
        {"kind": "unwell", "sender": "x", "severity": True},
        {"kind": "unwell", "sender": "x" * 1000},
        {"kind": "shared_experience", "sender": "x", "rows": [["a", "b", "c"]]},
        {"kind": "shared_experience", "sender": "x", "rows": [["a", "b", 1, 1]] * 100},
        {"kind": "please_shed", "sender": "x", "extra": 1},
    ],
)
def test_what_is_no_message_is_refused(data: Any) -> None:
    with pytest.raises(InputError):
        message_from_json(data)


def test_an_inbox_that_nobody_reads_stays_small() -> None:
    inbox = Inbox()
    for number in range(INBOX_MAX + 5):
        inbox.put(Unwell("db", number % 4))
    assert inbox.dropped == 5
    assert len(inbox.take_all()) == INBOX_MAX
    assert inbox.take_all() == []


def test_a_bus_delivers_to_all_but_the_sender_and_holds_nobody() -> None:
    bus, cart, db = InProcessBus(), Inbox(), Inbox()
    bus.join("cart", cart)
    bus.join("db", db)
    bus.send(Unwell("db", 2))
    assert (cart.take_all(), db.take_all()) == ([Unwell("db", 2)], [])
    del cart
    bus.send(Unwell("db", 0))
    assert len(bus._inboxes) == 1


def test_neighbours_hear_of_an_announced_restart_and_stay_away(clock: FakeClock) -> None:
    bus = InProcessBus()
    cart, db = full(clock, bus=bus), full(clock, "db", bus=bus, policy=restart_at_once())
    guarded = cart.guard("db")
    db.register_target("restart", lambda issue, amount: None)

    async def use() -> None:
        await cart.initialize()
        await live(db, clock, 4, ILL)
        await live(cart, clock, 1, WELL)

    asyncio.run(use())
    assert [one.by for one in db.history] == ["restart"]
    assert guarded.breaker.phase == "open"
    clock.advance(10.0)
    assert guarded(lambda: 7)() == 7  # its time over, a probe may come


def test_an_unwell_dependency_is_part_of_the_issue_until_it_is_well_again(
    clock: FakeClock,
) -> None:
    bus = InProcessBus()
    cart, db = full(clock, bus=bus), full(clock, "db", bus=bus)
    cart.guard("db")

    async def use() -> None:
        await live(db, clock, 4, ILL)
        await live(cart, clock, 4, ILL)
        issue = cart.issue
        assert issue is not None
        assert issue.dependency_states == {"db": "closed, says it is unwell (errors)"}
        await live(db, clock, 6, WELL)
        await live(cart, clock, 1, ILL)
        assert cart.condition.warnings == {}

    asyncio.run(use())


def test_a_stranger_is_not_believed(clock: FakeClock) -> None:
    bus = InProcessBus()
    cart = full(clock, bus=bus)
    asyncio.run(cart.initialize())
    bus.send(WillRestart("mallory", 60.0))
    asyncio.run(live(cart, clock, 1, WELL))
    assert cart.agent.neighbours.ignored == 1
    assert cart.agent.neighbours.heard == {}


def test_a_dependency_that_is_back_is_probed_sooner(clock: FakeClock) -> None:
    bus = InProcessBus()
    cart = full(clock, bus=bus)
    guarded = cart.guard("db")
    guarded.breaker.open_for(60.0)
    asyncio.run(cart.initialize())
    bus.send(DependencyBack("other", "db"))
    asyncio.run(live(cart, clock, 1, WELL))
    assert guarded.breaker.phase == "half_open"


def test_less_is_asked_for_as_long_as_a_neighbour_wants(clock: FakeClock) -> None:
    bus = InProcessBus()
    cart = full(clock, bus=bus, wall=clock.now_s)
    tried = {"db": 0, "mail": 0}

    def attempts(name: str) -> int:
        def fails() -> None:
            tried[name] += 1
            raise ConnectionError

        before = tried[name]
        with pytest.raises(ConnectionError):
            cart.guard(name).call(fails)
        return tried[name] - before

    async def use() -> None:
        await cart.initialize()
        clock.advance(1.0)
        retry = {"max_attempts": 3, "base_s": 0.0}
        await cart.apply_config(AdaptiveConfig({"retry": retry}, "us", 1.0))
        cart.guard("db"), cart.guard("mail")
        bus.send(PleaseShed("db", 10.0))
        await live(cart, clock, 1, WELL)
        assert (attempts("db"), attempts("mail")) == (1, 3)
        await cart.apply_config(AdaptiveConfig({"retry": {"max_attempts": 2}}, "us", 2.0))
        await live(cart, clock, 9, WELL)
        assert (attempts("db"), attempts("mail")) == (1, 2)
        await live(cart, clock, 1, WELL)
        assert (attempts("db"), attempts("mail")) == (2, 2)

    asyncio.run(use())
    assert cart.configuration_version == 2  # nothing of it is kept over a restart


def test_who_hands_back_forgets_what_neighbours_asked_for(clock: FakeClock) -> None:
    bus = InProcessBus()
    cart = create_advanced_self_healing("cart", clock=clock, store="memory", bus=bus)
    guarded = cart.guard("db", timeout=1.0)

    async def use() -> None:
        await cart.initialize()
        await cart.apply_config(AdaptiveConfig({"retry": {"max_attempts": 3}}, "us", 1.0))
        for _ in range(4):
            await live(cart, clock, 5, ILL)
            await live(cart, clock, 20, WELL)
        bus.send(Unwell("db", 2, "errors"))
        seconds = 0
        while cart.agent is not None and seconds < 200:
            bus.send(PleaseShed("db", 60.0))
            await live(cart, clock, 1, WELL)
            seconds += 1
            assert cart.agent is None or "Retry" not in guarded.describe()
        assert 1 < seconds < 200

    asyncio.run(use())
    assert "Retry" in guarded.describe()
    assert cart.condition.warnings == {}


def test_experience_is_shared_and_heard_a_little(clock: FakeClock) -> None:
    bus = InProcessBus()
    one, two = full(clock, bus=bus), full(clock, "stock", bus=bus)
    for each in (one, two):
        each.register_strategy(Strategy("mine", succeed))
    for _ in range(30):
        one.effectiveness.learn("errors", "mine", helped=True)
    asyncio.run(live(one, clock, 61, WELL))
    asyncio.run(live(two, clock, 1, WELL))
    heard = two.effectiveness.count("errors", "mine")
    assert (heard.tried, heard.effective) == (1.0, 1.0)
