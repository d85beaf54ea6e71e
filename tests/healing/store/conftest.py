"""Stores of each kind: memory, a SQLite file, a PostgreSQL server of this run's own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hms.agents.healing.store.memory import MemoryStore
from hms.agents.healing.store.place import Url
from hms.agents.healing.store.store import Store

HOW = "no PostgreSQL server here; `sudo sh scripts/postgresql.sh` gets Debian's"
KINDS = ("memory", "sqlite", "postgresql")
BuildStore = Callable[..., Any]


def server_programs() -> Path | None:
    """The folder of initdb and pg_ctl."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((each for each in folders if (each / "initdb").exists()), None)


def other_user() -> str | None:
    """The server refuses root: who runs it instead; None where nobody has to."""
    if os.getuid() != 0:
        return None
    known = {each.pw_name for each in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def free_port() -> int:
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return int(each.getsockname()[1])


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A running server's address, without a database."""
    pytest.importorskip("psycopg", reason="pip install 'hms-healing[postgres]'")
    programs, user, port = server_programs(), other_user(), free_port()
    if programs is None or (user is None and os.getuid() == 0):
        pytest.skip(HOW)
    folder = Path(tempfile.mkdtemp(prefix="hms-pg-"))
    if user is not None:
        shutil.chown(folder, user)

    def run(name: str, *words: str) -> None:
        subprocess.run(
            [programs / name, "-D", folder / "data", *words], user=user, cwd=folder, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip

    try:
        run("initdb", "-U", "hms", "--auth=trust", "--locale=C", "-E", "UTF8", "-N")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c fsync=off"
        run("pg_ctl", "-w", "-o", f"{options} -c unix_socket_directories={folder}", "start")
        yield f"postgresql://hms@127.0.0.1:{port}"
        run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """The URL of the server's database, emptied: a new one each time is 7 MB on disk."""

    def make() -> str:
        import psycopg

        url = f"{request.getfixturevalue('postgresql_server')}/postgres"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return url

    return make


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path, database: Callable[[], str]) -> str:
    """The address of an empty store."""
    if request.param == "postgresql":
        return database()
    return "memory" if request.param == "memory" else f"sqlite:///{tmp_path / 'hms.db'}"


@pytest.fixture
def build_store(url: str) -> Iterator[BuildStore]:
    """Builds stores at one address, as several processes would; of memory there is only one."""
    made: list[Store] = []

    def build(**settings: Any) -> Store:
        from hms.agents.healing.store.database import SqlStore

        if url == "memory":
            if not made:
                made.append(MemoryStore(**settings))
            for name, value in settings.items():
                setattr(made[0], name, value)
            return made[0]
        store = SqlStore(Url(url), **settings)
        made.append(store)
        store.open()
        return store

    yield build
    for each in made:
        each.close()
