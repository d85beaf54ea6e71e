"""Start, attach to and stop Ray: the only place that does.

Left to itself Ray listens on every interface, asks the cloud's metadata address who it is,
looks up its maker's usage host, and turns the process' niceness up in its workers. Each of
the settings below was seen to stop one of these; all must stand in the environment before
`import ray`, because Ray reads some of them while it is imported.

The metadata question is asked unless the home folder holds a `ray_bootstrap_config.yaml` that
names a local provider; therefore Ray's processes get a private home folder, and the driver
gets its own back as soon as they run.
"""

from __future__ import annotations

import importlib
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from hms.errors import HmsError, InputError, MissingError

LOOPBACK = "127.0.0.1"
OBJECT_STORE_LEAST_BYTES = 78_643_200  # Ray refuses less
TEMP_DIR_LONGEST = 43  # Ray's socket names add up to 64 characters; the limit is 107
CONNECT_LONGEST_S = 5.0
STOP_LONGEST_S = 10.0

PRIVATE: Mapping[str, str] = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # despite its name, on Linux: loopback only
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_REPORT_URL": f"http://{LOOPBACK}:1",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_worker_niceness": "0",
}
ATTACHED: Mapping[str, str] = {
    name: value for name, value in PRIVATE.items() if name != "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
}
SHARED = ("HMS_CACHE_DIR",)
"""Variables that workers need, too: without it each of them compiles the engine again."""
_token = secrets.token_hex(32)  # fresh for each process; Ray reads it once a process


@dataclass(slots=True)
class Cluster:
    """A running Ray; use it as a context manager, or call `stop`.

    Attributes:
        ray: the imported module.
        address: `host:port` at which another process can attach.
        temp_dir: where our own keeps its sockets; None when attached.
    """

    ray: Any
    address: str
    temp_dir: Path | None
    _running: bool = field(default=True, repr=False)

    def __enter__(self) -> Self:
        """The cluster itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, whatever happened."""
        self.stop()

    def stop(self) -> None:
        """End Ray's processes (of our own cluster) and delete its folder; twice is once."""
        if not self._running:
            return
        self._running = False
        self.ray.shutdown()
        if self.temp_dir is not None:
            _delete(self.temp_dir)


def start(cpus: int, *, address: str = "", object_store_mb: int = 100) -> Cluster:
    """Start a private Ray on this machine, or attach to the one at `address`.

    Args:
        cpus: how many tasks may run at once; ignored when attaching.
        address: `host:port` of a running cluster; its token is taken from RAY_AUTH_TOKEN or
            RAY_AUTH_TOKEN_PATH, as Ray itself does.
        object_store_mb: size of the shared store in MB (1e6 bytes), at least 79.

    Raises:
        InputError: `address` is no host:port.
        MissingError: Ray is not installed, or does not run at `address`.
        HmsError: Ray was imported before with other settings, or is running already.
    """
    if address:
        _require_listener(address)
    settings = _settings_for(address)
    ray = _import_ray(settings)
    if ray.is_initialized():
        raise HmsError("Ray is running in this process already: stop that cluster first")
    if address:
        return _attach(ray, address)
    return _start_private(ray, cpus, max(object_store_mb * 1_000_000, OBJECT_STORE_LEAST_BYTES))


def _settings_for(address: str) -> dict[str, str]:
    if not address:
        return {**PRIVATE, "RAY_AUTH_TOKEN": os.environ.get("RAY_AUTH_TOKEN", _token)}
    settings = dict(PRIVATE if on_this_machine(address) else ATTACHED)
    if "RAY_AUTH_TOKEN" not in os.environ and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        settings.pop("RAY_AUTH_MODE")  # a cluster without tokens is its owner's choice
    return settings


def on_this_machine(address: str) -> bool:
    """Whether an address, "" for a private cluster, is surely this machine's."""
    host = address.removeprefix("ray://").rpartition(":")[0]
    return not address or host in (LOOPBACK, "localhost")


def _require_listener(address: str) -> None:
    """Ask before Ray does: it would try an address where nothing runs for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise InputError(f"`{address}` is no address of a Ray cluster\n    expected: host:port")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_LONGEST_S).close()
    except OSError as error:
        raise MissingError(f"no Ray cluster answers at {address}: {error}") from error


def _import_ray(settings: Mapping[str, str]) -> ModuleType:
    """Put the settings in the environment, then import Ray."""
    if "ray" in sys.modules:
        wrong = [name for name in settings if name not in os.environ]
        if wrong:
            raise HmsError(f"Ray was imported before its settings stood: {', '.join(wrong)}")
    os.environ.update(settings)
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise MissingError(
            "Ray is not installed\n    expected: the extra `lab` (pip install 'hms-healing[lab]')"
        ) from error


def _attach(ray: ModuleType, address: str) -> Cluster:
    with _own_signals():
        try:
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level="ERROR",
                runtime_env=_shared_with_workers(),
            )
        except ConnectionError as error:
            raise MissingError(f"no Ray cluster answers at {address}: {error}") from error
    return Cluster(ray, address, None)


def _shared_with_workers() -> dict[str, Any] | None:
    """What workers of a cluster that others started must get told: they inherit nothing of ours."""
    told = {name: os.environ[name] for name in SHARED if name in os.environ}
    return {"env_vars": told} if told else None


def _start_private(ray: ModuleType, cpus: int, store_bytes: int) -> Cluster:
    temp_dir = _short_folder()
    home = temp_dir / "home"
    home.mkdir()
    (home / "ray_bootstrap_config.yaml").write_text("provider: {type: local}\n")
    try:
        with _own_signals(), _home(home):
            ray.init(
                include_dashboard=False,
                num_cpus=cpus,
                log_to_driver=False,
                logging_level="ERROR",
                object_store_memory=store_bytes,
                _temp_dir=str(temp_dir),
            )
    except BaseException:  # also Ctrl-C: leave neither a process nor a folder behind
        ray.shutdown()
        _delete(temp_dir)
        raise
    return Cluster(ray, ray.get_runtime_context().gcs_address, temp_dir)


def _short_folder() -> Path:
    """A fresh folder whose name leaves room for Ray's socket names."""
    for parent in (tempfile.gettempdir(), "/tmp"):
        folder = Path(tempfile.mkdtemp(prefix="hms-", dir=parent))
        if len(str(folder)) <= TEMP_DIR_LONGEST:
            return folder
        folder.rmdir()
    raise HmsError(f"no temporary folder with a name of at most {TEMP_DIR_LONGEST} characters")


def _delete(folder: Path) -> None:
    """Delete a folder that ending processes may still be writing to."""
    deadline = threading.Event()
    for _ in range(int(STOP_LONGEST_S / 0.1)):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        deadline.wait(0.1)
    raise HmsError(f"the folder {folder} of a stopped Ray cannot be deleted")


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    """Another home folder for the processes that are started meanwhile."""
    before = os.environ.get("HOME")
    os.environ["HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = before


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the driver's SIGTERM handler: Ray's own ends the process by abort."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
