"""Where an instance keeps its state: a file of its own by default, or what somebody says.

`HMS_STORE` and the `store` argument take "memory", `sqlite:///file`, or `postgresql://…`. Without
both it is `hms.db` in `HMS_STATE_DIR`, else in `XDG_STATE_HOME/hms`, else in `~/.local/state/hms`.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from weakref import WeakValueDictionary

from hms.errors import ConfigRefused, MissingError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from hms.agents.healing.store.database import SqlStore
    from hms.agents.healing.store.store import Store

LOG = logging.getLogger("hms.healing.store")
MEMORY = "memory"
FILE = "hms.db"
WAIT_S = 5
"""For a lock or a server; only the thread that writes ever waits."""

SECRET = re.compile(r"(?i)(\w*(?:password|passwd|pwd|secret|token))(=)([^&\s]*)")
USER = re.compile(r"(?P<before>\w+(?:\+\w+)?://[^/?#\s]*?):(?P<secret>[^/?#\s]*)@")
_OPENED: WeakValueDictionary[str, SqlStore] = WeakValueDictionary()
_said: set[str] = set()


@dataclass(frozen=True, slots=True, repr=False)
class Url:
    """The address of a database; shown, it has no password."""

    text: str

    def __repr__(self) -> str:
        return f"Url({self.shown!r})"

    @property
    def shown(self) -> str:
        """The address with `***` for each secret."""
        hidden = USER.sub(r"\g<before>:***@", self.text)
        return SECRET.sub(r"\1\2***", hidden)

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database; None of a server."""
        if not self.text.startswith("sqlite"):
            return None
        return Path(self.text.partition("///")[2].partition("?")[0])

    def without_password(self, told: str) -> str:
        """A text of somebody else's that may quote this address or its secrets."""
        told = told.replace(self.text, self.shown)
        found = [match["secret"] for match in USER.finditer(self.text)]
        found += [match[3] for match in SECRET.finditer(self.text)]
        for secret in {each for one in found for each in (one, unquote(one)) if each}:
            told = told.replace(secret, "***")
        return told

    def engine(self) -> Engine:
        """An engine of SQLAlchemy that gives up on a database after some seconds.

        Raises:
            OSError: the folder of a file cannot be made.
        """
        from sqlalchemy import create_engine, make_url

        url = make_url(self.text)
        if self.file is not None:
            _make_private(self.file)
            return create_engine(url, connect_args={"timeout": WAIT_S, "check_same_thread": False})
        options = f"-c statement_timeout={WAIT_S}s -c lock_timeout={WAIT_S}s"
        waits: dict[str, Any] = {
            "connect_timeout": WAIT_S, "tcp_user_timeout": WAIT_S * 1000, "options": options,
            "application_name": "hms",
        }  # fmt: skip
        secrets = {name: url.query[name] for name in url.query if SECRET.match(f"{name}=")}
        bare = url.difference_update_query(list(secrets)).set(drivername="postgresql+psycopg")
        # an engine's repr hides the password, not what the query says
        told = {**waits, **secrets}
        return create_engine(bare, connect_args=told, pool_size=2, pool_pre_ping=True)


def store_at(given: Store | str | None, environ: Mapping[str, str] = os.environ) -> Store | None:
    """The store that is meant; None: nothing is kept beyond the process.

    Args:
        given: a store, a URL, "memory", or None for `HMS_STORE` or the default file.
        environ: the environment.

    Raises:
        ConfigRefused: no store can have this URL.
        MissingError: a package is not installed that the URL needs.
    """
    if given is not None and not isinstance(given, str):
        return given
    told = given if given is not None else environ.get("HMS_STORE", "")
    if told == MEMORY:
        return None
    if told:
        return _at(_checked(told))
    folder = state_folder(environ)
    if folder is None or importlib.util.find_spec("sqlalchemy") is None:
        lacks = "no home folder" if folder is None else "SQLAlchemy is not installed"
        _say_once(f"{lacks}: state is kept in memory only (pip install 'hms-healing[store]')")
        return None
    return _at(Url(f"sqlite:///{folder / FILE}"))


def state_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The folder of the default file; None where there is no home."""
    if environ.get("HMS_STATE_DIR"):
        return Path(environ["HMS_STATE_DIR"]).absolute()
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"]).absolute() / "hms"
    home = environ.get("HOME", "")
    return Path(home).absolute() / ".local" / "state" / "hms" if home else None


def _at(url: Url) -> Store:
    """The store of this address, one in a process."""
    from hms.agents.healing.store.database import SqlStore

    found = _OPENED.get(url.text)
    if found is None:
        found = _OPENED[url.text] = SqlStore(url)
    return found


def _checked(text: str) -> Url:
    url = Url(text)
    backend = text.partition(":")[0].partition("+")[0]
    known = backend in ("sqlite", "postgresql", "postgres") and "://" in text
    if not known or text.partition("?")[0].endswith((":memory:", "://", ":///")):
        raise ConfigRefused(
            f"store: `{url.shown}` is no store\n"
            "    expected: memory, sqlite:///file, postgresql://user@host/database"
        )
    for module, extra in (("sqlalchemy", "store"), ("psycopg", "postgres")):
        needed = module == "sqlalchemy" or backend != "sqlite"
        if needed and importlib.util.find_spec(module) is None:
            raise MissingError(
                f"store `{url.shown}` needs {module}\n    pip install 'hms-healing[{extra}]'"
            )
    return Url(re.sub(r"^postgres(?=[:+])", "postgresql", text))


def _make_private(file: Path) -> None:
    """The folder and the file, readable by the owner alone: errors are quoted in it."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))


def _say_once(text: str) -> None:
    if text not in _said:
        _said.add(text)
        LOG.warning(text)
