"""Sections 3.4.4 and 6.3: incidents go to an optimiser, a better policy comes back guarded.

The optimiser here is a test's; the lab's own is tested in tests/experiments and tests/evolution:
genes, fitness and search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from component_under_test import ERRORS, WELL, Component, policy_of

from hms.agents.healing.learning.incidents import Incident
from hms.agents.healing.learning.optimizer import Budget, Proposal
from hms.agents.policy.healing_policy import HealingPolicy

Build = Callable[..., Component]
BETTER = {"recovery": {"errors": [{"act": "reconnect", "patience_s": 4.0}]}}
WORSE = {"recovery": {"errors": [{"act": "restart", "patience_s": 4.0}]}}


class Lab:
    """Proposes one policy, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Sequence[Incident]] = []

    def propose(
        self, incidents: Sequence[Incident], policy: HealingPolicy, budget: Budget
    ) -> Proposal:
        self.asked.append(incidents)
        return Proposal(policy_of(BETTER), {"says": "better"})


def suffered(component: Build, lab: Lab, incidents: int) -> Component:
    cart = component(
        "Full", policy=policy_of(WORSE), optimizer=lab,
        budget=Budget(cpu_s=1.0, incidents=10, least_new=2, least_apart_s=1.0),
    ).start()  # fmt: skip
    cart.healing.register_target("restart", lambda issue, amount: None)
    for _ in range(incidents):
        cart.live(6, ERRORS)
        cart.live(80, WELL)
        cart.run(cart.healing.after_round())
    return cart


def test_incidents_are_recorded_at_advanced_and_full(component: Build) -> None:
    for level in ("Advanced", "Full"):
        cart = component(level).start()
        cart.live(6, ERRORS)
        cart.live(80, WELL)
        (incident,) = cart.healing.incidents.finished()  # type: ignore[union-attr]
        assert incident.issue == "errors"


def test_strategies_are_genes_of_a_policy() -> None:
    """A ladder goes into a genome and comes back: an act, how long it is waited for, the next."""
    from hms.evolution.genome import Space

    space, ladders = Space(), policy_of(BETTER)
    again = space.decode(space.encode(ladders))
    assert again.recovery["errors"] == ladders.recovery["errors"]


def test_a_better_strategy_enters_by_the_same_guarded_path(component: Build) -> None:
    lab = Lab()
    cart = suffered(component, lab, 2)
    assert [len(each) for each in lab.asked] == [2]
    assert cart.healing.configuration_version == 1
    assert cart.healing.configuration.audit[-1].source == "optimizer"
    cart.healing.register_target("reconnect", lambda issue, amount: None)
    cart.live(6, ERRORS)
    assert cart.done[-1] == "reconnect"


def test_it_can_be_taken_back(component: Build) -> None:
    cart = suffered(component, Lab(), 2)
    cart.run(cart.healing.door("operator").rollback(0))
    cart.live(6, ERRORS)
    assert cart.done[-1] == "restart"


def test_without_the_lab_it_learns_by_effectiveness_alone(
    component: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(name: str, *given: Any) -> None:
        return None

    monkeypatch.setattr("importlib.util.find_spec", nothing)
    cart = component("Full", policy=policy_of(WORSE)).start()
    cart.healing.register_target("restart", lambda issue, amount: None)
    for _ in range(6):
        cart.live(6, ERRORS)
        cart.live(80, WELL)
        cart.run(cart.healing.after_round())
    assert cart.healing.configuration_version == 0
    assert cart.healing.effectiveness.count("errors", "restart").tried > 1.0
