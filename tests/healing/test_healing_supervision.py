"""The in-process supervisor beside Erlang's cases: tasks, orders, starts and stops that fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from supervised_units import Family, Unit

from hms.agents.healing import Issue, Restarted
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.strategies.restart import ProcessRestart
from hms.agents.healing.supervision import Child, ChildSupervisor
from hms.agents.policy.supervision import SupervisionParameters
from hms.errors import ConfigRefused


def test_a_child_that_is_a_task_is_watched_and_killed_by_cancelling_it(clock: FakeClock) -> None:
    lives: list[asyncio.Task[None]] = []

    async def work(crash: bool) -> None:
        if crash:
            raise RuntimeError("boom")
        await asyncio.Event().wait()

    async def start() -> asyncio.Task[None]:
        lives.append(asyncio.create_task(work(crash=not lives)))
        return lives[-1]

    supervisor = ChildSupervisor([Child("a", start)], clock=clock)

    async def scenario() -> None:
        await supervisor.start()
        for _ in range(5):
            await asyncio.sleep(0.0)
        assert len(lives) == 2
        await supervisor.stop()
        await asyncio.wait({lives[1]})

    asyncio.run(scenario())
    assert lives[1].cancelled()
    whats = [each.what for each in supervisor.events]
    assert whats == ["started", "ended", "started", "killed"]
    assert supervisor.state == "stopped"


def test_a_child_restarted_by_order_is_not_counted(clock: FakeClock) -> None:
    log: list[str] = []
    family = Family(clock, Unit("a", log), restarts=0)

    async def scenario(supervisor: ChildSupervisor) -> None:
        for _ in range(3):
            await supervisor.restart("a")
        with pytest.raises(ConfigRefused, match="no child `b`"):
            await supervisor.restart("b")

    family.run(scenario)
    assert log == ["start a"] + ["stop a", "start a"] * 3
    assert family.supervisor.state == "running"


def test_what_was_started_is_stopped_when_a_sibling_does_not_start(clock: FakeClock) -> None:
    log: list[str] = ["start b"]  # so that its first start fails
    family = Family(clock, Unit("a", log), Unit("b", log, fails=1))
    with pytest.raises(OSError, match="port taken"):
        family.run(lambda supervisor: supervisor.stop())
    assert log == ["start b", "start a", "no start b", "stop a"]
    assert family.supervisor.state == "stopped"


def test_a_stop_or_a_kill_that_raises_does_not_keep_the_siblings_running(clock: FakeClock) -> None:
    log: list[str] = []

    async def refuse() -> None:
        raise OSError("no")

    def fail() -> None:
        raise OSError("never")

    a, b = Unit("a", log), Unit("b", log)
    supervisor = ChildSupervisor(
        [Child("a", a.start, a.stop), Child("b", b.start, refuse, fail)], clock=clock
    )

    async def scenario() -> None:
        await supervisor.start()
        await supervisor.start()  # runs already
        await supervisor.stop()
        await supervisor.ended("b")  # is down already

    asyncio.run(scenario())
    assert log == ["start a", "start b", "stop a"]
    assert [each.detail for each in supervisor.events if each.what == "stop_failed"] == [
        "OSError: no", "OSError: never"
    ]


@pytest.mark.parametrize(
    ("children", "limits", "said"),
    [
        ("aa", {}, "two children"),
        ("a", {"restarts": 10}, "0 to 9 restarts"),
        ("a", {"within_s": 0.0}, "within_s above 0"),
        ("a", {"stop_s": -1.0}, "stop_s 0 or above"),
    ],
)
def test_a_family_that_makes_no_sense_is_refused(
    children: str, limits: dict[str, Any], said: str
) -> None:
    listed = [Child(name, Unit(name, []).start) for name in children]
    with pytest.raises(ConfigRefused, match=said):
        ChildSupervisor(listed, parameters=SupervisionParameters(**limits))
    with pytest.raises(ConfigRefused, match="expected: permanent, transient"):
        ChildSupervisor([Child("x", Unit("x", []).start, kind="eternal")])


def test_a_child_is_a_restart_target_of_a_strategy(clock: FakeClock) -> None:
    log: list[str] = []
    family = Family(clock, Unit("a", log), Unit("b", log), restarts=0)
    strategy = ProcessRestart(family.supervisor.target("b"))
    issue = Issue("errors", 2, "60 % errors", 0.0)

    async def scenario(supervisor: ChildSupervisor) -> None:
        assert strategy.can_handle(issue)
        assert await strategy.recover(issue) == Restarted()

    family.run(scenario)
    assert log == ["start a", "start b", "stop b", "start b"]
    with pytest.raises(ConfigRefused, match="no child `c`"):
        family.supervisor.target("c")


def test_where_all_children_were_given_up_a_restart_starts_them_all(clock: FakeClock) -> None:
    log: list[str] = []
    family = Family(clock, Unit("a", log), Unit("b", log), restarts=0)

    async def scenario(supervisor: ChildSupervisor) -> None:
        await supervisor.ended("a", OSError("gone"))
        assert supervisor.state == "escalated"
        await supervisor.target("b").restart()
        assert supervisor.running == ("a", "b")

    family.run(scenario)
    assert log == ["start a", "start b", "stop b", "start a", "start b"]


def test_another_threads_loop_restarts_a_child_on_the_supervisors_own(clock: FakeClock) -> None:
    loops: list[object] = []

    async def start() -> None:
        loops.append(asyncio.get_running_loop())

    supervisor = ChildSupervisor([Child("a", start)], clock=clock)
    target = supervisor.target("a")
    with pytest.raises(ConfigRefused, match="never started"):
        asyncio.run(target.restart())

    async def home() -> None:
        await supervisor.start()
        await asyncio.to_thread(lambda: asyncio.run(target.restart()))
        assert loops == [asyncio.get_running_loop()] * 2

    asyncio.run(home())
