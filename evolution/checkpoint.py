"""A search on disk: kept after each generation, gone on with after any death of its process.

A folder holds one part a generation (the individuals it met first and the results it simulated)
and one small file with the rest: which individuals survive, both random streams, the history, how
many parts count. A part is written before the file that counts it, each whole or not at all, so
that a kill at any moment leaves the last whole generation. Nothing is pickled: a checkpoint may
have been in strange hands, and is read as data.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hms.documents import write_whole
from hms.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SCHEMA = "hms.checkpoint/1"
STATE = "search.json"


@dataclass(frozen=True, slots=True)
class Part:
    """What one generation added.

    Attributes:
        genes: of individuals met for the first time, shape (new, genes).
        born: their generations, shape (new,).
        parents: short hashes of their parents, "" for none, shape (new, 2).
        pairs: (individual, scenario) simulated, in order, individuals counted over all parts,
            shape (pairs, 2).
        rows: their results, shape (pairs, columns).
    """

    genes: Floats
    born: Integers
    parents: NDArray[np.str_]
    pairs: Integers
    rows: Floats


class Checkpoint:
    """The folder of one search.

    Args:
        folder: made when first written.
        code: what else the results depend on: versions of engine and search. A checkpoint of
            other code is refused: going on would mix two worlds.
    """

    def __init__(self, folder: Path, code: str) -> None:
        self.folder = folder
        self.code = code

    @property
    def exists(self) -> bool:
        """Whether there is one to go on from."""
        return (self.folder / STATE).is_file()

    def write(self, number: int, part: Part, state: Mapping[str, Any]) -> None:
        """Add the part of that number, counted from 0, and say that it counts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        packed = BytesIO()
        np.savez(
            packed,
            genes=part.genes,
            born=part.born,
            parents=part.parents,
            pairs=part.pairs,
            rows=part.rows,
        )
        write_whole(self._part(number), packed.getvalue())
        told = {"schema": SCHEMA, "code": self.code, "parts": number + 1, **state}
        write_whole(self.folder / STATE, json.dumps(told))

    def read(self) -> tuple[dict[str, Any], list[Part]]:
        """The state and all its parts.

        Raises:
            InputError: there is none, it is damaged, or other code wrote it.
        """
        path = self.folder / STATE
        try:
            state = json.loads(path.read_text())
            schema, code, count = state["schema"], state["code"], int(state["parts"])
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise InputError(
                f"{path}: no checkpoint to go on from ({problem})\n"
                "    expected: one that an interrupted run left"
            ) from None
        if (schema, code) != (SCHEMA, self.code):
            raise InputError(
                f"{path}: written by other code ({schema}, {str(code)[:16]})\n"
                f"    expected: {SCHEMA}, {self.code[:16]}; start the run anew"
            )
        return state, [self._read_part(number) for number in range(count)]

    def _read_part(self, number: int) -> Part:
        path = self._part(number)
        try:
            with np.load(path, allow_pickle=False) as found:
                names = ("genes", "born", "parents", "pairs", "rows")
                return Part(**{name: found[name] for name in names})
        except (OSError, ValueError, KeyError) as problem:
            raise InputError(
                f"{path}: a damaged part of a checkpoint ({problem})\n"
                "    expected: as it was written; start the run anew"
            ) from None

    def _part(self, number: int) -> Path:
        return self.folder / f"generation-{number:05}.npz"


def sources_hash() -> str:
    """A hash of every source of this room: with other code a search would go on otherwise."""
    digest = hashlib.sha256()
    folder = Path(__file__).resolve().parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def stream_state(streams: Sequence[np.random.Generator]) -> list[Any]:
    """Where random streams stand, as JSON can say it."""
    return [stream.bit_generator.state for stream in streams]


def set_streams(streams: Sequence[np.random.Generator], states: Sequence[Any]) -> None:
    """Put random streams back where they stood."""
    for stream, state in zip(streams, states, strict=True):
        stream.bit_generator.state = state
