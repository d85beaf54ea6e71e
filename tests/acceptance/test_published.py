"""Each published result is reproduced, and each row can turn red."""

import shutil
from pathlib import Path

import pytest

from hms.experiments.fidelity.laboratory import PUBLISHED, Laboratory
from hms.experiments.fidelity.row import FLUID, REQUEST, Row, Verdict
from hms.experiments.fidelity.rows import all_rows

ROWS = {f"{row.file}: {row.name}": row for row in all_rows()}
SLOWER = ("m-m-c", "m-g-1", "m-m-1-k", "hotos-2021", "retry-law", "goodput-collapse")
"""Scenarios in which a tenth more of service time is more than a row allows."""


def on(engine: str) -> list[str]:
    return [name for name, row in ROWS.items() if engine in row.engines]


@pytest.mark.parametrize("name", on(FLUID))
def test_fluid_gives_what_is_published(name: str) -> None:
    judged = ROWS[name].judge(Laboratory(), FLUID)
    assert judged.reproduced or ROWS[name].known, judged


@pytest.mark.soak
@pytest.mark.parametrize("name", on(REQUEST))
def test_request_gives_what_is_published(name: str) -> None:
    judged = ROWS[name].judge(Laboratory(), REQUEST)
    assert judged.reproduced or ROWS[name].known, judged


def test_what_is_not_reproduced_says_why() -> None:
    assert all(row.note for row in ROWS.values() if row.known)


def test_every_scenario_of_the_folder_has_a_row() -> None:
    assert {path.stem for path in PUBLISHED.glob("*.yaml")} == {row.file for row in ROWS.values()}


def slower(file: str, folder: Path) -> Laboratory:
    """The library with a tenth more of service time in the server of one file."""
    shutil.copytree(PUBLISHED, folder / "published")
    path = folder / "published" / f"{file}.yaml"
    text = path.read_text()
    assert text.count("service_time_ms: 100,") == 1
    path.write_text(text.replace("service_time_ms: 100,", "service_time_ms: 110,"))
    return Laboratory(folder / "published")


@pytest.mark.parametrize("file", SLOWER)
def test_a_tenth_more_of_service_time_turns_rows_red(file: str, tmp_path: Path) -> None:
    laboratory = slower(file, tmp_path)
    rows = [row for row in ROWS.values() if row.file == file]
    assert any(not row.judge(laboratory, FLUID).reproduced for row in rows)


def verdicts() -> list[Row]:
    return [row for row in ROWS.values() if isinstance(row, Verdict) and not row.known]


@pytest.mark.soak
def test_other_random_numbers_leave_the_verdicts() -> None:
    other = Laboratory(seed_offset=1000)
    wrong = [row.name for row in verdicts() if not row.judge(other, REQUEST).reproduced]
    assert not wrong
