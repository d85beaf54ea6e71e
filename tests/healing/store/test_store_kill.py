"""kill -9 of a writing process: what was acknowledged is there, once, also after a retry."""

from __future__ import annotations

import os
import random
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import writing_process

from hms.agents.healing.store.database import SqlStore
from hms.agents.healing.store.place import Url
from hms.agents.healing.store.records import AttemptRecord

PROGRAM = Path(writing_process.__file__)


def written_until_killed(url: str, first: int, draw: random.Random) -> list[str]:
    """What a process said was acknowledged before it was killed, at a moment drawn by chance."""
    process = subprocess.Popen(
        [sys.executable, PROGRAM, url, str(first)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().strip(), process.stdout.readline().strip()]
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        end_s = time.monotonic() + draw.uniform(0.0, 0.05)
        while time.monotonic() < end_s:
            if ready.select(max(end_s - time.monotonic(), 0.0)):
                lines.append(process.stdout.readline().strip())
    os.kill(process.pid, signal.SIGKILL)
    lines += process.stdout.read().split("\n")
    process.wait()
    return [line for line in lines if line.count(" ") == 1]


def last(lines: list[str], word: str, otherwise: int) -> int:
    return max([int(line.split()[1]) for line in lines if line.startswith(word)], default=otherwise)


def kill_often(url: str, times: int) -> None:
    draw = random.Random(9)
    store = SqlStore(Url(url), kept=1_000_000)
    store.open()
    first = 0
    for _ in range(times):
        lines = written_until_killed(url, first, draw)
        assert lines[0] == "claimed a"  # the dead process's own place and state
        begun, done = last(lines, "begun", first - 1), last(lines, "done", first - 1)
        state = store.load("cart", "a")
        acts = {row.key: row.state for row in state.attempts}
        assert len(acts) == len(state.attempts)
        for number in range(begun + 1):
            expected = ("done",) if number <= done else ("done", "intended")
            assert acts[f"k{number}"] in expected
        assert len(acts) <= begun + 2  # at most the one that nobody heard of any more
        incidents = [int(row.key) for row in state.incidents]
        assert incidents == list(range(len(incidents)))
        assert len(incidents) in (done + 1, done + 2)
        (learned,) = state.effectiveness or (None,)
        assert (learned.tried if learned else 0.0) == len(incidents)
        first = retried(store, len(incidents))
    store.close()


def retried(store: SqlStore, number: int) -> int:
    """What a restarted process does with an act that was cut off: it is not begun twice."""
    claim = store.claim("cart", "a")
    act = AttemptRecord(f"k{number}", 3.0, "errors", "restart")
    assert store.begin_act(claim, act) in ("new", "under_way")
    assert store.begin_act(claim, act) == "under_way"
    before = len(store.load("cart", "a").attempts)
    assert before == number + 1
    store.release(claim)
    return number


@pytest.mark.slow
def test_ten_killed_processes_lose_and_double_nothing(tmp_path: Path) -> None:
    kill_often(f"sqlite:///{tmp_path / 'hms.db'}", 10)


@pytest.mark.slow
def test_killed_writers_of_a_server_lose_and_double_nothing(database: Callable[[], str]) -> None:
    kill_often(database(), 3)


def test_processes_that_share_a_store_keep_their_own_and_begin_an_act_once(
    url: str,
) -> None:
    if url == "memory":
        pytest.skip("memory is one process's")
    script = f"""
from hms.agents.healing.store.database import SqlStore
from hms.agents.healing.store.place import Url
from hms.agents.healing.store.records import AttemptRecord, EffectivenessRecord

store = SqlStore(Url({url!r}))
store.open()
claim = store.claim("cart", "a")
answer = store.begin_act(claim, AttemptRecord("shared", 1.0, "errors", "restart"))
for number in range(20):
    key = f"{{claim.instance_id}}/{{number}}"
    row = EffectivenessRecord("errors", "restart", float(number), 0.0)
    store.write(claim, [AttemptRecord(key, 1.0, "errors", "restart"), row])
print(claim.instance_id, answer, flush=True)
input()
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    told = [str(each.stdout.readline()).split() for each in processes if each.stdout]
    for each in processes:
        each.communicate("\n")
    assert sorted(line[0] for line in told) == ["a", "a-2", "a-3"]
    assert sorted(line[1] for line in told) == ["new", "under_way", "under_way"]
    store = SqlStore(Url(url))
    assert len(store.history("cart", most=1000)) == 61
    for name, *_ in told:
        state = store.load("cart", name)
        own = [row.key for row in state.attempts if row.key != "shared"]
        assert own == [f"{name}/{number}" for number in range(20)]
        assert [row.tried for row in state.effectiveness] == [19.0]
    store.close()


@pytest.mark.soak
def test_two_hundred_killed_processes_lose_and_double_nothing(tmp_path: Path) -> None:
    kill_often(f"sqlite:///{tmp_path / 'hms.db'}", 200)
