"""Databases that are full, locked, deleted or stopped: healing goes on, and all is back-filled."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event

from hms.agents.healing.clock import FakeClock
from hms.agents.healing.store import place
from hms.agents.healing.store.database import SqlStore
from hms.agents.healing.store.place import Url
from hms.agents.healing.store.recorder import Recorder
from hms.agents.healing.store.records import AttemptRecord, EffectivenessRecord
from hms.errors import StoreError


class Bench:
    """A recorder of a SQL store, turned by hand on a fake clock."""

    def __init__(self, url: str) -> None:
        self.clock = FakeClock()
        self.store = SqlStore(Url(url))
        self.recorder = Recorder(self.store, "cart", "a", clock=self.clock)
        self.recorder.record(EffectivenessRecord("errors", "restart", 3.0, 2.0))
        self.number = 0

    def act(self, times: int, letters: int = 10) -> None:
        for _ in range(times):
            self.number += 1
            key = f"k{self.number}"
            self.recorder.record(AttemptRecord(key, 1.0, "errors", "x", action="x" * letters))

    def turn(self) -> str:
        """One turn, some time later; what went wrong."""
        self.clock.advance(60.0)
        try:
            while self.recorder.turn():
                pass
        except StoreError as error:
            self.recorder.failed(error)
            return str(error)
        return ""

    @property
    def keys(self) -> list[str]:
        return [row.key for row in self.store.history("cart", most=10_000)]

    @property
    def expected(self) -> list[str]:
        return [f"k{number}" for number in range(1, self.number + 1)]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(place, "WAIT_S", 0.05)
    return tmp_path / "hms.db"


def test_a_full_disk_is_waited_out(file: Path) -> None:
    bench = Bench(f"sqlite:///{file}")
    bench.act(3)
    assert bench.turn() == ""
    pages = 10  # fewer than the tables take: every new page is one too many
    engine = bench.store._connected()
    engine.dispose()
    event.listen(engine, "connect", lambda c, _: c.execute(f"PRAGMA max_page_count = {pages}"))
    bench.act(50, letters=20_000)
    assert "full" in bench.turn()
    bench.act(50, letters=20_000)
    assert "full" in bench.turn()
    assert bench.keys == ["k1", "k2", "k3"]  # reading goes on
    assert bench.recorder.lag == 100
    pages = 1_000_000
    engine.dispose()  # the next connection hears the new limit
    assert bench.turn() == ""
    assert bench.keys == bench.expected
    bench.store.close()


def test_a_locked_database_is_waited_out(file: Path) -> None:
    bench = Bench(f"sqlite:///{file}")
    assert bench.turn() == ""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    bench.act(5)
    assert "locked" in bench.turn()
    bench.act(5)
    other.execute("ROLLBACK")
    assert bench.turn() == ""
    assert bench.keys == bench.expected
    other.close()
    bench.store.close()


def test_a_deleted_file_is_made_again_with_what_is_known(file: Path) -> None:
    bench = Bench(f"sqlite:///{file}")
    bench.act(2)
    assert bench.turn() == ""
    for each in file.parent.iterdir():
        each.unlink()
    bench.act(2)
    assert "is gone" in bench.turn()
    assert bench.turn() == ""
    assert bench.keys == ["k3", "k4"]
    assert bench.recorder.instance_id == "a"
    assert [row.tried for row in bench.store.load("cart", "a").effectiveness] == [3.0]
    bench.store.close()


def test_tables_that_were_dropped_are_made_again(database: Callable[[], str]) -> None:
    import psycopg

    url = database()
    bench = Bench(url)
    bench.act(2)
    assert bench.turn() == ""
    with psycopg.connect(url) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    bench.act(2)
    assert "does not exist" in bench.turn()
    assert bench.turn() == ""
    assert bench.keys == ["k3", "k4"]
    bench.store.close()


def test_a_server_that_closed_all_connections_is_reached_again(
    database: Callable[[], str],
) -> None:
    import psycopg

    url = database()
    bench = Bench(url)
    bench.act(2)
    assert bench.turn() == ""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    bench.act(2)
    assert bench.turn() == ""  # the pool asks before it uses a connection
    assert bench.keys == bench.expected
    bench.store.close()


def test_a_server_that_is_not_there_is_told_in_seconds(tmp_path: Path) -> None:
    bench = Bench("postgresql://hms@127.0.0.1:9/none")
    bench.act(2)
    assert "connection" in bench.turn()
    assert bench.recorder.lag == 3
    bench.store.close()
