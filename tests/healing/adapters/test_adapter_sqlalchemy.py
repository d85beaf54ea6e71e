"""SQLAlchemy engines, guarded: a real SQLite database, and the errors that databases raise."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from sqlalchemy import exc, text
from sqlalchemy.pool import QueuePool

from hms.agents.healing import ReconnectionAttempted
from hms.agents.healing.adapters.sqlalchemy import database_failed, guard_engine
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.interface import Issue
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.healing.strategies.reconnect import Reconnect
from hms.errors import BreakerOpen, ConfigRefused

Build = Callable[..., StandaloneSelfHealing]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    made = sqlalchemy.create_engine(
        f"sqlite:///{tmp_path}/shop.db", connect_args={"timeout": 0.0}
    )
    with made.begin() as connection:
        connection.execute(text("create table item (id integer primary key, name text not null)"))
    made.dispose()
    yield made
    made.dispose()


def test_connections_and_statements_are_counted(healing: Build, engine: sqlalchemy.Engine) -> None:
    db = guard_engine(healing(), engine)
    with engine.begin() as connection:
        connection.execute(text("insert into item (name) values (:name)"), {"name": "tea"})
        connection.execute(
            text("insert into item (name) values (:name)"), [{"name": "a"}, {"name": "b"}]
        )
        assert connection.scalar(text("select count(*) from item")) == 3
    metrics = db.guard.metrics()
    assert metrics.failed == 0
    assert metrics.ok >= 4  # one connection and three statements, and what the dialect asks


def test_the_orm_rows_of_many_inserts_come_back(
    healing: Build, engine: sqlalchemy.Engine
) -> None:
    guard_engine(healing(), engine)
    item = sqlalchemy.Table("item", sqlalchemy.MetaData(), autoload_with=engine)
    with engine.begin() as connection:
        rows = connection.execute(
            item.insert().returning(item.c.id), [{"name": str(n)} for n in range(50)]
        )
        assert len(rows.all()) == 50


def test_the_statements_own_mistakes_are_neutral(
    healing: Build, engine: sqlalchemy.Engine
) -> None:
    db = guard_engine(healing(), engine)
    wrong = ("select * from nowhere", "selec 1", "insert into item (name) values (null)")
    with engine.connect() as connection:
        for statement in wrong:
            with pytest.raises(exc.DBAPIError):
                connection.execute(text(statement))
            connection.rollback()
    metrics = db.guard.metrics()
    assert (metrics.failed, metrics.ignored) == (0, 3)


def test_a_locked_database_opens_the_breaker_and_open_it_is_not_asked(
    healing: Build, engine: sqlalchemy.Engine, clock: FakeClock
) -> None:
    db = guard_engine(healing(), engine)
    holder = sqlite3.connect(engine.url.database or "")
    holder.execute("begin exclusive")
    with engine.connect() as connection:
        for _ in range(20):
            if db.guard.breaker.phase == "open":
                break
            with pytest.raises(exc.OperationalError, match="locked"):
                connection.execute(text("select * from item"))
            connection.rollback()
        with pytest.raises(BreakerOpen):
            connection.execute(text("select * from item"))
        holder.rollback()
        holder.close()
        clock.advance(10.0)
        for _ in range(3):
            connection.execute(text("select * from item"))
    assert db.guard.breaker.phase == "closed"


def test_a_database_that_cannot_be_opened_is_a_failure(healing: Build, tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/nowhere/shop.db")
    db = guard_engine(healing(), engine)
    for _ in range(10):
        with pytest.raises(exc.OperationalError):
            engine.connect()
    with pytest.raises(BreakerOpen):
        engine.connect()
    assert db.guard.metrics().failed == 10


def test_an_empty_pool_of_our_own_says_nothing_of_the_database(
    healing: Build, tmp_path: Path
) -> None:
    engine = sqlalchemy.create_engine(
        f"sqlite:///{tmp_path}/shop.db", poolclass=QueuePool, pool_size=1, max_overflow=0,
        pool_timeout=0.01,
    )
    db = guard_engine(healing(), engine)
    with engine.connect():
        before = db.guard.metrics()
        with pytest.raises(exc.TimeoutError) as raised:
            engine.connect()
        assert db.guard.metrics() == before
    assert not database_failed(raised.value)
    engine.dispose()


def test_reconnect_drops_all_connections_and_asks_past_an_open_breaker(
    healing: Build, engine: sqlalchemy.Engine
) -> None:
    instance = healing()
    db = guard_engine(instance, engine)
    with engine.connect() as connection:
        old = connection.connection.dbapi_connection
    db.guard.breaker.force_open()
    strategy = Reconnect(db.reconnect)
    issue = Issue("dependency", 1, "", 0.0)
    assert asyncio.run(strategy.recover(issue)) == ReconnectionAttempted(True)
    db.guard.breaker.release()
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection is not old


def test_reconnect_says_when_nothing_answers(healing: Build, tmp_path: Path) -> None:
    db = guard_engine(
        healing(), sqlalchemy.create_engine(f"sqlite:///{tmp_path}/nowhere/shop.db")
    )
    assert db.reconnect() is False
    assert db.guard.metrics().failed == 0


def test_a_released_engine_is_not_guarded(healing: Build, engine: sqlalchemy.Engine) -> None:
    db = guard_engine(healing(), engine)
    db.release()
    db.guard.breaker.force_open()
    with engine.connect() as connection:
        assert connection.scalar(text("select 1")) == 1


def test_an_engine_of_another_kind_is_refused(healing: Build) -> None:
    with pytest.raises(ConfigRefused, match="AsyncEngine"):
        guard_engine(healing(), object())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "failed"),
    [
        (psycopg.OperationalError("server closed the connection unexpectedly"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.TooManyConnections(), True),
        (psycopg.errors.QueryCanceled(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.InterfaceError("the connection is closed"), True),
        (psycopg.errors.DeadlockDetected(), False),
        (psycopg.errors.SerializationFailure(), False),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.SyntaxError(), False),
        (psycopg.errors.UndefinedTable(), False),
        (psycopg.errors.InsufficientPrivilege(), False),
        (ConnectionResetError(), True),
        (exc.DBAPIError("select 1", None, sqlite3.ProgrammingError("x")), False),
        (
            exc.DBAPIError(
                "select 1", None, sqlite3.ProgrammingError("x"), connection_invalidated=True
            ),
            True,
        ),
        (exc.ArgumentError("no such option"), False),
        (ValueError("no"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_an_error_says_of_the_database(error: Exception, failed: bool) -> None:
    assert database_failed(error) is failed
