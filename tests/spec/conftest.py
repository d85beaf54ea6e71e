"""What the tests of the specification stand on: a clock that they move, and components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from component_under_test import Component

from hms.agents.healing.testing import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def component(clock: FakeClock) -> Callable[..., Component]:
    """A component with an instance of any level: `component("Full", memory_limit_mb=100)`."""

    def build(level: str = "Basic", **settings: Any) -> Component:
        return Component(level, clock, **settings)

    return build
