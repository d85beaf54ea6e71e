"""Training scenarios of a toy world, and the space of genomes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from toy_world import FAMILIES

from hms.evolution.genome import Space


@pytest.fixture
def families() -> tuple[str, ...]:
    """The family of each of 56 training scenarios."""
    return tuple(FAMILIES[index % len(FAMILIES)] for index in range(56))


@pytest.fixture
def cases(families: tuple[str, ...]) -> list[float]:
    """What each training scenario costs whatever the policy does, in seconds."""
    return [float(FAMILIES.index(name)) for name in families]


@pytest.fixture(scope="session")
def space() -> Space:
    """All genes, no overrides."""
    return Space()
