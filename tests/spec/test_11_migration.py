"""Section 11: docs/migrate.md has every step, each with a block that tests execute.

The blocks are executed by tests/tidy/test_tidy_docs.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from component_under_test import ERRORS, WELL, Component

from hms.agents.healing import AdaptiveConfig
from hms.agents.healing.loop import HealLoop
from hms.agents.healing.recovery.escalation import InProcessSupervisor

Build = Callable[..., Component]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "migrate.md").read_text(encoding="utf-8")


def chapter(title: str) -> str:
    """The text of one chapter of the page."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


@pytest.mark.parametrize(
    ("title", "steps"),
    [
        ("Existing components", ("Replace direct", "level", "Initialise", "Report", "automatic")),
        ("New components", ("beginning", "resilience", "strategies", "simulated", "effectiveness")),
    ],
)
def test_11_1_and_11_2_the_five_steps_are_there_in_order(
    title: str, steps: tuple[str, ...]
) -> None:
    bold = re.findall(r"^\*\*(\d)\. (.*?)\*\*", chapter(title), re.MULTILINE | re.DOTALL)
    assert [number for number, _ in bold] == ["1", "2", "3", "4", "5"]
    for (_, words), wanted in zip(bold, steps, strict=True):
        assert wanted in words


@pytest.mark.parametrize("library", ["pybreaker", "circuitbreaker", "tenacity"])
def test_from_other_libraries_before_and_after_are_executed(library: str) -> None:
    text = chapter(f"From {library}")
    assert "```python run" in text
    assert f"import {library}" in text or f"from {library} import" in text


def supervised(component: Build) -> tuple[Component, InProcessSupervisor]:
    supervisor = InProcessSupervisor()
    return component(supervisor=supervisor).start(), supervisor


def test_11_3_1_health_is_reported_to_the_supervisor(component: Build) -> None:
    cart, supervisor = supervised(component)
    cart.live(5, ERRORS)
    cart.run(HealLoop(cart.healing).round())
    assert supervisor.statuses["cart"].severity == 2


def test_11_3_2_configuration_guidance_is_accepted(component: Build) -> None:
    cart, supervisor = supervised(component)
    supervisor.guided.append(AdaptiveConfig({"breaker": {"open_s": 44.0}}, "supervisor", 1.7e9))
    cart.live(1, WELL)
    cart.run(HealLoop(cart.healing).round())
    assert cart.healing.guard("db").breaker.parameters.open_s == 44.0


def test_11_3_3_what_cannot_be_recovered_is_escalated_once(component: Build) -> None:
    cart, supervisor = supervised(component)
    cart.live(20, ERRORS)
    assert [each.issue.kind for each in supervisor.escalations] == ["errors"]
