"""The recorder's own thread: what it writes, when it ends, and what a fork or an exit changes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from weakref import ref

from hms.agents.healing.store.database import SqlStore
from hms.agents.healing.store.memory import MemoryStore
from hms.agents.healing.store.place import Url
from hms.agents.healing.store.recorder import Recorder
from hms.agents.healing.store.records import DONE, AttemptRecord, Record
from hms.agents.healing.store.store import Claim
from hms.agents.healing.store.writer import writer_of

WALL_S = 1_700_000_000.0


def attempt(number: int) -> AttemptRecord:
    return AttemptRecord(f"k{number}", WALL_S + number, "errors", "restart", state=DONE)


def writers() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name == "hms-store"}


def test_its_thread_writes_and_ends_with_the_last_recorder() -> None:
    others = writers()
    store = MemoryStore()
    recorder = Recorder(store, "cart", "a")
    recorder.start()
    recorder.start()
    recorder.record(attempt(1))
    assert recorder.flush(10.0, hanging_too=True)
    assert [row.key for row in store.history("cart")] == ["k1"]
    (thread,) = writers() - others
    assert recorder.stop(10.0)
    thread.join(10.0)
    assert not thread.is_alive()
    assert store.claim("cart", "a").instance_id == "a"  # its place was given back


def test_a_recorder_that_is_dropped_is_not_kept_and_its_place_is_free_again() -> None:
    others = writers()
    store = MemoryStore()
    recorder = Recorder(store, "cart", "a")
    recorder.start()
    assert recorder.wait_ready(10.0)
    gone = ref(recorder)
    (thread,) = writers() - others
    del recorder
    writer_of(store).wake()
    thread.join(10.0)
    assert gone() is None
    assert store.claim("cart", "a").instance_id == "a"


def test_nobody_waits_long_for_a_store_that_hangs() -> None:
    answers = threading.Event()

    class Hanging(MemoryStore):
        def write(self, claim: Claim, rows: Sequence[Record]) -> None:
            answers.wait(30.0)
            super().write(claim, rows)

    recorder = Recorder(Hanging(), "cart", "a")
    recorder.start()
    recorder.record(attempt(1))
    assert not recorder.flush(0.05)
    recorder._busy_since_s -= 2.0  # as if two seconds had passed
    began_s = time.monotonic()
    assert not recorder.flush(60.0)
    assert time.monotonic() - began_s < 30.0
    answers.set()
    with recorder._changed:
        assert recorder._changed.wait_for(lambda: not recorder.lag, 30.0)
    assert recorder.stop(30.0)


def test_a_forked_child_writes_at_a_place_of_its_own(tmp_path: Path) -> None:
    script = f"""
import os, sys
from hms.agents.healing.store.database import SqlStore
from hms.agents.healing.store.place import Url
from hms.agents.healing.store.recorder import Recorder
from hms.agents.healing.store.records import AttemptRecord

store = SqlStore(Url("sqlite:///{tmp_path / 'hms.db'}"))
recorder = Recorder(store, "cart", "a")
recorder.start()
assert recorder.wait_ready(30)
recorder.record(AttemptRecord("parent", 1.0, "errors", "restart"))
assert recorder.flush(30, hanging_too=True)
child = os.fork()
recorder.record(AttemptRecord(f"after {{child == 0}}", 2.0, "errors", "restart"))
assert recorder.flush(30, hanging_too=True), recorder.trouble
print(recorder.instance_id, flush=True)
if child:
    assert os.waitpid(child, 0)[1] == 0
    rows = {{row.key for row in store.history("cart")}}
    assert rows == {{"parent", "after True", "after False"}}, rows
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == ["a", "a-2"]


def test_what_waits_at_the_end_of_the_process_is_written(tmp_path: Path) -> None:
    script = f"""
from hms.agents.healing.store import writer
from hms.agents.healing.store.database import SqlStore
from hms.agents.healing.store.place import Url
from hms.agents.healing.store.recorder import Recorder
from hms.agents.healing.store.records import AttemptRecord

writer.LAST_FLUSH_S = 60.0  # this machine may be busy with other tests
recorder = Recorder(SqlStore(Url("sqlite:///{tmp_path / 'hms.db'}")), "cart", "a")
recorder.start()
assert recorder.wait_ready(30)
for number in range(1000):
    recorder.record(AttemptRecord(str(number), 1.0, "errors", "restart"))
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    store = SqlStore(Url(f"sqlite:///{tmp_path / 'hms.db'}"))
    assert len(store.history("cart", most=2000)) == 1000
    assert store.claim("cart", "a").instance_id == "a"
    store.close()
