"""What `hms doctor` finds out: reads files and metadata, imports and starts nothing big."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import hms
from hms.agents.mac.cluster import PRIVATE
from hms.experiments.run_directory import MANIFEST, RUNS
from hms.experiments.tracking import ENVIRONMENT

DISTRIBUTION = "hms-healing"
SUPPORTED = ((3, 11), (3, 13))
SHARED_MEMORY_LEAST_MB = 128  # Ray's object store of 100 MB, and room for its files
MEMORY_FILE = Path("/proc/meminfo")
SHARED_MEMORY = Path("/dev/shm")
STORE = "mlflow.db"
STORE_WAIT_S = 1.0
USAGE = ("RAY_USAGE_STATS_ENABLED", "RAY_USAGE_STATS_REPORT_URL", "MLFLOW_DISABLE_TELEMETRY")


def survey() -> dict[str, Any]:
    """Everything about this machine and installation, as plain data for JSON."""
    low, high = SUPPORTED
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "hms": hms.__version__,
        "folder": str(Path(hms.__file__).parent),
        "python": platform.python_version(),
        "python_supported": low <= sys.version_info[:2] <= high,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "cpus_usable": usable,
        "memory_mb": memory_mb(MEMORY_FILE),
        "shared_memory_mb": shared_memory_mb(SHARED_MEMORY),
        "runs": runs_folder(Path(os.environ.get("HMS_RUNS", RUNS))),
        "packages": packages(requires(DISTRIBUTION) or []),
        "usage_reports": {
            "Ray": {name: PRIVATE[name] for name in USAGE if name in PRIVATE},
            "MLflow": {name: ENVIRONMENT[name] for name in USAGE if name in ENVIRONMENT},
        },
    }


def memory_mb(file: Path) -> dict[str, int] | None:
    """Total and available memory in MB (1e6 bytes); None where the system has no such file."""
    if not file.exists():
        return None
    kilobytes = {
        line.partition(":")[0]: int(line.split()[1]) for line in file.read_text().splitlines()
    }
    return {
        "total": kilobytes["MemTotal"] * 1024 // 1_000_000,
        "available": kilobytes["MemAvailable"] * 1024 // 1_000_000,
    }


def shared_memory_mb(folder: Path) -> dict[str, int] | None:
    """Total and free shared memory in MB (1e6 bytes); None where the system has none."""
    if not folder.is_dir():
        return None
    usage = shutil.disk_usage(folder)
    return {"total": usage.total // 1_000_000, "free": usage.free // 1_000_000}


def runs_folder(folder: Path) -> dict[str, Any]:
    """Whether runs can be written there, how many there are, and MLflow's store among them."""
    folder = folder.absolute()
    reason = _not_writable(_nearest_existing(folder))
    store = folder / STORE
    return {
        "folder": str(folder),
        "exists": folder.is_dir(),
        "writable": not reason,
        "reason": reason,
        "count": sum(1 for _ in folder.glob(f"*/{MANIFEST}")),
        "store": store_state(store) if store.is_file() else None,
    }


def _nearest_existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _not_writable(folder: Path) -> str:
    """Why no file can be made there, "" if one can: made and removed, permissions mislead root."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as refused:
        return refused.strerror or str(refused)


def store_state(store: Path) -> str:
    """Whether an SQLite store can be written; nothing is."""
    try:
        connection = sqlite3.connect(f"{store.as_uri()}?mode=rw", uri=True, timeout=STORE_WAIT_S)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.Error as refused:
        return f"not writable: {refused}"
    return "writable"


def packages(requirements: list[str]) -> dict[str, dict[str, str | None]]:
    """The installed version of each required package, by extra; None if it is missing."""
    found: dict[str, dict[str, str | None]] = {"base": {}}
    for requirement in requirements:
        name = re.split(r"[\s<>=!~;\[(]", requirement, maxsplit=1)[0]
        extra = re.search(r"""extra == ["']([\w-]+)["']""", requirement)
        found.setdefault(extra[1] if extra else "base", {})[name] = _version(name)
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
