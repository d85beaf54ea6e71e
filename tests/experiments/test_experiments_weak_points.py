"""Where the champion is weak is said beside where it is strong."""

import json

import numpy as np
import pandas as pd
from closing_rows import results
from test_experiments_closing_table import table_of

from hms.experiments.report.closing_text import plain_text
from hms.experiments.steps.write import json_text

STACKS = {"champion": 10.0, "ladder": 14.0, "envoy": 20.0}


def with_family(frame: pd.DataFrame, stack: str, family: str, down_s: float) -> pd.DataFrame:
    """The results, but a stack is down about so long on each failure of a family."""
    changed = frame.copy()
    struck = (changed["stack"] == stack) & (changed["family"] == family)
    changed.loc[struck, "downtime_s"] = down_s + 0.1 * np.arange(struck.sum())
    return changed


def one_line(frame: pd.DataFrame) -> str:
    return " ".join(plain_text(table_of(frame)).split())


def test_a_champion_that_loses_nowhere_says_so() -> None:
    told = one_line(results(STACKS))
    assert "loses to no baseline on any family" in told
    assert "recovers in each of the 40 failures" in told


def test_a_family_on_which_it_loses_is_named_with_the_baseline_and_the_interval() -> None:
    frame = with_family(results({**STACKS, "envoy": 40.0}), "envoy", "hang", 1.0)
    table = table_of(frame)
    assert table.gate.passed, "better in the mean"
    (loss,) = table.weak.losses
    assert (loss.family, loss.baseline, loss.sure) == ("hang", "envoy", True)
    assert loss.downtime_s.low > 0.0
    assert f"loses on hang to envoy: +{loss.downtime_s.mean:.1f} s [" in one_line(frame)


def test_a_loss_that_may_be_chance_is_said_to_be_so() -> None:
    few = with_family(results(STACKS, failures=6), "envoy", "crash", 1.0)
    assert "which may be chance" in one_line(few), "three failures of a family prove nothing"
    noisy = results({"champion": 10.0, "ladder": 10.0})
    ours = (noisy["stack"] == "champion") & (noisy["family"] == "hang")
    noisy.loc[ours, "downtime_s"] += np.where(np.arange(ours.sum()) % 2, 9.0, -8.0)
    assert "loses on hang to ladder: +0.5 s [" in one_line(noisy)
    assert "which may be chance" in one_line(noisy)


def test_the_largest_loss_comes_first_and_untrained_families_are_marked() -> None:
    both = pd.concat(
        [
            with_family(results(STACKS), "envoy", "hang", 5.0),
            with_family(
                results(STACKS, set_name="held_out_never_trained"), "ladder", "crash", 0.0
            ),
        ]
    )
    losses = table_of(both).weak.losses
    assert [(loss.family, loss.baseline) for loss in losses] == [
        ("crash", "ladder"), ("hang", "envoy"),
    ]  # fmt: skip
    assert "crash (never trained) to ladder" in one_line(both)


def test_failures_that_never_end_are_named_with_who_ends_them() -> None:
    frame = results({"champion": 25.0, "ladder": 30.0, "envoy": 15.0})
    table = table_of(frame)
    never = table.weak.never_recovered
    frame = frame[frame["stack"] == "champion"]
    assert {each.incident for each in never} == set(frame[~frame["recovered"]]["incident"])
    assert {each.recovering for each in never} == {("envoy",)}
    told = " ".join(plain_text(table).split())
    assert f"never recovers in {len(never)} of 40 failures (" in told
    assert "in 0 of them no baseline does either" in told
    assert never[0].incident in told


def test_all_of_it_is_in_the_json() -> None:
    frame = with_family(results({"champion": 25.0, "ladder": 30.0}), "ladder", "hang", 1.0)
    told = json.loads(json_text(table_of(frame).to_mapping()))["weak"]
    assert told["losses"][0]["baseline"] == "ladder"
    assert len(told["never_recovered"]) == len(table_of(frame).weak.never_recovered) > 0
