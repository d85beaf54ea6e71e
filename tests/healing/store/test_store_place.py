"""Where state is kept: by default, by environment, by argument; and what is never shown."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hms.agents.healing.store import place
from hms.agents.healing.store.database import SqlStore
from hms.agents.healing.store.memory import MemoryStore
from hms.agents.healing.store.place import Url, state_folder, store_at
from hms.agents.healing.store.recorder import Recorder
from hms.errors import ConfigRefused, MissingError, StoreError

SECRET = "geheim%40nis"


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HMS_STATE_DIR": "/srv/a", "XDG_STATE_HOME": "/b", "HOME": "/c"}, "/srv/a"),
        ({"XDG_STATE_HOME": "/b", "HOME": "/c"}, "/b/hms"),
        ({"HOME": "/c"}, "/c/.local/state/hms"),
    ],
)
def test_the_default_folder(environ: dict[str, str], folder: str) -> None:
    assert state_folder(environ) == Path(folder)
    store = store_at(None, environ)
    assert store is not None
    assert store.name == f"sqlite:///{folder}/hms.db"


def test_without_a_home_nothing_is_kept_and_that_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place._said.clear()
    assert [store_at(None, {}), store_at(None, {})] == [None, None]
    assert [each.message for each in caplog.records] == [
        "no home folder: state is kept in memory only (pip install 'hms-healing[store]')"
    ]


def test_without_sqlalchemy_nothing_is_kept_and_healing_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(place.importlib.util, "find_spec", lambda name: None)
    assert store_at(None, {"HOME": "/c"}) is None
    with pytest.raises(MissingError, match=r"needs sqlalchemy\n.*hms-healing\[store\]"):
        store_at("sqlite:////tmp/x.db")
    monkeypatch.setattr(
        place.importlib.util, "find_spec", lambda name: None if name == "psycopg" else name
    )
    with pytest.raises(MissingError, match=r"needs psycopg\n.*hms-healing\[postgres\]"):
        store_at("postgresql://hms@host/db")


def test_what_is_said_goes_before_the_environment() -> None:
    environ = {"HMS_STORE": "sqlite:////srv/env.db", "HOME": "/c"}
    own = MemoryStore()
    assert store_at(own, environ) is own
    assert store_at("memory", environ) is None
    assert getattr(store_at(None, environ), "name", "") == "sqlite:////srv/env.db"
    assert store_at(None, {"HMS_STORE": "memory"}) is None


def test_one_address_is_one_store_in_a_process() -> None:
    first = store_at("sqlite:////srv/one.db")
    assert store_at("sqlite:////srv/one.db") is first
    assert store_at("sqlite:////srv/two.db") is not first


@pytest.mark.parametrize(
    "text", ["mysql://a:b@h/d", "hms.db", "sqlite://", "sqlite:///:memory:", "postgresql:x"]
)
def test_what_is_no_store_is_refused(text: str) -> None:
    with pytest.raises(ConfigRefused, match="expected: memory, sqlite:///file"):
        store_at(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"postgresql://me:{SECRET}@host:1/db", "postgresql://me:***@host:1/db"),
        (f"postgresql+psycopg://me:{SECRET}@h/db", "postgresql+psycopg://me:***@h/db"),
        (f"postgresql://h/db?user=a&password={SECRET}", "postgresql://h/db?user=a&password=***"),
        (f"postgresql://h/db?sslpassword={SECRET}&x=1", "postgresql://h/db?sslpassword=***&x=1"),
        ("sqlite:////srv/a.db", "sqlite:////srv/a.db"),
    ],
)
def test_an_address_is_shown_without_its_secrets(text: str, shown: str) -> None:
    url = Url(text)
    assert (url.shown, repr(url)) == (shown, f"Url({shown!r})")
    told = url.without_password(f"cannot reach {text}: geheim@nis, {SECRET}")
    assert "geheim" not in told or SECRET not in text


def test_no_failure_shows_the_password(caplog: pytest.LogCaptureFixture) -> None:
    text = f"postgresql://me:{SECRET}@127.0.0.1:1/db?password={SECRET}"
    store = store_at(text)
    assert isinstance(store, SqlStore)
    with pytest.raises(StoreError) as told:
        store.open()
    recorder = Recorder(store, "cart")
    with caplog.at_level(logging.DEBUG, "hms"):
        recorder.failed(told.value)
    everything = f"{told.value!r} {caplog.text} {recorder.trouble} {store.name} {vars(store)}"
    assert "geheim" not in everything
    with pytest.raises(ConfigRefused) as refused:
        store_at(f"mysql://me:{SECRET}@h/d")
    assert SECRET not in str(refused.value)


def test_a_folder_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    store = SqlStore(Url(f"sqlite:///{blocked / 'state' / 'hms.db'}"))
    with pytest.raises(StoreError, match="Not a directory"):
        store.open()
    blocked.unlink()
    store.open()
    assert stat.S_IMODE((blocked / "state").stat().st_mode) == 0o700


def test_importing_the_runtime_loads_no_database() -> None:
    script = (
        "import sys, hms.agents.healing, hms.agents.healing.store.recorder\n"
        "import hms.agents.healing.store.place\n"
        "loaded = {'sqlalchemy', 'alembic', 'psycopg', 'sqlite3'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env={**os.environ})
