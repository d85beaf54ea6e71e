"""What becomes machine code, and the doors by which Python calls it.

All of an engine that is marked here becomes one object file (code_generation.py), made once for a
version of the sources and kept in a folder named by a hash of every source that the engine and the
policy are made of, of the flags and of numba's version. A start needs LLVM's loader and no numba:
importing that takes half a second, its own disk cache, a file or two a function, as long again, and
it does not see a changed callee in another file.
"""

import ctypes
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

HERE = Path(__file__).resolve().parent
FLAGS = "error_model=numpy;_nrt=False;one object"
FLUID, REQUEST = "fluid", "request"
DOORS: dict[str, dict[str, "Door"]] = {FLUID: {}, REQUEST: {}}
"""Those of each engine, by name; what engines share, `fluid` opens to Python."""

SHARED = ("caches", "effects", "faults", "metrics", "roads")
"""Files of `fluid` that `request` compiles too."""

PLAIN: dict[str, Any] = {
    "void": None, "i8": ctypes.c_int64, "u8": ctypes.c_uint64, "f8": ctypes.c_double,
}  # fmt: skip
"""Kinds of arguments and results by numpy's names; others are arrays or the state of a run."""

_LOADING = Lock()


def sources(engine: str) -> Iterator[Path]:
    """Every file whose text is compiled: the policy's, what engines share, and the engine's."""
    yield from sorted((HERE.parent / "agents" / "policy").glob("*.py"))
    yield from sorted(HERE.glob("*.py"))
    yield from sorted((HERE / "faults").glob("*.py"))
    yield from sorted((HERE / "engines").glob("*.py"))
    yield from sorted((HERE / "engines" / engine).rglob("*.py"))
    if engine == REQUEST:  # what a fault is to a replica or an edge is said once, there
        yield from (HERE / "engines" / FLUID / f"{name}.py" for name in SHARED)


@cache
def source_hash(engine: str = FLUID) -> str:
    """Hash of all that is compiled, of the flags and of numba's version: the engine's version."""
    from importlib.metadata import version

    digest = hashlib.sha256(f"{FLAGS};numba={version('numba')}".encode())
    for path in sources(engine):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder(engine: str = FLUID) -> Path:
    """Where machine code is kept: `HMS_CACHE_DIR`, else the user's cache folder."""
    base = os.environ.get("HMS_CACHE_DIR")
    home = Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    checked = "-checked" if os.environ.get("NUMBA_BOUNDSCHECK") == "1" else ""
    return home / "hms" / f"machine-code-{source_hash(engine)}{checked}"


class Part:
    """A function that only machine code calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    @property
    def _numba_type_(self) -> Any:
        """What numba takes it for where compiled code names it."""
        from hms.scenarios import code_generation

        return code_generation.type_of(self)


class Instruction:
    """An instruction of the processor that Python has no word for."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def _numba_type_(self) -> Any:
        from hms.scenarios import code_generation

        return code_generation.type_of_instruction(self.name)


class Door(Part):
    """A function that Python calls too: its machine code is loaded, or made, at the first call."""

    def __init__(self, function: Callable[..., Any], signature: str, engine: str = FLUID) -> None:
        super().__init__(function)
        self.name, self.engine = function.__name__, engine
        self.result, inside = signature.removesuffix(")").split("(")
        self.arguments = tuple(inside.split(", "))
        self._call: Any = None
        self._machine: Any = None

    @property
    def plain(self) -> list[str]:
        """Kinds of the arguments that are numbers."""
        return [kind for kind in self.arguments if kind in PLAIN]

    def __call__(self, *arguments: Any) -> Any:
        """Call it with arrays of the kinds that its signature tells, and with numbers."""
        if self._call is None:
            with _LOADING:
                self.open(_machine(self.engine))
        words: list[int] = []
        numbers: list[int | float] = []
        for kind, value in zip(self.arguments, arguments, strict=True):
            if kind == "state":
                words += value.words
            elif kind == "f8":
                numbers.append(float(value))
            elif kind in PLAIN:
                numbers.append(int(value))
            else:
                words += words_of((value,))
        failed = ctypes.c_int32()
        table = (ctypes.c_int64 * len(words))(*words)
        result = self._call(ctypes.byref(failed), table, *numbers)
        if failed.value:
            raise RuntimeError(f"machine code of {self.name} stopped: status {failed.value}")
        return result

    @property
    def entry(self) -> str:
        """Its symbol in an object file."""
        return f"hms_{self.name}"

    def open(self, machine: Any) -> None:
        """From now on it leads to this machine code."""
        kinds = [PLAIN[kind] for kind in self.plain]
        made = ctypes.CFUNCTYPE(PLAIN[self.result], ctypes.c_void_p, ctypes.c_void_p, *kinds)
        self._call = made(machine.address(self.entry))
        self._machine = machine  # its memory goes with it


def door(signature: str, engine: str = FLUID) -> Callable[[Callable[..., Any]], Door]:
    """Machine code that Python calls, "result(argument, ...)"; it must allocate nothing."""

    def made(function: Callable[..., Any]) -> Door:
        found = DOORS[engine][function.__name__] = Door(function, signature, engine)
        return found

    return made


def compiled(function: Callable[..., Any]) -> Any:
    """Machine code that only machine code calls."""
    return Part(function)


def words_of(arrays: Iterable[Any]) -> list[int]:
    """Where arrays lie and how long they are, as machine code is told."""
    words: list[int] = []
    for array in arrays:
        if not array.flags.c_contiguous:
            raise ValueError("machine code takes contiguous arrays only")
        words.append(array.ctypes.data)
        words += array.shape
    return words


@cache
def _machine(engine: str) -> Any:
    from hms.scenarios.object_code import MachineCode, keep, kept

    code = kept(cache_folder(engine))
    if code is None:
        code = import_module(f"hms.scenarios.engines.{engine}.warm").build()
        keep(cache_folder(engine), code)
    return MachineCode(code)
