"""Machine code on disk and in memory: an object file, loaded by LLVM's own loader.

The file says by a digest that it is whole, and by its name for which processor it was made: a home
folder may be shared by several.
"""

import hashlib
import os
from pathlib import Path

import llvmlite.binding as llvm

DIGEST_BYTES = 32


def sealed(content: bytes) -> bytes:
    """Content after its digest."""
    return hashlib.sha256(content).digest() + content


def unsealed(data: bytes) -> bytes | None:
    """The content, or None if it is not what was sealed."""
    content = data[DIGEST_BYTES:]
    whole = bool(content) and hashlib.sha256(content).digest() == data[:DIGEST_BYTES]
    return content if whole else None


def _path(folder: Path) -> Path:
    processor = f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    return folder / f"engine-{hashlib.sha256(processor.encode()).hexdigest()[:16]}.o"


def kept(folder: Path) -> bytes | None:
    """The object file kept there for this processor, None if there is none or it is broken."""
    try:
        return unsealed(_path(folder).read_bytes())
    except OSError:
        return None


def keep(folder: Path, code: bytes) -> None:
    """Keep an object file; where nothing can be written it is made anew in each process."""
    path = _path(folder)
    own = path.with_suffix(f".{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own.write_bytes(sealed(code))
        own.replace(path)
    except OSError:
        own.unlink(missing_ok=True)


class MachineCode:
    """An object file in this process' memory, for as long as this lives."""

    def __init__(self, code: bytes) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_default_triple()
        machine = target.create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(),
            reloc="static", codemodel="jitdefault", jit=True,
        )  # fmt: skip
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, symbol: str) -> int:
        """Where a function begins."""
        found: int = self._engine.get_function_address(symbol)
        if not found:
            raise KeyError(symbol)
        return found
