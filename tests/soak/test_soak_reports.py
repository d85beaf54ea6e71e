"""A million reports leave no trace in memory beyond the first 100,000 (9.2)."""

from __future__ import annotations

import subprocess
import sys

import pytest

RUN = "from hms.experiments.bench.runtime_reports import grown_mib; print(grown_mib({count}))"


def grown_mib(count: int) -> float:
    """In a process of its own, where nothing else grows."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(count=count)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


@pytest.mark.slow
def test_200_000_reports_grow_memory_by_5_mib_at_most() -> None:
    assert grown_mib(200_000) <= 5.0


@pytest.mark.soak
def test_a_million_reports_grow_memory_by_5_mib_at_most() -> None:
    assert grown_mib(1_000_000) <= 5.0
