"""The schema: brought up to date when a store is opened, also from the first revision."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from hms.agents.healing.store.database import SqlStore
from hms.agents.healing.store.moment import Moment
from hms.agents.healing.store.place import Url
from hms.agents.healing.store.records import AttemptRecord, BreakerRecord
from hms.agents.healing.store.schema import NEWEST, REVISIONS, SCRIPTS, downgrade, upgrade
from hms.agents.healing.store.tables import METADATA
from hms.errors import StoreError

OLD_BREAKER = text(
    "INSERT INTO breakers (component_id, instance_id, dependency, phase, left_s, opened_in_row,"
    " open_u, cause, last_error, holders, wall_s, boot_id, boot_s) VALUES"
    " ('cart', 'a', 'db', 'open', 12.5, 2, 0.5, 'failure rate', 'OSError()', '[]', 100.0, 'b', 7)"
)
OLD_ATTEMPT = text(
    "INSERT INTO attempts (component_id, instance_id, key, at_s, issue, by, state)"
    " VALUES ('cart', 'a', 'k1', 5.0, 'errors', 'restart', 'intended')"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(
    request: pytest.FixtureRequest, tmp_path: Path, database: Callable[[], str]
) -> Url:
    if request.param == "postgresql":
        return Url(database())
    return Url(f"sqlite:///{tmp_path / 'hms.db'}")


def columns(engine: Engine) -> dict[str, set[tuple[str, str]]]:
    found = inspect(engine)
    return {
        name: {(each["name"], str(each["type"])) for each in found.get_columns(name)}
        for name in found.get_table_names()
        if name != "alembic_version"
    }


def test_a_database_of_the_first_revision_is_brought_up_to_date(address: Url) -> None:
    engine = address.engine()
    with engine.begin() as connection:
        upgrade(connection, "1")
    with engine.begin() as connection:
        connection.execute(OLD_BREAKER)
        connection.execute(OLD_ATTEMPT)
    store = SqlStore(address)
    store.open()
    state = store.load("cart", "a")
    assert state.breakers == (
        BreakerRecord(
            "db", "open", 12.5, 2, 0.5, "failure rate", "OSError()", saved=Moment(100.0, "b", 7.0)
        ),
    )
    assert state.attempts == (AttemptRecord("k1", 5.0, "errors", "restart", state="intended"),)
    claim = store.claim("cart", "a")
    store.write(claim, [BreakerRecord("db", "open", 9.0, open_since_s=3.0, given=True)])
    assert store.load("cart", "a").breakers[0].given
    store.close()
    engine.dispose()


def test_the_revisions_lead_to_the_tables_that_the_store_uses(address: Url) -> None:
    engine = address.engine()
    with engine.begin() as connection:
        upgrade(connection)
    by_revisions = columns(engine)
    with engine.begin() as connection:
        downgrade(connection, "base")
    assert columns(engine) == {}
    METADATA.create_all(engine)
    assert columns(engine) == by_revisions
    engine.dispose()


def test_going_back_a_revision_keeps_what_it_knew(address: Url) -> None:
    store = SqlStore(address)
    store.open()
    store.write(store.claim("cart", "a"), [BreakerRecord("db", "open", 9.0, given=True)])
    engine = address.engine()
    with engine.begin() as connection:
        downgrade(connection, "1")
    assert "given" not in dict(columns(engine)["breakers"])
    store.open()
    (found,) = store.load("cart", "a").breakers
    assert (found.left_s, found.given) == (9.0, False)
    store.close()
    engine.dispose()


def test_a_newer_schema_is_refused_and_left_alone(address: Url) -> None:
    store = SqlStore(address)
    store.open()
    engine = address.engine()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '99'"))
    with pytest.raises(StoreError, match="revision 99, made by a newer version of hms") as told:
        store.open()
    assert "HMS_STATE_DIR" in str(told.value)
    with engine.begin() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    assert found == "99"
    store.close()
    engine.dispose()


def test_threads_that_open_one_empty_database_all_succeed(address: Url) -> None:
    stores = [SqlStore(address) for _ in range(6)]
    failures: list[Exception] = []

    def open_(store: SqlStore) -> None:
        try:
            store.open()
            store.claim("cart", "a")
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=open_, args=(each,)) for each in stores]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    names = {stores[0].claim("cart", "a").instance_id}
    assert names == {"a-7"}
    for store in stores:
        store.close()


def test_opening_a_database_that_is_up_to_date_needs_no_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hms.db'}"
    SqlStore(Url(url)).open()
    script = (
        "import sys\n"
        "from hms.agents.healing.store.database import SqlStore\n"
        "from hms.agents.healing.store.place import Url\n"
        f"SqlStore(Url({url!r})).open()\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_every_revision_has_its_file() -> None:
    files = {path.stem for path in (SCRIPTS / "versions").glob("revision_*.py")}
    assert files == {f"revision_{number}" for number in REVISIONS}
    assert str(len(REVISIONS)) == NEWEST


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "hms.db"
    path.write_text("nothing of the kind\n" * 100)
    with pytest.raises(StoreError, match="not a database"):
        SqlStore(Url(f"sqlite:///{path}")).open()
    assert path.read_text().startswith("nothing")


def test_the_file_is_its_owners_alone_and_in_write_ahead_mode(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "hms.db"
    SqlStore(Url(f"sqlite:///{path}")).open()
    assert path.stat().st_mode & 0o077 == 0
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()
