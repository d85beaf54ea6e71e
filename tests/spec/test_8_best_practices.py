"""Section 8: what the library does so that the best practices are the easy ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from component_under_test import ERRORS, WELL, Component, Does

from hms.agents.healing import HealthMetrics, RecoveryLevel
from hms.agents.healing.testing import faults_kept, recovers_within_s

Build = Callable[..., Component]
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "component-guide.md"


def test_8_1_1_a_guide_helps_to_choose_the_level() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert "## Which level" in text
    assert all(level in text for level in ("Basic", "Advanced", "Full"))


def test_8_1_2_what_needs_initialising_can_be_declared_before_it(component: Build) -> None:
    cart = component()
    read = cart.healing.guard("db")(lambda: "row")  # at import, say
    assert read() == "row"
    cart.start()
    assert read() == "row"


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -1.0])
def test_8_1_3_an_inaccurate_report_is_refused_and_counted(
    component: Build, wrong: float
) -> None:
    cart = component().start()
    assert not cart.healing.report(HealthMetrics(response_time_ms=wrong))
    assert cart.healing.refused_reports == 1


def test_8_1_3_late_reports_become_a_status_of_their_own(component: Build) -> None:
    cart = component().start()
    cart.live(5, WELL)
    cart.clock.advance(60.0)
    assert type(cart.status).__name__ == "Failed"
    assert "no report" in cart.status.reason  # type: ignore[attr-defined]


def test_8_2_1_a_strategy_is_asked_only_about_its_issues(component: Build) -> None:
    memory = Does("free memory", kind="memory")
    cart = component()
    cart.healing.register_strategy(memory)
    cart.start().live(10, ERRORS)
    assert memory.asked == []


def test_8_2_2_progressive_from_least_to_most_disruptive(component: Build) -> None:
    cart = component()
    for level in reversed(RecoveryLevel):
        cart.healing.register_strategy(Does(level.name, level=level))
    cart.start().live(40, ERRORS)
    assert cart.done[:3] == ["LOW", "MEDIUM", "HIGH"]


def test_8_2_3_success_is_validated_and_what_did_not_help_is_undone(component: Build) -> None:
    undone: list[str] = []
    cart = component()
    cart.healing.register_strategy(Does("cache off", undo=lambda: undone.append("cache on")))
    cart.healing.register_strategy(Does("restart", level=RecoveryLevel.HIGH))
    cart.start().live(12, ERRORS)
    first, second = cart.healing.history[:2]
    assert (first.by, first.verdict, first.undone) == ("cache off", "ineffective", True)
    assert undone == ["cache on"]
    assert "cache off did not help" in second.reason


def test_8_2_4_system_wide_impact_is_limited(component: Build) -> None:
    """Three disruptive acts in ten minutes, then somebody else is asked."""
    cart = component()
    cart.healing.register_strategy(Does("restart", level=RecoveryLevel.HIGH))
    cart.start()
    for _ in range(6):
        cart.live(10, ERRORS)
        cart.live(80, WELL)
    assert cart.done.count("restart") == 3
    assert cart.healing.escalations >= 1


def test_8_2_5_the_template_of_a_strategy_states_its_assumptions() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert "Assumes:" in text
    assert "expected_effect" in text


def test_8_3_failures_can_be_simulated_and_recovery_measured(component: Build) -> None:
    """The fixtures of docs/testing.md, without pytest's help."""
    cart = component()
    charge = cart.healing.guard("pay")(lambda: "charged")
    with faults_kept() as faults:
        faults(cart.healing).fail("pay", for_s=15.0)
        recovery = recovers_within_s(cart.healing, 120.0, load=charge)
    assert 0.0 < recovery.ill_after_s < recovery.took_s <= 120.0
