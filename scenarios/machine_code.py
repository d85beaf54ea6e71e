"""Compiling for the engines: one way, with the settings that keep results and caches honest.

numba's own disk cache looks at a function's own file only: a changed callee elsewhere is not seen
(it kept the old one in a trial). So the cache folder is named by a hash of every source the engines
and the policy are made of, of numba's version and of the flags below. `error_model` is set on every
function because the callee's model wins; reference counting is off because nothing in an engine
allocates (it is the largest single cost otherwise: docs/decisions/0003).
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FLAGS = "error_model=numpy;_nrt=False"


def sources() -> Iterator[Path]:
    """Every file whose text is compiled: the policy's and the engines'."""
    yield from sorted((HERE.parent / "agents" / "policy").glob("*.py"))
    yield from sorted(HERE.glob("*.py"))
    yield from sorted((HERE / "engines").rglob("*.py"))


def source_hash() -> str:
    """Hash of all that is compiled, of the flags and of numba's version: the engine's version."""
    from importlib.metadata import version

    digest = hashlib.sha256(f"{FLAGS};numba={version('numba')}".encode())
    for path in sources():
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where compiled code is kept: `HMS_CACHE_DIR`, else the user's cache folder."""
    base = os.environ.get("HMS_CACHE_DIR")
    home = Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    checked = "-checked" if os.environ.get("NUMBA_BOUNDSCHECK") == "1" else ""
    return home / "hms" / f"machine-code-{source_hash()}{checked}"


def _prepare() -> None:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        import tempfile

        folder = Path(tempfile.mkdtemp(prefix="hms-machine-code-"))
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    import numba

    numba.config.CACHE_DIR = str(folder)


_prepare()

import numba  # noqa: E402


def door(function: Callable[..., Any]) -> Any:
    """Machine code that Python calls, kept on disk; it must allocate nothing."""
    return numba.njit(cache=True, error_model="numpy", _nrt=False, no_cfunc_wrapper=True)(function)


def compiled(function: Callable[..., Any]) -> Any:
    """Machine code that only machine code calls: without the wrappers that let others in.

    They would unpack every array of the world for each of some two hundred functions, and take
    longer to compile than the functions do.
    """
    return numba.njit(
        cache=True, error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
