"""A store in a SQL database, by SQLAlchemy Core: SQLite (WAL) or PostgreSQL.

Imported only when such a store is opened. Every write is one transaction that begins with a
look at the claim: a process that was believed dead writes nothing into its successor's rows.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Connection, Engine, Row, delete, event, exc, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hms.agents.healing.store.place import Url
from hms.agents.healing.store.process import FREED_PID, Holder, Place, free_name, this_process
from hms.agents.healing.store.process import host_name as this_host
from hms.agents.healing.store.records import DONE, INTENDED, AttemptRecord, BreakerRecord, Record
from hms.agents.healing.store.rows import clean, from_row, to_row
from hms.agents.healing.store.schema import NEWEST as NEWEST_REVISION
from hms.agents.healing.store.schema import revision_of, upgrade
from hms.agents.healing.store.store import (
    ALREADY_DONE,
    NEW,
    ROWS_KEPT,
    UNDER_WAY,
    Claim,
    ClaimLost,
    PeerBreaker,
    RowRefused,
    SavedState,
)
from hms.agents.healing.store.tables import INSTANCES, OF_INSTANCE, OWN, TABLES
from hms.errors import StoreError

HISTORIES = ("attempts", "incidents", "configurations")
MOST_PEERS = 10_000
READS = "hms_reads"  # execution option of a transaction that only reads


class SqlStore:
    """Keeps the contract of `store.py` in a database; threads and processes may share it.

    Args:
        url: where; its password is never shown.
        wall: seconds since 1970, for leases.
        holder: who claims; another one in tests of dead holders.
        kept: rows of each history and component.
    """

    def __init__(
        self,
        url: Url,
        *,
        wall: Callable[[], float] = time.time,
        holder: Callable[[], Holder] = this_process,
        kept: int = ROWS_KEPT,
    ) -> None:
        """Connect to nothing yet."""
        self.name = url.shown
        self._url, self._wall, self._holder, self._kept = url, wall, holder, kept
        self._engine: Engine | None = None
        self._made_by = 0

    def open(self) -> None:
        """Connect, and bring the schema up to date; again: changes nothing.

        Raises:
            StoreError: it cannot be reached or written, or its schema is a newer one.
        """
        with self._transaction() as connection:
            current = revision_of(connection) == NEWEST_REVISION
        if not current:
            with self._transaction() as connection:
                upgrade(connection)

    def close(self) -> None:
        """Let go of files and connections."""
        if self._engine is not None:
            self._engine.dispose(close=self._made_by == os.getpid())
            self._engine = None

    def claim(self, component_id: str, wanted: str = "") -> Claim:
        """Become an instance: `wanted`, or the next free number after it."""
        component_id, wanted = clean(component_id), clean(wanted or this_host())
        here, now_at_s = self._holder(), self._wall()
        with self._transaction() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE instances IN SHARE ROW EXCLUSIVE MODE")
            found = connection.execute(
                select(INSTANCES).where(INSTANCES.c.component_id == component_id)
            ).all()
            places = {row.instance_id: _place(row) for row in found}
            name = free_name(wanted, places, here, now_at_s)
            claim = Claim(component_id, name, secrets.token_hex(8))
            told = {"token": claim.token, **_columns(here), "renewed_at_s": now_at_s}
            connection.execute(
                self._insert(connection, INSTANCES)
                .values(component_id=component_id, instance_id=name, **told)
                .on_conflict_do_update(index_elements=list(OF_INSTANCE), set_=told)
            )
            self._forget_places(connection, component_id)
        return claim

    def renew(self, claim: Claim) -> None:
        """Say that the holder is alive."""
        with self._transaction() as connection:
            self._renew(connection, claim)

    def release(self, claim: Claim) -> None:
        """Give the place back; its state stays."""
        with self._transaction() as connection:
            self._renew(connection, claim)
            connection.execute(
                update(INSTANCES).where(*_of_claim(INSTANCES, claim)).values(pid=FREED_PID)
            )

    def load(self, component_id: str, instance_id: str) -> SavedState:
        """What this instance wrote."""
        with self._transaction(reads=True) as connection:
            found: Any = {
                table: tuple(
                    self._newest(connection, table, component_id, instance_id, None)
                )
                for table in TABLES
            }
        return SavedState(**found)

    def write(self, claim: Claim, rows: Sequence[Record]) -> None:
        """Write all rows in one transaction, or none."""
        by_table: dict[str, list[dict[str, Any]]] = {}
        owner = {"component_id": claim.component_id, "instance_id": claim.instance_id}
        for row in rows:
            by_table.setdefault(row.table, []).append({**owner, **to_row(row)})
        with self._transaction() as connection:
            self._renew(connection, claim)
            for table, told in by_table.items():
                connection.execute(self._upsert(connection, table, told[0]), told)
                self._forget(connection, table, claim)

    def begin_act(self, claim: Claim, act: AttemptRecord) -> str:
        """Note the intention to act; "new" once for each key."""
        table = TABLES["attempts"]
        row = {**to_row(act), "state": INTENDED}
        with self._transaction() as connection:
            self._renew(connection, claim)
            noted = connection.execute(
                self._insert(connection, table)
                .values(component_id=claim.component_id, instance_id=claim.instance_id, **row)
                .on_conflict_do_nothing(index_elements=list(OWN["attempts"]))
                .returning(table.c.row)
            ).first()
            if noted is not None:
                return NEW
            state = connection.execute(
                select(table.c.state).where(
                    table.c.component_id == claim.component_id, table.c.key == row["key"]
                )
            ).scalar()
        return ALREADY_DONE if state == DONE else UNDER_WAY

    def peers(self, claim: Claim) -> Sequence[PeerBreaker]:
        """Breakers of the component's other instances that are not closed."""
        table = TABLES["breakers"]
        asked = select(table).where(
            table.c.component_id == claim.component_id,
            table.c.instance_id != claim.instance_id,
            table.c.phase != "closed",
        )
        with self._transaction(reads=True) as connection:
            found = connection.execute(asked.limit(MOST_PEERS)).mappings().all()
        return [
            PeerBreaker(row["instance_id"], cast(BreakerRecord, from_row("breakers", dict(row))))
            for row in found
        ]

    def history(
        self, component_id: str, table: str = "attempts", *, instance_id: str = "", most: int = 100
    ) -> Sequence[Record]:
        """The newest rows of a component; newest last."""
        with self._transaction(reads=True) as connection:
            return self._newest(connection, table, component_id, instance_id, most)

    def _newest(
        self, connection: Connection, name: str, component_id: str, instance_id: str,
        most: int | None,
    ) -> list[Record]:
        table = TABLES[name]
        asked = select(table).where(table.c.component_id == clean(component_id))
        if instance_id:
            asked = asked.where(table.c.instance_id == clean(instance_id))
        found = connection.execute(asked.order_by(table.c.row.desc()).limit(most))
        return [from_row(name, dict(row)) for row in reversed(found.mappings().all())]

    def _upsert(self, connection: Connection, name: str, row: dict[str, Any]) -> Any:
        """Insert, or replace the row of the same key if it is this instance's own."""
        table = TABLES[name]
        insert = self._insert(connection, table)
        changed = {key: insert.excluded[key] for key in row if key not in OWN[name]}
        return insert.on_conflict_do_update(
            index_elements=list(OWN[name]),
            set_=changed,
            where=table.c.instance_id == insert.excluded["instance_id"],
        )

    def _insert(self, connection: Connection, table: Any) -> Any:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        return dialect.insert(table)

    def _renew(self, connection: Connection, claim: Claim) -> None:
        renewed = connection.execute(
            update(INSTANCES)
            .where(*_of_claim(INSTANCES, claim), INSTANCES.c.token == claim.token)
            .values(renewed_at_s=self._wall())
        )
        if renewed.rowcount != 1:
            raise ClaimLost(f"another process is `{claim.instance_id}` of this component now")

    def _forget(self, connection: Connection, name: str, claim: Claim) -> None:
        """Keep a table within its bound: old history goes, and breakers closed long ago."""
        table = TABLES[name]
        if name in HISTORIES:
            mine = [table.c.component_id == claim.component_id]
        elif name == "breakers":
            mine = [*_of_claim(table, claim), table.c.phase == "closed"]
        else:
            return
        oldest_kept = (
            select(table.c.row).where(*mine).order_by(table.c.row.desc())
            .limit(1).offset(self._kept - 1).scalar_subquery()
        )  # fmt: skip
        connection.execute(delete(table).where(*mine, table.c.row < oldest_kept))

    def _forget_places(self, connection: Connection, component_id: str) -> None:
        """Of very many instances the longest silent go, with what they had saved."""
        mine = INSTANCES.c.component_id == component_id
        if (connection.scalar(select(func.count()).where(mine)) or 0) <= self._kept:
            return
        newest = INSTANCES.c.renewed_at_s.desc()
        silent = connection.scalars(
            select(INSTANCES.c.instance_id).where(mine).order_by(newest).offset(self._kept)
        ).all()
        for table in (INSTANCES, TABLES["breakers"], TABLES["effectiveness"]):
            connection.execute(
                delete(table).where(
                    table.c.component_id == component_id, table.c.instance_id.in_(silent)
                )
            )

    @contextmanager
    def _transaction(self, *, reads: bool = False) -> Iterator[Connection]:
        """One transaction; what goes wrong is told without the URL's password.

        Raises:
            StoreError: the database failed.
            RowRefused: what was written is not to its taste.
        """
        try:
            with self._connected().connect() as connection:
                connection = connection.execution_options(**{READS: reads})
                with connection.begin():
                    yield connection
        except (exc.DataError, exc.IntegrityError) as error:
            raise RowRefused(self._told(error)) from None
        except exc.DBAPIError as error:
            gone = isinstance(error, exc.ProgrammingError) or "no such table" in str(error.orig)
            raise (ClaimLost if gone else StoreError)(self._told(error)) from None
        except (exc.StatementError, ArithmeticError, ValueError, TypeError) as error:
            raise RowRefused(self._told(error)) from None  # no column of its kind takes a value
        except (exc.SQLAlchemyError, OSError, ImportError) as error:
            raise StoreError(self._told(error)) from None

    def _connected(self) -> Engine:
        file = self._url.file
        if self._engine is not None and file is not None and not file.exists():
            self.close()  # else everything would go on into a file that has no name any more
            raise ClaimLost(f"{file} is gone")
        if self._engine is None or self._made_by != os.getpid():
            self.close()  # in a forked child the connections are the parent's
            self._engine = self._url.engine()
            self._made_by = os.getpid()
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _prepare_sqlite)
                event.listen(self._engine, "begin", _begin_sqlite)
        return self._engine

    def _told(self, error: BaseException) -> str:
        cause = getattr(error, "orig", None) or error
        return self._url.without_password(str(cause).strip() or type(cause).__name__)


def _of_claim(table: Any, claim: Claim) -> list[Any]:
    return [
        table.c.component_id == claim.component_id, table.c.instance_id == claim.instance_id
    ]  # fmt: skip


def _columns(holder: Holder) -> dict[str, Any]:
    return {
        "host": holder.host, "pid": holder.pid, "started": holder.started,
        "boot_id": holder.boot_id,
    }  # fmt: skip


def _place(row: Row[Any]) -> Place:
    return Place(Holder(row.host, row.pid, row.started, row.boot_id), row.renewed_at_s)


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """Write-ahead log; NORMAL outlives kill -9, and asks the disk to wait for nobody."""
    connection.isolation_level = None  # transactions begin where we say, schema changes in them
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: one that takes it later may be refused without waiting."""
    reads = connection.get_execution_options().get(READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
