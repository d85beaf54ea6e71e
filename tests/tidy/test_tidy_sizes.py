"""Files and functions stay small enough to be read in one go."""

import ast
from pathlib import Path
from statistics import median

import pytest
from source_tree import functions_of, named, python_files

FILE_MOST, FILE_NINE_IN_TEN, FILE_MEDIAN = 400, 350, 200
FUNCTION_MOST, FUNCTION_NINE_IN_TEN = 60, 30
BOTH = pytest.mark.parametrize("tests", [False, True], ids=["product", "tests"])


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end; a docstring does not count, it shall not be saved on."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    text = function.body[0]
    return lines - ((text.end_lineno or 0) - text.lineno + 1)


def nine_in_ten(values: list[int]) -> int:
    return sorted(values)[len(values) * 9 // 10]


@BOTH
def test_no_file_is_too_long(tests: bool) -> None:
    assert [
        f"{named(path)}: {lines_of(path)} lines"
        for path in python_files(tests=tests)
        if lines_of(path) > FILE_MOST
    ] == []


@BOTH
def test_most_files_are_short(tests: bool) -> None:
    lengths = [lines_of(path) for path in python_files(tests=tests)]
    assert len(lengths) > 20
    assert median(lengths) <= FILE_MEDIAN
    assert nine_in_ten(lengths) <= FILE_NINE_IN_TEN


@BOTH
def test_no_function_is_too_long(tests: bool) -> None:
    assert [
        f"{named(path)}:{function.lineno}: {function.name}, {length(function)} lines"
        for path in python_files(tests=tests)
        for function in functions_of(path)
        if length(function) > FUNCTION_MOST
    ] == []


@BOTH
def test_most_functions_are_short(tests: bool) -> None:
    lengths = [length(f) for path in python_files(tests=tests) for f in functions_of(path)]
    assert len(lengths) > 100
    assert nine_in_ten(lengths) <= FUNCTION_NINE_IN_TEN


def test_a_docstring_does_not_count_as_length() -> None:
    tree = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    return 1\n')
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    assert length(function) == 2
