"""Incidents that are kept, and the port to whoever learns from them."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import threading
from collections.abc import Sequence

import pytest
from ill_component import ILL, WELL, policy
from living import full, live, restart_at_once

from hms.agents.healing import (
    AdaptiveConfig,
    Issue,
)
from hms.agents.healing.a2a import A2ASelfHealing
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.learning.incidents import Incident, IncidentBook, incident_from_json
from hms.agents.healing.learning.optimizer import Budget, ProcessOptimizer, Proposal, changes
from hms.agents.healing.loop import HealLoop
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import HmsError, MissingError


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
    assert "out of memory" in cart.tuning.trouble


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


def test_healing_goes_on_while_the_lab_searches(clock: FakeClock) -> None:
    release = threading.Event()

    class Slow(Lab):
        def propose(
            self, incidents: Sequence[Incident], policy: HealingPolicy, budget: Budget
        ) -> Proposal | None:
            super().propose(incidents, policy, budget)
            release.wait(10.0)
            return None

    lab = Slow(None)
    cart = tuned(clock, lab)

    async def use() -> int:
        await suffer(cart, clock, 1)
        await live(cart, clock, 5, ILL)
        await live(cart, clock, 70, WELL)
        loop = HealLoop(cart)
        for _ in range(20):
            clock.advance(1.0)
            cart.report(ILL)
            await loop.round()
            await asyncio.sleep(0.01)
        release.set()
        await loop.stop()
        assert len(lab.asked) == 1
        return cart.action_counts["Restarted"]

    assert asyncio.run(use()) == 3
