"""docs/specification.md has a row for each section, and what it names is there."""

from __future__ import annotations

import re

from source_tree import ROOT

SECTIONS = """
1 2 3 3.1 3.2 3.3 3.4 3.4.1 3.4.2 3.4.3 3.4.4 4 4.1 4.2 4.3 5 5.1 5.2 5.3 6 6.1 6.2 6.3 7 7.1 7.2
7.3 8 8.1 8.2 8.3 9 9.1 9.2 9.3 10 10.1 10.2 10.3 11 11.1 11.2 11.3 12
""".split()
"""Every numbered section of the specification; its principles and guidelines are lists in them."""

UNPROVED = {"10.2", "12"}
PAGE = (ROOT / "docs" / "specification.md").read_text(encoding="utf-8")
TABLE, _, MISSING = PAGE.partition("## Not yet")
ROW = re.compile(r"^\| (\d[\d.]*) ([^|]*)\|([^|]*)\|([^|]*)\|$", re.MULTILINE)


def rows() -> dict[str, tuple[str, str, str]]:
    """Title, place and proof of each section."""
    found = ROW.findall(TABLE)
    assert len(found) == len({number for number, *_ in found})
    return {number: (title.strip(), place, proof) for number, title, place, proof in found}


def test_every_section_has_a_row_in_order() -> None:
    assert list(rows()) == SECTIONS


def test_every_section_is_proved_or_said_to_be_missing() -> None:
    for number, (_, place, proof) in rows().items():
        assert place.strip(), number
        if number in UNPROVED:
            assert re.search(rf"^\| {re.escape(number)}(\.\d)? \|", MISSING, re.MULTILINE), number
        else:
            assert "`tests/" in proof or "rows below" in proof, number


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", PAGE)
    assert len(named) > 50
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_test_of_the_specification_is_named() -> None:
    files = {f"tests/spec/{path.name}" for path in (ROOT / "tests" / "spec").glob("test_*.py")}
    assert files - set(re.findall(r"`(tests/[\w/.]+)`", PAGE)) == set()


def test_every_file_that_is_named_exists() -> None:
    """Names without a folder are of agents/healing."""
    for number, (_, place, _) in rows().items():
        for name in re.findall(r"[\w/-]+\.(?:py|md)\b", place):
            places = ("", "agents/healing", "agents/policy")
            assert any((ROOT / each / name).is_file() for each in places), (number, name)


def test_what_is_missing_is_told_beside_what_there_is() -> None:
    for wanted in [*"5.3 10.1 10.2 10.3 11.3 12.1 12.2 12.3 12.5".split(), "exports"]:
        row = re.search(rf"^\| {re.escape(wanted)} \|([^|]+)\|([^|]+)\|$", MISSING, re.MULTILINE)
        assert row is not None, wanted
        assert all(cell.strip() for cell in row.groups()), wanted
