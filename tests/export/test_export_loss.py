"""Nothing is lost silently: every parameter has a row for every target."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from policy_strategy import policies

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import step_table, table
from hms.evolution.baselines.stacks import load, names
from hms.experiments.export import envoy_check, envoy_terms, loss
from hms.experiments.export.envoy_check import duration_s, mappings
from hms.experiments.export.loss import Ledger, Row
from hms.experiments.export.loss_text import page
from hms.experiments.export.loss_text import table as printed
from hms.experiments.export.targets import TARGETS, build, parameters
from hms.scenarios.load import load_scenario

PLACES = ("frontend -> cart", "frontend -> ads", "cart -> redis")
OF_EDGES = ("breaker", "retry", "timeout", "concurrency")
SHOP = load_scenario(__file__.replace("test_export_loss.py", "shop.yaml"))


def test_report_speaks_of_the_whole_table():
    assert parameters() == [row.path for row in (*table(), *step_table())]
    assert len(parameters()) > 50


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["champion", "defaults", *names()])
def test_every_parameter_has_a_row(target, name, champion, shop):
    given_policies = {"champion": champion, "defaults": HealingPolicy()}
    policy = given_policies[name] if name in given_policies else load(name).policy
    export = build(policy, shop, [target])
    assert loss.uncovered(export.rows, parameters()) == []
    assert {row.verdict for row in export.rows} <= set(loss.VERDICTS)


def test_a_parameter_without_a_row_is_found():
    rows = [Row("envoy", "breaker.open_s", "k", "1", "1", loss.EXACT)]
    assert loss.uncovered(rows, ["breaker.open_s", "breaker.scope"]) == ["breaker.scope"]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies)
def test_any_legal_policy_is_told_on_every_edge_and_is_sound(policy):
    from hms.experiments.export import envoy

    log = Ledger("envoy")
    files = envoy.export(policy, SHOP, log)
    for place in PLACES:
        told = {row.parameter for row in log.rows if place in row.where}
        wanted = {p for p in parameters() if p.split(".")[0] in OF_EDGES}
        assert wanted - told == set(), place
    for config in files.values():
        assert envoy_check.problems(config) == []
        for path, node in mappings(config, ()):
            _check_numbers(path, node)


def _check_numbers(path, node):
    """The ranges that Envoy demands."""
    for key, value in node.items():
        if key.endswith(("timeout", "interval", "_time", "_jitter")):
            assert duration_s(value) is not None, (path, key, value)
        if key.startswith("enforcing_") or key.endswith("_percent"):
            number = value["value"] if isinstance(value, dict) else value
            assert 0 <= number <= 100, (path, key, value)
    if "retry_back_off" in node:
        waits = node["retry_back_off"]
        assert 0.001 <= duration_s(waits["base_interval"]) <= duration_s(waits["max_interval"])
    if "outlier_detection" in node:
        block = node["outlier_detection"]
        assert 0 < duration_s(block["base_ejection_time"]) <= duration_s(
            block["max_ejection_time"]
        )
        assert 1 <= block.get("failure_percentage_threshold", 1) <= 100


@settings(max_examples=100, deadline=None)
@given(policies)
def test_written_durations_parse_back_to_whole_milliseconds(policy):
    from hms.experiments.export.envoy_durations import milliseconds, seconds

    for value_s in (policy.value("breaker.open_s"), policy.value("timeout.total_s")):
        parsed_s = duration_s(seconds(value_s))
        assert parsed_s == pytest.approx(milliseconds(value_s), abs=1e-9)
        assert math.isclose(parsed_s, value_s, abs_tol=0.0011)


def test_verdicts_keep_to_what_explain_promises(champion, shop):
    words = ("exact", "rounded", "approximated", "dropped")
    for policy in (champion, HealingPolicy(), *(load(name).policy for name in names())):
        for row in build(policy, shop, ["envoy"]).rows:
            promised = envoy_terms.how(row.parameter)
            assert any(word in promised for word in words), row.parameter
            if row.verdict == "dropped" and "cart -> redis" not in row.where:
                assert "dropped" in promised, row


def test_rows_that_differ_only_in_their_place_are_one():
    log = Ledger("envoy")
    for place in ("a -> b", "a -> c", "a -> d"):
        log.at(place).exact("breaker.open_s", "k", 1, 1)
    log.at("a -> b").exact("breaker.scope", "k", 1, 1)
    scope, opened = loss.merged(log.rows, ["breaker.scope", "breaker.open_s"])
    assert scope.where == ("a -> b",)
    assert opened.where == ()  # everywhere


def test_page_and_terminal_show_every_loss(champion, shop):
    export = build(champion, shop, ["envoy"])
    text = page(export.rows, export.notes, champion.sha256)
    lines = "\n".join(printed(export.rows))
    for row in export.rows:
        assert f"`{row.parameter}`" in text
        if row.verdict != "exact":
            assert row.parameter.split(".")[1] in lines
            assert row.note in text and row.note in lines
    assert champion.sha256 in text


def test_dropped_and_approximated_rows_say_why(champion, shop):
    rows = build(champion, shop, ["envoy"]).rows
    silent = [row for row in rows if row.verdict in ("dropped", "approximated") and not row.note]
    assert silent == []


def test_report_is_data(champion, shop):
    export = build(champion, shop, ["hms", "envoy"])
    told = json.loads(loss.dumps(export.report()))
    assert told["policy_sha256"] == champion.sha256
    assert sum(told["counts"]["hms"].values()) == len(parameters())
    assert told["counts"]["hms"]["exact"] == len(parameters())
    assert len(told["rows"]) == len(export.rows)
