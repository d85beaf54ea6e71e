"""`hms explain PARAMETER`, and the page made from the same table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hms.agents.policy.parameters import step_table, table
from hms.errors import InputError
from hms.experiments.cli.explain import command
from hms.experiments.export.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return CliRunner().invoke(command, list(arguments))


def test_explains_default_range_unit_scale_and_targets():
    text = run("breaker.open_s").stdout
    assert "breaker.open_s: first open time" in text
    assert "5.0 (5 s)" in text
    assert "0.001 to 86400" in text
    assert "0.5 to 60" in text  # what a search tries
    assert "seconds" in text and "log" in text
    assert "exact: policy.yaml" in text
    assert "base_ejection_time" in text


@pytest.mark.parametrize("row", [*table(), *step_table()], ids=lambda row: row.path)
def test_every_parameter_is_explained_for_every_target(row):
    told = json.loads(run(row.path, "--json").stdout)
    assert told["parameter"] == row.path
    assert told["does"] == row.does
    assert set(told["exports"]) == set(TARGETS)
    assert all(told.values())


def test_a_unique_short_name_will_do():
    assert run("half_open_calls").stdout.startswith("breaker.half_open_calls:")
    assert run("patience_s").stdout.startswith("step.patience_s:")
    assert run("recovery.patience_s").stdout.startswith("step.patience_s:")


def test_a_group_is_listed():
    text = run("guard").stdout
    assert "guard.at_once" in text and "breaker." not in text
    assert "step.act" in run("recovery").stdout
    assert "retry.retry_on_timeout" in run("retry_on").stdout
    assert run("retry_on").stdout == run("retry.retry_on").stdout


def test_without_a_name_all_are_listed():
    text = run().stdout
    assert all(row.path in text for row in (*table(), *step_table()))


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("breaker.open", "breaker.open_s"),
        ("brekaer.open_s", "breaker.open_s"),
        ("open_ss", "breaker.open_s"),
        ("retry.max_attempt", "retry.max_attempts"),
    ],
)
def test_unknown_name_gets_the_nearest(name, near):
    told = run(name)
    assert isinstance(told.exception, InputError)
    assert told.exception.exit_code == 2
    assert f"nearest: `{near}`" in str(told.exception)


def test_page_is_made_from_the_table():
    page = ROOT / "docs" / "parameters.md"
    made = run("--markdown").stdout
    assert page.read_text(encoding="utf-8") == made, (
        "run: hms explain --markdown > docs/parameters.md"
    )
