"""Breaches are found where they are planted, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hms.agents.policy.kinds import CUSTOM_ACT, RECONNECT, RESTART, SLOTS_PER_COMPONENT
from hms.experiments.proof.safety import disruptive_acts, no_amounts, over_guard
from hms.scenarios.event_log import RULE_ACT, RULE_ISSUE

SHOP = Path(__file__).resolve().parents[1] / "experiments" / "corner-shop.yaml"


def over(times, *, bound=True, few=3, at_once=1, startup_s=10.0):
    guard = np.zeros(1, [("bound", "?"), ("acts_per_10_min", "i8"), ("at_once", "i8")])
    guard["bound"], guard["acts_per_10_min"], guard["at_once"] = bound, few, at_once
    scenario = SimpleNamespace(components={"cart": SimpleNamespace(startup_s=startup_s)})
    compiled = SimpleNamespace(names=("cart",))
    acts = [(t, 0) for t in times]
    return over_guard(acts, SimpleNamespace(guard=guard), compiled, scenario)


def test_restarts_and_roll_backs_are_disruptive_and_nothing_else_is():
    cart = 2 * SLOTS_PER_COMPONENT + 1
    events = [
        (100, cart, RULE_ACT, 1.0, float(RESTART)),
        (200, cart, RULE_ACT, 1.0, float(RECONNECT)),
        (300, cart, RULE_ISSUE, 0.0, float(RESTART)),
        (400, 0, RULE_ACT, 1.0, float(CUSTOM_ACT)),
    ]
    assert disruptive_acts(events, 0.1) == [(10.0, 2), (40.0, 0)]


@pytest.mark.parametrize(
    ("times", "breaches"),
    [([10, 30, 50], 0), ([10, 30, 50, 70], 1), ([10, 30, 50, 610], 0), ([10, 15], 1)],
)
def test_acts_beyond_the_guard_in_ten_minutes_or_at_once_are_breaches(times, breaches):
    assert over(times) == breaches


def test_a_guard_that_binds_nobody_is_not_broken():
    assert over([10, 11, 12, 13, 14, 15], bound=False) == 0


def test_measures_that_are_no_amounts_are_found():
    outcome = SimpleNamespace(row=lambda: np.array([1.0, np.nan, -1.0, np.inf, 0.0]))
    assert no_amounts(outcome) == 3


@pytest.mark.slow
def test_a_run_that_restarts_the_only_replica_while_clients_are_well_is_a_breach():
    from hms.evolution.baselines import load
    from hms.experiments.plan import Prices
    from hms.experiments.proof.incidents import Order
    from hms.experiments.proof.places import Place
    from hms.experiments.proof.running import FLUID, Setting, column, run_orders
    from hms.experiments.proof.safety import KINDS
    from hms.experiments.proof.stacks import Stack
    from hms.scenarios.generate import FailurePlan
    from hms.scenarios.load import load_scenario
    from hms.scenarios.model import Range
    from hms.scenarios.split import IncidentId

    shop = load_scenario(SHOP)
    limits = {
        name: each
        if each.kind == "client"
        else replace(each, memory_mb=64.0, memory_limit_mb=128.0)
        for name, each in shop.components.items()
    }
    shop = replace(shop, components=limits)
    plan = FailurePlan(Range(30.0, 50.0), {1: 1.0}, ("memory_leak",))
    orders = [Order(0, IncidentId("train", "memory_leak", k), "7") for k in range(12)]
    place = Place("shop", "shop", shop, plan, "7", Prices())
    for name, wanted in (("restart-at-once", True), ("platform", False)):
        setting = Setting((place,), (Stack(name, load(name).policy),))
        rows = run_orders(setting, orders, [0], FLUID, True)
        found = sum(column(rows, kind).sum() for kind in KINDS)
        assert bool(found > 0) is wanted, name
