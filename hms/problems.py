"""One mistake in a file, and the nearest name to a wrong one."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[Any, ...]

NEAR = 0.6  # share of equal letters from which on a name is worth proposing


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Attributes:
        path: keys and list positions from the top of the data.
        what: what is wrong, with the value in it.
        expected: what would be right.
        nearest: the known name most like the wrong one.
        line: 1-based line of the file, 0 while unknown.
    """

    path: KeyPath
    what: str
    expected: str = ""
    nearest: str = ""
    line: int = 0


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like `name`, "" if none is near."""
    found = difflib.get_close_matches(str(name), list(known), n=1, cutoff=NEAR)
    return found[0] if found else ""
