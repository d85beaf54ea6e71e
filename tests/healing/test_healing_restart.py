"""The four promises of a restart after kill -9, each a test; and what a late store does (9.3)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import living_process
import pytest

from hms.agents.healing import AdaptiveConfig, create_basic_self_healing
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.healing.store.database import SqlStore
from hms.agents.healing.store.memory import MemoryStore
from hms.agents.healing.store.place import Url
from hms.errors import BreakerOpen, ConfigRefused, StoreError

PROGRAM = Path(living_process.__file__)
WALL_S = 1_700_000_000.0


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a process knew before it was killed, the address of its store, and when it died."""
    url = f"sqlite:///{tmp_path_factory.mktemp('state') / 'hms.db'}"
    process = subprocess.Popen(
        [sys.executable, PROGRAM, url], stdout=subprocess.PIPE, text=True, cwd=PROGRAM.parent
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    yield {**json.loads(line), "url": url, "killed_s": time.monotonic()}


def restarted(killed: dict[str, Any]) -> StandaloneSelfHealing:
    each = create_basic_self_healing("cart", store=killed["url"], wall=lambda: WALL_S + 1.0)

    async def start() -> None:
        await each.initialize()
        assert each.recorder is not None
        assert each.recorder.wait_ready(60.0)

    asyncio.run(start())
    return each


def test_a_breaker_open_with_20_s_left_comes_back_open_for_at_most_20_s(
    killed: dict[str, Any],
) -> None:
    each = restarted(killed)
    breaker = each.guard("db").breaker
    with pytest.raises(BreakerOpen, match="OSError") as refused:
        breaker.admit()
    assert 0.0 < refused.value.retry_after_s <= killed["left_s"] <= 20.0
    passed_s = time.monotonic() - killed["killed_s"]
    assert refused.value.retry_after_s <= killed["left_s"] - passed_s + 0.5
    asyncio.run(each.close())


def test_history_is_queryable(killed: dict[str, Any]) -> None:
    each = restarted(killed)
    found = [[row.key, row.issue, row.by] for row in each.history]
    assert found == killed["attempts"]
    assert len(found) == 1
    assert each.recorder is not None
    rows = each.recorder.store.history("cart")
    assert [row.key for row in rows] == [row[0] for row in killed["attempts"]]
    asyncio.run(each.close())


def test_learned_effectiveness_is_equal(killed: dict[str, Any]) -> None:
    each = restarted(killed)
    assert [list(row) for row in each.effectiveness.rows()] == killed["learned"]
    assert killed["learned"]
    asyncio.run(each.close())


def test_the_configuration_version_is_in_force(killed: dict[str, Any]) -> None:
    each = restarted(killed)
    assert each.recorder is not None
    assert each.recorder.instance_id == killed["instance"]
    assert each.configuration_version == killed["version"] == 2
    parameters = each.guard("other").breaker.parameters
    assert (parameters.consecutive_failures, parameters.open_s) == (2, 20.0)
    with pytest.raises(ConfigRefused, match="older than"):
        asyncio.run(each.apply_config(AdaptiveConfig({}, "lab", WALL_S)))
    local = AdaptiveConfig({"retry": {"max_attempts": 5}}, "lab", WALL_S + 1.0)
    asyncio.run(each.apply_config(local))
    assert each.configuration.in_force.values["retry.max_attempts"] == 3  # the operator's
    asyncio.run(each.close())


def test_what_a_breaker_does_is_kept_at_once_not_when_the_next_second_begins(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'hms.db'}"
    each = create_basic_self_healing("cart", store=url, clock=FakeClock(5.0), instance_id="a")
    asyncio.run(each.initialize())
    recorder, breaker = each.recorder, each.guard("db").breaker
    assert recorder is not None

    def kept() -> list[tuple[str, float]]:
        assert recorder.flush(60.0, hanging_too=True), recorder.trouble
        other = SqlStore(Url(url))  # as another process reads it
        found = other.load("cart", "a").breakers
        other.close()
        return [(row.phase, row.left_s) for row in found]

    assert kept() == []
    breaker.open_for(20.0)
    assert kept() == [("open", 20.0)]
    breaker.half_open()
    assert kept() == [("half_open", 0.0)]
    breaker.force_open("me")
    assert kept() == [("forced_open", 0.0)]
    breaker.release("me")
    assert [phase for phase, _ in kept()] in ([], ["closed"])
    asyncio.run(each.close())


class LateStore(MemoryStore):
    """Does not open until it may."""

    opens = False

    def open(self) -> None:
        if not self.opens:
            raise StoreError("not yet")


def test_without_its_store_an_instance_heals_and_catches_up_later() -> None:
    store = LateStore()
    each = create_basic_self_healing("cart", store=store, wall=lambda: WALL_S, instance_id="a")

    async def use() -> None:
        await each.initialize()  # waits a second, no longer
        await each.apply_config(AdaptiveConfig({"retry": {"max_attempts": 2}}, "lab", WALL_S))

    asyncio.run(use())
    recorder = each.recorder
    assert recorder is not None
    assert (each.configuration_version, recorder.claim) == (1, None)
    assert "not yet" in recorder.trouble
    store.opens = True
    recorder._quiet_until_s = 0.0  # as if the pause were over
    assert recorder.wait_ready(60.0)
    assert asyncio.run(each.close()) is None
    assert [row.version for row in store.load("cart", "a").configurations] == [1]


def test_two_instances_of_one_process_keep_their_own(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hms.db'}"
    first, second = (create_basic_self_healing("cart", store=url) for _ in "ab")

    async def use() -> None:
        for number, each in enumerate((first, second)):
            await each.initialize()
            assert each.recorder is not None
            assert each.recorder.wait_ready(60.0)
            each.learn("errors", f"way {number}", helped=True)
        assert first.instance_id != second.instance_id
        for each in (first, second):
            await each.close()

    asyncio.run(use())
    store = SqlStore(Url(url))
    kept = [store.load("cart", each.instance_id).effectiveness for each in (first, second)]
    assert [[row.by for row in rows] for rows in kept] == [["way 0"], ["way 1"]]
    store.close()
