"""docs/health.md says what the code does: its tables are computed and compared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hms.agents.healing.health.health import HealthMonitor
from hms.agents.healing.health.refusals import REFUSALS
from hms.agents.healing.interface import HealthMetrics
from hms.agents.healing.telemetry.instruments import INSTRUMENTS
from hms.agents.healing.telemetry.prometheus import prometheus_name

PAGE = (Path(__file__).parents[2] / "docs" / "health.md").read_text(encoding="utf-8")
ENTERED_BY = {"Healthy": 0.0, "Degraded": 6.0, "Critical": 30.0, "Failed": 95.0}
SAYS = {"0 % errors": 0.0, "4 %": 4.0, "20 %": 20.0, "60 %": 60.0, "95 %": 95.0}


def table(first: str) -> list[list[str]]:
    """The rows, with their head, of the table whose head begins so."""
    at = PAGE.index(f"| {first} |")
    rows = PAGE[at:].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return [cells[0], *cells[2:]]


def thrice(monitor: HealthMonitor, percent: float, now_s: float) -> float:
    for _ in range(3):
        now_s += 1.0
        assert monitor.report(HealthMetrics(error_rate_percent=percent), now_s)
    return now_s


@pytest.mark.parametrize("row", table("from")[1:], ids=lambda row: row[0])
def test_the_transition_table_is_what_the_code_does(row: list[str]) -> None:
    for says, told in zip(table("from")[0][1:], row[1:], strict=True):
        monitor = HealthMonitor()
        now_s = thrice(monitor, ENTERED_BY[row[0]], 0.0)
        assert type(monitor.status(now_s)).__name__ == row[0]
        if says == "silence":
            now_s += 30.0
        else:
            now_s = thrice(monitor, SAYS[says], now_s)
        assert type(monitor.status(now_s)).__name__ == told, (row[0], says)


def test_all_states_and_columns_are_in_the_table() -> None:
    assert [row[0] for row in table("from")] == ["from", *ENTERED_BY]
    assert table("from")[0][1:] == [*SAYS, "silence"]


def test_every_reason_is_told() -> None:
    assert tuple(row[0].strip("`") for row in table("reason")[1:]) == REFUSALS


def test_every_instrument_is_told() -> None:
    told = [[cell.strip("`") for cell in row] for row in table("OpenTelemetry")[1:]]
    assert told == [
        [each.name, prometheus_name(each) + "_total" * each.rises, ", ".join(each.labels),
         each.says]
        for each in INSTRUMENTS
    ]


def test_the_sizes_told_are_those_kept() -> None:
    from hms.agents.healing.health.anomaly import CUSTOM_MOST, WINDOW
    from hms.agents.healing.health.history import FIELDS, SIZES

    assert re.search(rf"newest {SIZES[0]} spans.*then {SIZES[1]} minutes", PAGE, re.DOTALL)
    assert f"then {SIZES[2]} hours: 5 KiB" in PAGE
    assert 4.5 < sum(SIZES) * (8 + 4 * FIELDS) / 1024 < 5.5
    assert f"({CUSTOM_MOST} at most)" in PAGE
    assert f"median of the last {WINDOW}" in PAGE
