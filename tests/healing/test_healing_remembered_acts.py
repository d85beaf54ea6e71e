"""Acts, keys and what is known, gone on from after a process has ended (9.3), by SQLite."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ill_component import ILL, WELL, Strategy, policy, succeed

from hms.agents.healing import AdaptiveConfig, NoAction, create_full_self_healing
from hms.agents.healing.a2a import A2ASelfHealing
from hms.agents.healing.clock import FakeClock


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'hms.db'}"


def instance(url: str, clock: FakeClock, **settings: Any) -> A2ASelfHealing:
    return create_full_self_healing(
        "cart", clock=clock, store=url, instance_id="a",
        policy=policy(errors=[{"act": "restart"}]), **settings,
    )


async def live(healing: A2ASelfHealing, clock: FakeClock, seconds: int, report: Any) -> list[Any]:
    answers = []
    for _ in range(seconds):
        clock.advance(1.0)
        healing.report(report)
        answers.append(await healing.heal())
    return answers


def test_history_effectiveness_incidents_and_configuration_come_back(url: str) -> None:
    clock = FakeClock()

    async def first() -> A2ASelfHealing:
        each = instance(url, clock)
        each.register_target("restart", lambda issue, amount: None)
        await each.initialize()
        await live(each, clock, 5, ILL)
        await live(each, clock, 10, WELL)
        wanted = {"retry": {"max_attempts": 3}}
        await each.apply_config(AdaptiveConfig(wanted, "us", time.time()))
        await each.close()
        return each

    async def second() -> A2ASelfHealing:
        each = instance(url, FakeClock())
        await each.initialize()
        return each

    before, after = asyncio.run(first()), asyncio.run(second())
    assert [(one.by, one.verdict, one.action) for one in after.history] == [
        (one.by, one.verdict, one.action) for one in before.history
    ]
    assert after.effectiveness.rows() == before.effectiveness.rows()
    assert before.incidents is not None
    assert after.incidents is not None
    assert after.incidents.finished() == before.incidents.finished()
    assert after.configuration_version == 1
    assert after.dependencies.edge({}).retry.max_attempts == 3
    asyncio.run(after.close())


def test_a_breaker_that_was_open_is_open_though_nobody_has_guarded_it_yet(url: str) -> None:
    async def first() -> None:
        each = instance(url, FakeClock())
        await each.initialize()
        each.guard("db").breaker.open_for(50.0)
        assert each.recorder is not None
        each.recorder.record(each.guard("db").breaker.saved())
        await each.close()

    async def later(clock: FakeClock, *, guard: bool) -> float:
        each = instance(url, clock)
        await each.initialize()
        left_s = 0.0
        if guard:
            assert each.guard("db").breaker.phase == "open"
            left_s = each.guard("db").breaker.saved().left_s
        await each.close()
        return left_s

    asyncio.run(first())
    asyncio.run(later(FakeClock(), guard=False))
    left_s = asyncio.run(later(FakeClock(), guard=True))
    assert 40.0 < left_s <= 50.0


KILLED = """
import asyncio, os, sys, time
sys.path.insert(0, {tests!r})
from ill_component import ILL, policy
from hms.agents.healing import create_full_self_healing
from hms.agents.healing.clock import FakeClock

clock = FakeClock()

def restart(issue, amount):
    with open({mark!r}, "a") as file:
        file.write("restarted\\n")
    print("acting", flush=True)
    time.sleep(60)

async def main():
    each = create_full_self_healing(
        "cart", clock=clock, store={url!r}, instance_id="a",
        policy=policy(errors=[{{"act": "restart", "patience_s": 5.0}}]),
    )
    each.register_target("restart", restart)
    await each.initialize()
    for _ in range(4):
        clock.advance(1.0)
        each.report(ILL)
    await each.heal()

asyncio.run(main())
"""


def test_an_act_that_a_kill_cut_off_is_watched_before_it_is_repeated(
    url: str, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    script = KILLED.format(tests=str(Path(__file__).parent), mark=str(mark), url=url)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"acting\n"
        child.send_signal(signal.SIGKILL)
    clock, done = FakeClock(), []

    async def use() -> A2ASelfHealing:
        each = instance(url, clock)
        each.register_target("restart", lambda issue, amount: done.append(issue.kind))
        await each.initialize()
        answers = await live(each, clock, 4, ILL)
        assert answers == [NoAction()] * 4
        assert each.is_treating
        await live(each, clock, 15, WELL)
        await each.close()
        return each

    each = asyncio.run(use())
    assert done == []
    assert mark.read_text() == "restarted\n"
    assert [one.verdict for one in each.history] == ["unknown", "effective"]


def test_a_strategys_own_key_is_done_once_in_all_processes(url: str) -> None:
    class Once(Strategy):
        def idempotency_key(self, issue: Any) -> str:
            return "invoice 17"

    async def use() -> int:
        clock = FakeClock()
        each = create_full_self_healing("cart", clock=clock, store=url, instance_id="a")
        strategy = Once("pay back", succeed)
        each.register_strategy(strategy)
        await each.initialize()
        await live(each, clock, 5, ILL)
        await live(each, clock, 15, WELL)
        await each.close()
        return len(strategy.asked)

    assert [asyncio.run(use()) for _ in range(3)] == [1, 0, 0]


def test_a_store_that_cannot_be_opened_stops_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    broken = tmp_path / "no folder"
    broken.write_text("a file")

    async def use() -> list[Any]:
        each = instance(f"sqlite:///{broken / 'hms.db'}", clock)
        each.register_target("restart", lambda issue, amount: None)
        await each.initialize()
        answers = await live(each, clock, 4, ILL)
        await each.close()
        return [str(type(each).__name__) for each in answers]

    started = time.monotonic()
    assert "Restarted" in asyncio.run(use())
    assert time.monotonic() - started < 10.0
