"""What a level costs and buys is measured for each of the three. No time is asserted."""

import pytest

from hms.experiments.bench import runtime_levels
from hms.experiments.bench.runtime_levels import KIB_MOST, LEVELS, kib_each, report_work


@pytest.mark.parametrize("level", LEVELS)
def test_a_fresh_instance_fits_its_levels_memory(level: str) -> None:
    assert 0.0 < kib_each(level, lambda *given: None) <= KIB_MOST[level]


def test_reports_of_each_level_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_levels, "REPORTS", 100)
    assert [report_work(level)() for level in LEVELS] == [100, 100, 100]


@pytest.mark.slow
def test_the_levels_are_compared_on_the_same_failures() -> None:
    figures = {each.name: each for each in runtime_levels.bought(2)}
    for level in LEVELS:
        for what in ("downtime", "disruption", "never ended"):
            assert figures[f"{level}: {what}, 2 failures"].got >= 0.0
