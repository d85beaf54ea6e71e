"""One mistake in a file, and the nearest name to a wrong one."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[Any, ...]

NEAR = 0.6  # share of equal letters from which on a name is worth proposing
MOST_KNOWN = 128  # of more names only those are compared that begin alike
LONGEST_NAME = 200


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
    name, names = str(name), list(known)
    if len(name) > LONGEST_NAME:
        return ""
    for letters in (1, 2, 3, 4):  # ten thousand names take a tenth of a second each time
        if len(names) > MOST_KNOWN:
            names = [each for each in names if str(each)[:letters] == name[:letters]]
    found = difflib.get_close_matches(name, names[:MOST_KNOWN], n=1, cutoff=NEAR)
    return found[0] if found else ""
