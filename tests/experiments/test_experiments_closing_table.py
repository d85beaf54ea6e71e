"""The closing table: sorted, honest, readable in a log, on a terminal and as JSON."""

import io
import json

import pandas as pd
import pytest
from closing_rows import results

from hms.experiments.report.closing_table import ClosingTable, closing_table
from hms.experiments.report.closing_text import plain_text, print_closing
from hms.experiments.steps.write import json_text

STACKS = {"champion": 10.0, "ladder": 14.0, "envoy": 20.0}


def table_of(frame: pd.DataFrame) -> ClosingTable:
    return closing_table(
        frame,
        seed="1",
        resamples=500,
        level=0.95,
        incidents={"search": 10_000},
        footnotes={"envoy": "ejects nothing here", "polly": "not in this table"},
    )


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_rows_are_sorted_by_downtime() -> None:
    table = table_of(results({"envoy": 20.0, "champion": 10.0, "ladder": 14.0}))
    assert [row.stack for row in table.held_out.rows] == ["champion", "ladder", "envoy"]


def test_a_row_holds_means_over_failures_and_a_ratio_of_sums() -> None:
    row = table_of(results(STACKS, failures=10)).held_out.row("envoy")
    assert row.downtime_s == pytest.approx(20.0)
    assert row.time_to_recover_s == pytest.approx(40.0)
    assert row.availability == pytest.approx(0.9)
    assert row.cvar_s == pytest.approx(30.0)  # the one worst of ten
    assert row.not_recovered == pytest.approx(0.1)


def test_a_difference_is_the_champion_s_less_the_other_s_with_its_interval() -> None:
    found = table_of(results(STACKS)).held_out.row("ladder").downtime_difference
    assert found is not None
    assert found.mean == pytest.approx(-4.0)
    assert found.low < -4.0 < found.high < 0.0


def test_a_better_champion_is_called_better() -> None:
    table = table_of(results(STACKS))
    assert table.gate.passed
    assert "champion: better than ladder: −4.0 s [" in plain_text(table)


def test_a_champion_that_is_no_better_is_said_to_be_so() -> None:
    table = table_of(results({"champion": 14.0, "ladder": 14.0}))
    assert not table.gate.passed
    assert "champion: no better than ladder: 0.0 s [0.0, 0.0]" in plain_text(table)


def test_a_champion_that_disrupts_too_much_does_not_pass() -> None:
    table = table_of(results(STACKS, {"champion": 5.0}))
    assert not table.gate.passed
    assert "above the 2.0 s allowed" in " ".join(plain_text(table).split())


def test_families_never_trained_on_stand_apart() -> None:
    both = pd.concat(
        [results(STACKS), results({"champion": 40.0, "ladder": 20.0, "envoy": 30.0},
                                  set_name="held_out_never_trained", failures=4)]
    )  # fmt: skip
    table = table_of(both)
    assert table.never_trained is not None
    assert [row.stack for row in table.never_trained.rows] == ["ladder", "envoy", "champion"]
    assert table.held_out.scenarios == 40
    assert table.gate.passed, "the gate looks at the held-out failures alone"
    text = plain_text(table)
    assert text.index("evolution never saw") < text.index("never trained on")


def test_a_stack_with_a_footnote_carries_its_mark() -> None:
    text = plain_text(table_of(results(STACKS)))
    assert "envoy¹" in text
    assert "¹ envoy: ejects nothing here" in text
    assert "polly" not in text


def test_the_columns_of_a_log_line_up_and_no_line_is_longer_than_a_page() -> None:
    lines = plain_text(table_of(results(STACKS))).splitlines()
    rows = [line for line in lines if line.startswith(("policy", "champion  ", "ladder", "envoy"))]
    assert len({len(line) for line in rows}) == 1
    assert max(map(len, lines)) <= 100
    assert "simulated incidents: 10,000 search" in lines


def test_a_narrow_terminal_drops_the_last_column(monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(results(STACKS))
    shown = {}
    for width in ("80", "140"):
        monkeypatch.setenv("COLUMNS", width)
        stream = Terminal()
        print_closing(table, stream)
        shown[width] = stream.getvalue()
    assert "disruption s" in shown["140"]
    assert "disruption s" not in shown["80"]
    assert "−4.0 [" in shown["80"]


def test_json_holds_the_same_numbers() -> None:
    table = table_of(results(STACKS))
    told = json.loads(json_text(table.to_mapping()))
    assert told["held_out"]["rows"][1]["stack"] == "ladder"
    assert told["held_out"]["rows"][1]["downtime_difference"]["mean"] == pytest.approx(-4.0)
    assert told["gate"]["best_baseline"] == "ladder"


def test_without_a_champion_there_is_no_table() -> None:
    with pytest.raises(ValueError, match="champion"):
        table_of(results({"ladder": 14.0}))


KNOWING = {"champion": 10.0, "ladder-tuned": 14.0, "ladder": 12.0, "oracle": 6.0}


def test_the_oracle_is_a_row_but_never_the_best_baseline() -> None:
    table = table_of(results(KNOWING))
    assert table.held_out.rows[0].stack == "oracle"
    assert table.gate.best_baseline == "ladder" and table.gate.passed
    assert all(loss.baseline != "oracle" for loss in table.weak.losses)


def test_the_share_of_the_gap_counts_from_the_best_tuned_baseline() -> None:
    table = table_of(results(KNOWING))
    assert table.gap is not None and table.gap.baseline == "ladder-tuned"
    assert table.gap.share == pytest.approx(0.5)
    assert (
        "champion closes 50% of the gap between ladder-tuned (14.0 s) and the oracle"
        in " ".join(plain_text(table).split())
    )


def test_without_an_oracle_no_gap_is_told() -> None:
    table = table_of(results(STACKS))
    assert table.gap is None
    assert "gap" not in plain_text(table)


def test_a_champion_worse_than_the_tuned_baseline_closes_none_of_the_gap() -> None:
    table = table_of(results({**KNOWING, "champion": 20.0}))
    assert "champion closes none of the gap" in plain_text(table)
