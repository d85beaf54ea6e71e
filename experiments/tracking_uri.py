"""Which MLflow store `--tracking-uri` names; what cannot be one is refused before a run begins.

A store that is named rightly but does not answer is no mistake: the run goes on without it
(tracking.py). A misspelt scheme never answers, and MLflow would say so only at the end.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from hms.errors import InputError, MissingError
from hms.problems import Problem, nearest

OPTION = "--tracking-uri"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
SCHEMES = (SQLITE, "file", "http", "https", POSTGRESQL)
SQLITE_FILES = (".db", ".sqlite", ".sqlite3")
EXPECTED = (
    "sqlite:////absolute/path.db, a path that ends in .db, http://host:port, https://host,"
    " or postgresql://user@host/database"
)


def store_uri(given: str, runs: Path | None = None) -> str:
    """The URI that MLflow gets for what a user named.

    A path and `file:///path` mean the SQLite file there: MLflow retired its store of folders.

    Args:
        given: what follows `--tracking-uri`.
        runs: a folder that the run will make, so that a store may lie in it.

    Raises:
        InputError: no store can have this name, or its folder is not there.
        MissingError: PostgreSQL's driver is not installed.
    """
    scheme, found, _ = given.partition("://")
    if not found:
        if not given.endswith(SQLITE_FILES):
            raise _refused(f"`{given}` is neither a URI nor an SQLite file")
        return _sqlite(Path(given), runs)
    name = scheme.partition("+")[0].lower()
    if name not in SCHEMES:
        near = nearest(name, SCHEMES)
        raise _refused(f"unknown scheme `{scheme}://`", f"{near}://" if near else "")
    if name == "file":
        return _sqlite(Path(urlsplit(given).path), runs)
    if name == SQLITE:
        return _sqlite(_sqlite_file(given), runs)
    if not urlsplit(given).netloc:
        raise _refused(f"`{scheme}://` names no host")
    return _postgresql(given) if name == POSTGRESQL else given


def artifacts_beside(uri: str) -> str:
    """Where files of a local store go; "" leaves it to the server.

    It is always said: MLflow's own default is a folder below wherever a command happens to run.
    """
    if not uri.startswith(f"{SQLITE}:"):
        return ""
    return f"{_sqlite_file(uri).resolve().parent.as_uri()}/mlflow-artifacts"


def _sqlite_file(uri: str) -> Path:
    """The path in `sqlite:///relative` or `sqlite:////absolute`."""
    parts = urlsplit(uri)
    if parts.netloc or len(parts.path) < 2:
        raise _refused(f"`{uri}` names no SQLite file")
    return Path(parts.path[1:])


def _sqlite(file: Path, runs: Path | None) -> str:
    whole = file.resolve()
    if whole.is_dir():
        raise _refused(f"{file} is a folder, and MLflow retired its store of folders")
    to_come = runs is not None and whole.parent == runs.resolve()
    if not to_come and not whole.parent.is_dir():
        raise _refused(f"there is no folder {whole.parent}")
    return f"{SQLITE}:///{whole}"


def _postgresql(given: str) -> str:
    """With the driver that is installed, where the URI leaves it open."""
    if "+" in given.partition("://")[0]:
        return given
    if find_spec("psycopg2") is not None:
        return given
    if find_spec("psycopg") is None:
        raise MissingError(
            f"{OPTION}: PostgreSQL's driver is not installed; it comes with the extra `postgres`"
            '\n    expected: pip install "hms-healing[postgres]"'
        )
    return given.replace("://", "+psycopg://", 1)


def _refused(what: str, near: str = "") -> InputError:
    return InputError([Problem((), f"{OPTION}: {what}", EXPECTED, near)])
