"""What an instance weighs: memory by level, time and modules of an import."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from ill_component import ILL, WELL

from hms.agents.healing import (
    create_advanced_self_healing,
    create_basic_self_healing,
    create_full_self_healing,
)
from hms.agents.healing.clock import FakeClock

INSTANCES = 40


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What pytest keeps of the log is not the instance's."""
    caplog.set_level(logging.CRITICAL, "hms.healing")


async def lived(create: Callable[..., Any], report: Any, seconds: int) -> Any:
    """An instance that has taken reports and healed for a while."""
    clock = FakeClock()
    healing = create("cart", clock=clock, store="memory")
    await healing.initialize()
    for _ in range(seconds):
        clock.advance(1.0)
        healing.report(report)
        await healing.heal()
    return healing


def kib_each(create: Callable[..., Any], report: Any = WELL, seconds: int = 5) -> float:
    """Memory of one instance, mean of many; what all share is loaded before."""

    async def many() -> float:
        warm = [await lived(create, report, seconds) for _ in range(2)]
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        held = [await lived(create, report, seconds) for _ in range(INSTANCES)]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(warm) + len(held) == INSTANCES + 2
        return (after - before) / INSTANCES / 1024.0

    return asyncio.run(many())


@pytest.mark.parametrize(
    ("create", "most_kib"),
    [
        (create_basic_self_healing, 16.0), (create_advanced_self_healing, 64.0),
        (create_full_self_healing, 256.0),
    ],
)
def test_an_instance_stays_within_its_levels_memory(
    create: Callable[..., Any], most_kib: float
) -> None:
    assert kib_each(create) <= most_kib


async def lived_for_two_hours(create: Callable[..., Any], clock: FakeClock) -> Any:
    """Its rings are full, it has been ill and was looked after."""
    healing = create("cart", clock=clock, store="memory")
    await healing.initialize()
    for k in range(140):
        clock.advance(60.0 if k < 70 else 1.0)
        healing.report(ILL if k % 20 < 5 else WELL)
        await healing.heal()
    return healing


def test_a_basic_one_stays_within_it_when_its_rings_are_full() -> None:
    async def many() -> float:
        clock = FakeClock()
        held = [await lived_for_two_hours(create_basic_self_healing, clock)]
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        held += [await lived_for_two_hours(create_basic_self_healing, clock) for _ in range(3)]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert min(len(each.health._history) for each in held) >= 128
        return (after - before) / 3.0 / 1024.0

    assert asyncio.run(many()) <= 16.0


def test_an_advanced_one_in_trouble_does_too() -> None:
    assert kib_each(create_advanced_self_healing, ILL, 10) <= 64.0


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_an_import_takes_less_than_80_ms_of_processor_time() -> None:
    """The least of several: others may use the machine meanwhile."""
    script = (
        "import time\n"
        "before = time.process_time()\n"
        "import hms.agents.healing\n"
        "print(time.process_time() - before)\n"
    )
    assert min(float(run(script)) for _ in range(7)) <= 0.080


def test_neither_the_import_nor_a_basic_instance_loads_what_is_heavy() -> None:
    script = (
        "import sys\n"
        "from hms.agents.healing import create_basic_self_healing\n"
        "healing = create_basic_self_healing('x', store='memory')\n"
        "healing.guard('db')(len)([1])\n"
        "heavy = {'ray', 'mlflow', 'numba', 'numpy', 'pandas', 'pydantic', 'sqlalchemy',\n"
        "         'networkx', 'asyncio', 'yaml', 'logging', 'subprocess'}\n"
        "levels = {'hms.agents.healing.' + each for each in ('a2a', 'hybrid', 'optimizer')}\n"
        "print(sorted((heavy | levels) & set(sys.modules)))\n"
    )
    assert run(script) == "[]"
