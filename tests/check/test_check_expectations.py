"""Expectations under test: what holds, what fails with a diff, and the JUnit file."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from planted import SOUND

from hms.agents.policy.parameters import BreakerParameters
from hms.errors import ScenarioError
from hms.experiments.check.expectations import seeds_from
from hms.experiments.check.opening import failures_to_open
from hms.experiments.cli.check import command


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The sound shop with a failure and with expectations, of which one is broken."""
    path = tmp_path / "shop.yaml"
    path.write_text(
        SOUND.read_text(encoding="utf-8")
        + """
faults: [{kind: latency, target: {edge: web -> mail}, start_s: 60, duration_s: 60, added_ms: 3000}]
expect:
  verdict: recovered
  recovers_within_s: 30
  downtime_below_s: 0.5
  opens_after: {web -> mail: {within_s: 30, calls: 600}}
""",
        encoding="utf-8",
    )
    return path


def test_what_holds_is_a_line_and_what_fails_a_diff(shop: Path) -> None:
    told = check(shop, "--policy", "today")
    assert told.exit_code == 1
    line = shop.read_text().splitlines().index("  downtime_below_s: 0.5") + 1
    assert "ok      verdict " in told.stdout
    assert f"        expected  below 500 ms  ({shop}:{line})\n        got       " in told.stdout
    assert f"again     hms simulate {shop} --policy today --seed 0" in told.stdout
    assert "4 of 5 expectations hold under today" in told.stdout


def test_expectations_that_hold_exit_0_under_the_policy_that_is_named(shop: Path) -> None:
    told = check(shop, "--policy", "ladder", "--expect", "downtime_below_s=300")
    assert "under ladder" in told.stdout
    assert (
        check(
            shop, "--policy", "today", "--expect", "downtime_below_s=300", "--seeds", "3"
        ).exit_code
        == 0
    )


def test_without_a_policy_the_settings_are_reviewed_and_the_expectations_tested(
    shop: Path,
) -> None:
    told = check(shop)
    assert told.exit_code == 1
    assert "nothing found" in told.stdout
    assert "FAILED  downtime_below_s" in told.stdout


def test_junit_has_a_case_for_each_expectation_and_each_rule(shop: Path, tmp_path: Path) -> None:
    report = tmp_path / "check.xml"
    assert check(shop, "--junit", report, "--seeds", "2").exit_code == 1
    root = ElementTree.parse(report).getroot()
    suites = {suite.get("name"): suite for suite in root}
    assert [suite.get("failures") for suite in suites.values()] == ["0", "1"]
    cases = {case.get("name"): case for case in suites["sound under today"]}
    assert set(cases) == {
        "verdict",
        "recovers_within_s",
        "downtime_below_s",
        "opens_after web -> mail",
        "opens_after web -> mail, calls",
    }
    failure = cases["downtime_below_s"].find("failure")
    assert failure is not None
    assert "in 2 of 2 runs" in (failure.text or "")
    assert "--seed 0" in (failure.text or "") or "--seed 1" in (failure.text or "")


def test_json_names_the_seeds_that_failed(shop: Path) -> None:
    told = json.loads(check(shop, "--policy", "today", "--seeds", "2", "--json").stdout)
    by_name = {each["name"]: each for each in told["expectations"]}
    assert by_name["downtime_below_s"]["missed"] == ["0", "1"]
    assert by_name["verdict"]["holds"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recover_within_s=3", "`recovers_within_s`"),
        ("verdict=fine", "recovered, degraded, collapsed"),
        ("recovers_within_s", "KEY=VALUE"),
        ("opens_after:web->mial:within_s=3", "`web -> mail`"),
        ("opens_after:web->mail=3", "KEY=VALUE"),
        ("availability_at_least=1.5", "from 0 to 1"),
        ("opens_after:shop->db:calls=3", "within_s in place of calls"),
    ],
)
def test_a_wrong_expectation_is_refused(text: str, said: str) -> None:
    told = check(SOUND, "--policy", "today", "--expect", text)
    assert isinstance(told.exception, ScenarioError)
    assert said in str(told.exception)


def test_a_policy_without_an_expectation_is_a_mistake() -> None:
    told = check(SOUND, "--policy", "today")
    assert told.exit_code == 2
    assert "nothing is expected of it" in told.output


def test_a_failing_callee_is_called_as_often_as_all_layers_together_retry(tmp_path: Path) -> None:
    path = tmp_path / "layers.yaml"
    path.write_text(
        """
schema: hms.scenario/1
name: layers
horizon_s: 120
workload: [{entry: a, client: people, rate_rps: 5}]
defaults:
  component: {workers: 1000, queue_limit: 1000, service_time_ms: 1}
  edge:
    timeout_ms: 8000
    retry: {max_attempts: 3, base_s: 0.01, max_s: 0.01, budget_kind: none,
            retry_on: [refused, unavailable, error, timeout]}
components: {people: {kind: client}, a: {}, b: {}, c: {}, d: {}}
edges: {people -> a: {}, a -> b: {}, b -> c: {}, c -> d: {}}
faults: [{kind: error, target: {component: d}, start_s: 40, duration_s: 40, share: 1}]
"""
    )
    told = json.loads(
        check(path, "--policy", "today", "--expect", "retry_amplification_below=9", "--json").stdout
    )
    got = told["expectations"][0]
    assert not got["holds"]
    assert got["where"] == "d"
    assert float(got["got"].split()[0]) == pytest.approx(27.0, rel=0.02)


def test_a_breaker_opens_at_the_failure_that_fills_its_share() -> None:
    breaker = BreakerParameters(window_calls=20, minimum_calls=10, failure_rate=0.5)
    assert failures_to_open(breaker, 10.0) == 10
    row = BreakerParameters(consecutive_failures=5, failure_rate=0.9, window_calls=100)
    assert failures_to_open(row, 10.0) == 5
    assert failures_to_open(BreakerParameters(enabled=False), 10.0) is None
    assert failures_to_open(BreakerParameters(failure_rate=2.0), 10.0) is None


def test_seeds_count_on_from_the_first() -> None:
    assert seeds_from("7", 3) == ["7", "8", "9"]
    assert seeds_from("night", 2) == ["night", "night-1"]
