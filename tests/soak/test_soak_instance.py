"""The long form of `test_healing_threads`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "healing"))

from instance_threads import Mixed


@pytest.mark.soak
def test_32_threads_mix_everything_for_a_long_time() -> None:
    mixed = Mixed(steps=5_000)
    mixed.run()
    mixed.check()
