"""Fixtures for the tests of components that heal themselves; pytest finds them by itself.

Where no test asks for one, nothing of the runtime is imported: this file costs what it reads.
See docs/testing.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hms.agents.healing.testing import FakeClock, Faults


@pytest.fixture
def fake_clock() -> FakeClock:
    """A monotonic clock that tests move: `create_…_self_healing("x", clock=fake_clock)`."""
    from hms.agents.healing.testing import FakeClock

    return FakeClock()


@pytest.fixture
def run_virtually(fake_clock: FakeClock) -> Callable[..., Any]:
    """`run_virtually(coroutine)`: as asyncio.run, on the fake clock, without waiting."""
    from hms.agents.healing.testing import run

    return lambda main: run(main, fake_clock)


@pytest.fixture
def faults() -> Iterator[Callable[[Any], Faults]]:
    """`faults(healing).fail("db", times=3)`: faults of dependencies, until the test ends."""
    from hms.agents.healing.testing import faults_kept

    with faults_kept() as made:
        yield made


@pytest.fixture
def recovers_within_s() -> Callable[..., Any]:
    """`recovers_within_s(healing, 30, load=…)`: asserts that it falls ill and heals itself."""
    from hms.agents.healing.testing import recovers_within_s as asserted

    return asserted
