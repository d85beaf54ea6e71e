"""What the times of these tests leave out."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def heap_of_its_own() -> Iterator[None]:
    """The objects of thousands of earlier tests are not looked through again while one is timed."""
    gc.freeze()
    yield
    gc.unfreeze()
