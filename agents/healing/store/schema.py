"""The schema's revision: brought up to date under a lock; a newer one is refused."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from hms.errors import StoreError

REVISIONS = ("1", "2")
NEWEST = REVISIONS[-1]
SCRIPTS = Path(__file__).parent / "migrations"
LOCK = 0x686D73  # "hms", the number of PostgreSQL's advisory lock


def revision_of(connection: Connection) -> str:
    """The schema's revision; empty for an empty database.

    Raises:
        StoreError: no revision of ours, hence of a newer version of this library.
    """
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is None:
        return ""
    if found not in REVISIONS:
        raise StoreError(
            f"its schema is revision {found}, made by a newer version of hms\n"
            f"    expected: at most {NEWEST}; update hms, or keep the state elsewhere "
            "(HMS_STATE_DIR)"
        )
    return str(found)


def upgrade(connection: Connection, to: str = NEWEST) -> None:
    """Bring the schema to a revision, in the transaction that the connection is in.

    Other processes wait: SQLite's transaction has the write lock from its beginning, and in
    PostgreSQL an advisory lock is taken.
    """
    _lock(connection)
    if revision_of(connection) != to:
        _command(connection, "upgrade", to)


def downgrade(connection: Connection, to: str) -> None:
    """Go back to an earlier revision ("base": none), losing what it did not know."""
    _lock(connection)
    _command(connection, "downgrade", to)


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))


def _command(connection: Connection, name: str, to: str) -> None:
    from alembic import command  # slow to import, and needed once in a database's life
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    getattr(command, name)(config, to)
