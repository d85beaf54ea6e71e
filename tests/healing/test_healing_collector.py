"""The process collector: CPU between samples, memory by /proc, or a plain word on what it is."""

from __future__ import annotations

import builtins
import os
import time
from pathlib import Path
from typing import Any

import pytest

from hms.agents.healing.health.collector import SOURCES, ProcessCollector


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="no /proc on this system")
def test_memory_is_what_the_system_says_and_follows_it() -> None:
    collector = ProcessCollector()
    _, before_mb = collector.sample(0.0)
    held = bytearray(40_000_000)
    held[::4096] = b"x" * len(held[::4096])
    _, after_mb = collector.sample(1.0)
    assert collector.memory_source == "proc"
    assert 30.0 < after_mb - before_mb < 80.0


def test_cpu_is_the_share_of_a_core_since_the_last_sample() -> None:
    collector = ProcessCollector()
    assert collector.sample(100.0)[0] == 0.0
    used_s = sum(os.times()[:2])
    while sum(os.times()[:2]) - used_s < 0.05:
        sum(range(1000))
    busy, _ = collector.sample(100.1)  # the clock is ours: .05 s or a little more in .1 s
    assert busy > 30.0
    assert collector.sample(100.1)[0] == 0.0  # no span, no share
    time.sleep(0)
    assert 0.0 <= collector.sample(1e9)[0] < 0.01


def test_without_proc_it_says_that_memory_is_a_peak(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    collector = ProcessCollector(tmp_path / "none")
    assert collector.memory_source == "peak"
    assert collector.statement == SOURCES["peak"]
    assert collector.sample(0.0)[1] > 1.0


def test_where_nothing_is_known_memory_is_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "resource":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    collector = ProcessCollector(tmp_path / "none")
    assert collector.memory_source == "none"
    assert collector.sample(0.0)[1] == 0.0
