"""What the levels add: learning, neighbours, incidents, hand-over, the optimiser's port."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from ill_component import ILL, WELL, Strategy, policy, succeed

from hms.agents.healing import (
    AdaptiveConfig,
    HealthMetrics,
    Issue,
    RecoveryLevel,
    create_advanced_self_healing,
    create_full_self_healing,
)
from hms.agents.healing.a2a import A2ASelfHealing
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
from hms.agents.healing.hybrid import HybridSelfHealing
from hms.agents.healing.incidents import Incident, IncidentBook, incident_from_json
from hms.agents.healing.learning import PAIRS_MAX, Effectiveness
from hms.agents.healing.optimizer import Budget, ProcessOptimizer, Proposal, changes
from hms.agents.healing.recovery import Registered, declared
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import HmsError, InputError, MissingError

SLOW = HealthMetrics(error_rate_percent=0.0, response_time_ms=900.0, throughput_rps=100.0)


def full(clock: FakeClock, name: str = "cart", **settings: Any) -> A2ASelfHealing:
    return create_full_self_healing(name, clock=clock, store="memory", **settings)


def advanced(clock: FakeClock, **settings: Any) -> HybridSelfHealing:
    return create_advanced_self_healing("cart", clock=clock, store="memory", **settings)


async def live(healing: Any, clock: FakeClock, seconds: int, report: HealthMetrics) -> None:
    """A report and a heal each second."""
    await healing.initialize()
    for _ in range(seconds):
        clock.advance(1.0)
        healing.report(report)
        await healing.heal()


# --- learning


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


# --- messages

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


def restart_at_once() -> HealingPolicy:
    return policy(errors=[{"act": "restart"}])


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
        assert cart.condition.warnings == {"db": "says it is unwell (errors)"}
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
    cart.guard("db")

    def attempts() -> int:
        return cart.dependencies.edge({}).retry.max_attempts

    async def use() -> None:
        await cart.initialize()
        clock.advance(1.0)
        await cart.apply_config(AdaptiveConfig({"retry": {"max_attempts": 3}}, "us", 1.0))
        bus.send(PleaseShed("db", 10.0))
        await live(cart, clock, 1, WELL)
        assert attempts() == 1
        await live(cart, clock, 9, WELL)
        assert attempts() == 1
        await live(cart, clock, 1, WELL)
        assert attempts() == 3

    asyncio.run(use())


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


# --- incidents


def test_an_incident_is_kept_from_its_first_sign_to_its_end(clock: FakeClock) -> None:
    cart = full(clock, policy=restart_at_once())
    cart.register_target("restart", lambda issue, amount: None)
    asyncio.run(live(cart, clock, 5, ILL))
    assert cart.incidents is not None
    assert cart.incidents.current is not None
    asyncio.run(live(cart, clock, 10, WELL))
    (kept,) = cart.incidents.finished()
    assert (kept.issue, kept.severity) == ("errors", 2)
    assert kept.worst["error_rate_percent"] == 50.0
    assert [(act.by, act.action, act.verdict) for act in kept.acts] == [
        ("restart", "Restarted", "effective")
    ]
    assert kept.ended_s is not None
    assert 4.0 <= kept.ended_s - kept.began_s <= 10.0
    assert incident_from_json(kept.to_json()) == kept


def test_a_book_keeps_the_latest_and_restores_what_is_over() -> None:
    book = IncidentBook(3)
    for number in range(5):
        book.look(Issue("errors", 1, "", 0.0), WELL, float(number))
        book.look(None, WELL, number + 0.5)
    assert [each.number for each in book.finished()] == [3, 4, 5]
    again = IncidentBook(3)
    again.restore([*book.finished(), Incident(9, "slow", 0.0)])
    assert again.finished() == book.finished()
    again.look(Issue("slow", 1, "", 0.0), WELL, 9.0)
    assert again.current is not None
    assert again.current.number == 10


# --- hybrid


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


# --- optimiser


class Lab:
    """An optimiser that proposes what a test says."""

    def __init__(self, answer: HealingPolicy | Exception | None) -> None:
        self.answer = answer
        self.asked: list[Sequence[Incident]] = []

    def propose(
        self, incidents: Sequence[Incident], policy: HealingPolicy, budget: Budget
    ) -> Proposal | None:
        self.asked.append(incidents)
        if isinstance(self.answer, Exception):
            raise self.answer
        return Proposal(self.answer, {"says": "better"}) if self.answer else None


def tuned(clock: FakeClock, lab: Lab) -> A2ASelfHealing:
    budget = Budget(cpu_s=1.0, incidents=100, least_new=2, least_apart_s=100.0)
    cart = full(clock, optimizer=lab, budget=budget, wall=clock.now_s, policy=restart_at_once())
    cart.register_target("restart", lambda issue, amount: None)
    return cart


async def suffer(cart: A2ASelfHealing, clock: FakeClock, times: int) -> None:
    for _ in range(times):
        await live(cart, clock, 5, ILL)
        await live(cart, clock, 70, WELL)
        await cart.after_round()


def test_a_proposal_enters_as_a_configuration_and_can_be_rolled_back(clock: FakeClock) -> None:
    better = policy(errors=[{"act": "reconnect", "patience_s": 4.0}])
    lab = Lab(better)
    cart = tuned(clock, lab)

    async def use() -> None:
        await suffer(cart, clock, 1)
        assert lab.asked == []
        await suffer(cart, clock, 1)
        assert [each.number for each in lab.asked[0]] == [1, 2]
        assert cart.configuration_version == 1
        assert cart.policy_in_force().recovery == better.recovery
        assert cart.configuration.audit[-1].source == "optimizer"
        await cart.door("operator").rollback(0)
        assert cart.policy_in_force().recovery == restart_at_once().recovery

    asyncio.run(use())


def test_an_operators_ladder_is_not_touched(clock: FakeClock) -> None:
    cart = tuned(clock, Lab(policy(errors=[{"act": "reconnect"}])))
    own = {"recovery": {"errors": [{"act": "fallback", "duration_s": 9.0}]}}

    async def use() -> None:
        await cart.initialize()
        clock.advance(1.0)
        await cart.door("operator").apply_config(AdaptiveConfig(own, "me", 1.0))
        await suffer(cart, clock, 2)

    asyncio.run(use())
    assert cart.policy_in_force().recovery["errors"][0].act == "fallback"


def test_without_the_lab_it_says_so_once_and_learns_on(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    lab = Lab(MissingError("the lab is not installed"))
    cart = tuned(clock, lab)

    async def use() -> None:
        for _ in range(3):
            await suffer(cart, clock, 2)
            clock.advance(200.0)

    asyncio.run(use())
    assert len(lab.asked) == 1
    assert caplog.text.count("learning goes on by effectiveness alone") == 1
    assert cart.effectiveness.count("errors", "restart").tried > 1.0


def test_an_optimiser_that_fails_changes_nothing_and_is_asked_again(clock: FakeClock) -> None:
    lab = Lab(HmsError("out of memory"))
    cart = tuned(clock, lab)

    async def use() -> None:
        await suffer(cart, clock, 2)
        clock.advance(200.0)
        await suffer(cart, clock, 2)

    asyncio.run(use())
    assert len(lab.asked) == 2
    assert cart.configuration_version == 0
    assert "out of memory" in cart.agent.tuning.trouble


def test_only_ladders_are_taken_from_a_proposal() -> None:
    held = policy(errors=[{"act": "restart"}])
    other = policy(errors=[{"act": "restart"}], slow=[{"act": "scale"}])
    loosened = dataclasses.replace(
        other, groups=other.with_values({"guard.acts_per_day": 1}).groups
    )
    assert changes(held, loosened) == {"recovery": {"slow": [{"act": "scale", "replicas": 1}]}}
    assert changes(held, held) == {}


def answering(text: str, code: int = 0) -> ProcessOptimizer:
    script = f"import sys; sys.stdin.read(); print({text!r}); raise SystemExit({code})"
    return ProcessOptimizer([sys.executable, "-c", script])


@pytest.mark.parametrize(
    ("text", "code", "error"),
    [
        ("", 3, MissingError), ("", 1, HmsError), ("gibberish", 0, HmsError),
        ('{"policy": {"schema": "x"}, "evidence": {}}', 0, HmsError),
    ],
)
def test_a_process_that_answers_badly_is_an_error(
    text: str, code: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        answering(text, code).propose([], HealingPolicy(), Budget(5.0, 1))


def test_a_process_may_find_nothing_better() -> None:
    answer = answering('{"policy": null, "evidence": {}}')
    assert answer.propose([], HealingPolicy(), Budget(5.0, 1)) is None
