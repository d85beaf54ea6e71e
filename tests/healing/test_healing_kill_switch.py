"""The kill switch: a file or a function, looked at within half a second, safe when unreadable."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.configuration.kill_switch import KillSwitch


def test_without_a_switch_acts_are_allowed() -> None:
    switch = KillSwitch(environ={})
    assert (switch.state(), switch.may_act) == ("act", True)


def test_a_file_that_appears_stops_acts_within_a_second(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "stop"
    switch = KillSwitch(path, clock)
    assert switch.state() == "act"
    path.touch()
    assert switch.state() == "act"  # looked at just now
    clock.advance(0.5)
    assert switch.state() == "observe"
    path.unlink()
    clock.advance(0.5)
    assert switch.state() == "act"


@pytest.mark.parametrize(
    ("text", "state"),
    [("act\n", "act"), ("ACT", "act"), ("observe", "observe"), ("off", "observe")],
)
def test_a_file_may_say_which(tmp_path: Path, text: str, state: str) -> None:
    (tmp_path / "switch").write_text(text)
    assert KillSwitch(tmp_path / "switch").state() == state


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    assert KillSwitch(environ={"HMS_KILL_SWITCH": str(tmp_path / "stop")}).state() == "observe"
    assert KillSwitch(environ={"HMS_KILL_SWITCH": ""}).state() == "act"


def test_what_cannot_be_read_stops_acts(tmp_path: Path, clock: FakeClock) -> None:
    gone = KillSwitch(tmp_path / "not mounted" / "stop", clock)
    folder = KillSwitch(tmp_path, clock)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    binary = KillSwitch(tmp_path / "binary", clock)
    for switch in (gone, folder, binary):
        assert switch.state() == "observe"
        assert switch.unreadable == 1
        assert "unreadable" in switch.reason


def test_a_function_may_be_the_switch(clock: FakeClock) -> None:
    said: list[object] = ["act"]

    def ask() -> object:
        if isinstance(said[0], Exception):
            raise said[0]
        return said[0]

    switch = KillSwitch(ask, clock)
    for answer, state in (
        ("act", "act"), ("observe", "observe"), (False, "act"), (True, "observe"),
        (None, "observe"), ("nonsense", "observe"), (OSError("gone"), "observe"), ("act", "act"),
    ):  # fmt: skip
        said[0] = answer
        clock.advance(1.0)
        assert switch.state() == state, answer


def test_it_is_not_read_more_often_than_needed(clock: FakeClock) -> None:
    looks: list[float] = []
    ask: Callable[[], object] = lambda: looks.append(clock.now_s()) or "act"  # noqa: E731
    switch = KillSwitch(ask, clock)
    for _ in range(100):
        switch.state()
        clock.advance(0.125)
    assert len(looks) == 25


def test_a_pipe_keeps_nobody_waiting_and_stops_acts(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "switch")
    switch = KillSwitch(tmp_path / "switch")
    assert switch.state() == "observe"
    assert "is not a file" in switch.reason
