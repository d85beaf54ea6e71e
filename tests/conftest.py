"""Quick tests first; random tests repeat themselves, except in the soak."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# the same examples each time: a test run says the same twice. `make soak` looks further.
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=50)
settings.register_profile(
    "soak", deadline=None, max_examples=5_000, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("HMS_HYPOTHESIS", "suite"))


@pytest.fixture(autouse=True, scope="session")
def state_folder() -> Iterator[Path]:
    """What instances keep is kept in a folder of this run's own, also by child processes."""
    before = os.environ.get("HMS_STATE_DIR")
    with tempfile.TemporaryDirectory(prefix="hms-state-") as name:
        os.environ["HMS_STATE_DIR"] = name
        yield Path(name)
        if before is None:
            del os.environ["HMS_STATE_DIR"]
        else:
            os.environ["HMS_STATE_DIR"] = before


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What fails fast comes first."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
