"""Every case of the breaker, retry, recovery and health pages has one test of its name."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

LAST = {
    "a": 18, "b": 10, "c": 16, "d": 7, "e": 9, "f": 6, "g": 13, "h": 10, "j": 24, "k": 15,
    "m": 12, "n": 8, "q": 21, "s": 14,
}  # fmt: skip
"""The last number of each letter: A closed, B open time, C half-open, D by hand, E what counts,
F eras, G reconfigure and restart, H threads, J retry, K time-out and bulkhead, M hedging and
fallback, N pipeline, Q recovery and supervisor, S health and configuration."""

CASES = [f"{letter}{number}" for letter, last in LAST.items() for number in range(1, last + 1)]
NAMED = re.compile(r"test_([a-z])(\d+)_[a-z0-9_]+")


def ids_in(path: Path) -> list[str]:
    """The cases that a file's tests are named after."""
    return [
        found[1] + found[2]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (found := NAMED.fullmatch(node.name))
    ]


def test_there_are_183_cases() -> None:
    assert len(CASES) == 183


def test_every_case_has_a_test_and_no_test_a_case_that_is_none() -> None:
    """A case of several parts may have several, such as a thread's and a coroutine's."""
    files = Path(__file__).parent.glob("test_cases_*.py")
    tests = Counter(case for path in files for case in ids_in(path))
    assert [case for case in CASES if tests[case] == 0] == []
    assert sorted(set(tests) - set(CASES)) == []


def test_the_scan_finds_what_is_named_so_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "test_cases_z.py"
    path.write_text(
        "def test_a1_opens(): ...\nasync def test_b12_closes(): ...\ndef test_retry_gives_up(): ..."
    )
    assert ids_in(path) == ["a1", "b12"]
