"""Section 3.4.2: strategies are matched, ordered, executed, followed up and escalated."""

from __future__ import annotations

from collections.abc import Callable

from component_under_test import ERRORS, WELL, Component, Does

from hms.agents.healing import RecoveryLevel
from hms.agents.healing.recovery.escalation import InProcessSupervisor

Build = Callable[..., Component]


def no_route() -> None:
    raise OSError("no route")


def test_issues_are_matched_to_the_strategies_that_can_handle_them(component: Build) -> None:
    cart = component()
    cart.healing.register_strategy(Does("for memory", kind="memory"))
    cart.healing.register_strategy(Does("for errors", kind="errors"))
    cart.start().live(5, ERRORS)
    assert cart.done == ["for errors"]


def test_within_a_level_priority_decides_then_registration(component: Build) -> None:
    cart = component()
    for name, priority in (("a", 1), ("b", 5), ("c", 5)):
        cart.healing.register_strategy(Does(name, no_route, priority=priority))
    cart.start().live(3, ERRORS)
    assert cart.done[:3] == ["b", "c", "a"]  # each failed, so the next one was tried at once


def test_history_and_effectiveness_are_kept(component: Build) -> None:
    ill = [True]
    cart = component()
    cart.healing.register_strategy(Does("useless"))
    cart.healing.register_strategy(Does("useful", ill.clear))
    cart.start().live(30, lambda: ERRORS if ill else WELL)
    assert cart.verdicts == [("useless", "ineffective"), ("useful", "effective")]
    known = {(issue, by): effective / tried
             for issue, by, tried, effective in cart.healing.effectiveness.rows()}  # fmt: skip
    assert known == {("errors", "useless"): 0.0, ("errors", "useful"): 1.0}


def test_an_issue_that_persists_is_escalated_level_by_level(component: Build) -> None:
    cart = component()
    for level in RecoveryLevel:
        cart.healing.register_strategy(Does(level.name, level=level))
    cart.start().live(30, ERRORS)
    assert cart.done[:3] == ["LOW", "MEDIUM", "HIGH"]


def test_what_is_beyond_the_instance_is_told_once(component: Build) -> None:
    supervisor = InProcessSupervisor()
    cart = component(supervisor=supervisor)
    cart.healing.register_strategy(Does("reconnect", no_route))
    cart.start().live(20, ERRORS)
    (told,) = supervisor.escalations
    assert (told.component_id, told.issue.kind) == ("cart", "errors")
    assert "no route" in " ".join(told.attempts)
    assert cart.failures
