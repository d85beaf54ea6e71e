"""`hms policy show|diff|validate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import table
from hms.documents import dump_yaml
from hms.errors import PolicyError
from hms.evolution.baselines.stacks import names
from hms.experiments.cli import policy_words
from hms.experiments.cli.policy import command, differences

CHAMPION = str(Path(__file__).resolve().parent / "champion.yaml")


def run(*arguments):
    return CliRunner().invoke(command, list(arguments))


@pytest.fixture
def file(tmp_path, policy):
    """Writes a policy with some values; gives its path."""

    def write(name, values):
        path = tmp_path / f"{name}.yaml"
        path.write_text(dump_yaml({**policy(values).to_mapping(), "about": {"name": name}}))
        return str(path)

    return write


def test_show_has_every_parameter_with_its_unit(champion):
    text = run("show", CHAMPION).stdout
    for row in table():
        assert row.path.split(".")[1] in text
    assert champion.sha256 in text
    lines = {line.split()[0]: line for line in text.splitlines() if line.startswith("  ")}
    assert "18.3 %" in lines["failure_rate"] and "default 50 %" in lines["failure_rate"]
    assert "80 ms" in lines["base_s"] and "default 100 ms" in lines["base_s"]
    assert lines["half_open_calls"].split()[1:3] == ["3", "default"]
    assert "reconnect (wait 2 s), then restart (wait 20 s, cool-down 45 s)" in text
    assert "where criticality is high: timeout.call_s 1.4 s" in text


@pytest.mark.parametrize("name", names())
def test_show_knows_the_baselines(name):
    told = run("show", name)
    assert told.exit_code == 0
    assert f"from baseline {name}" in told.stdout


def test_show_as_json_is_a_policy_again(champion):
    told = json.loads(run("show", CHAMPION, "--json").stdout)
    parsed, problems = HealingPolicy.parse(told["policy"])
    assert problems == []
    assert parsed.sha256 == told["sha256"] == champion.sha256


def test_diff_speaks_in_words(file):
    a = file("a", {"breaker.failure_rate": 0.5, "retry.base_s": 0.1})
    b = file("b", {"breaker.failure_rate": 0.12, "retry.base_s": 0.025})
    lines = run("diff", a, b).stdout.splitlines()
    assert lines[1:] == [
        "breaker:",
        "  opens after 12 % instead of 50 % failures",
        "retry:",
        "  waits 25 ms instead of 100 ms before the first retry",
    ]


def test_diff_says_what_is_switched_off_and_on(file):
    a = file("a", {"breaker.failure_rate": 0.5, "breaker.consecutive_failures": 0})
    b = file("b", {"breaker.failure_rate": "off", "breaker.consecutive_failures": 5})
    assert "does not open by failure rate (before: opens after 50 % failures)" in (
        text := run("diff", a, b).stdout
    )
    assert "opens after 5 failures in a row (before: does not open by failures in a row)" in text


def test_diff_tells_ladders_and_overrides():
    text = run("diff", "platform", CHAMPION).stdout
    assert "against memory: restart (wait 20 s, cool-down 120 s) instead of nothing" in text
    assert "where edge is soft: retry.max_attempts 1" in text
    assert "no longer where edge is soft" in run("diff", CHAMPION, "platform").stdout


def test_diff_of_equals_says_so():
    told = run("diff", CHAMPION, CHAMPION)
    assert "no difference" in told.stdout
    assert json.loads(run("diff", CHAMPION, CHAMPION, "--json").stdout)["changes"] == []


def test_diff_as_json_has_both_values(file):
    a, b = file("a", {"breaker.scope": "edge"}), file("b", {"breaker.scope": "replica"})
    told = json.loads(run("diff", a, b, "--json").stdout)
    assert told["same"] is False
    (change,) = told["changes"]
    assert (change["parameter"], change["a"], change["b"]) == ("breaker.scope", "edge", "replica")


def test_order_of_overrides_is_a_difference(champion):
    turned = champion.with_overrides(tuple(reversed(champion.overrides)))
    (change,) = differences(champion, turned)
    assert "another order" in change["words"]


def test_every_parameter_has_a_sentence(policy):
    for row in table():
        on, off = policy_words.SENTENCES[row.path]
        assert ("{}" in on) is (row.scale != "switch"), row.path
        assert bool(off) is (row.scale == "switch" or row.off is not None), row.path
        other = row.least if row.default != row.least else row.most
        words = policy_words.difference(row.path, row.default, row.kind(other))
        assert words and "{" not in words


def test_validate_accepts_files_and_baselines(champion):
    told = run("validate", CHAMPION, *names())
    assert told.exit_code == 0
    assert f"valid, sha256 {champion.sha256[:12]}" in told.stdout


MISTAKES = """schema: hms.policy/1
breaker:
  failure_rat: 0.2
  open_s: -4
  window_kind: tme
retry: {max_attempts: 2.5, retry_on: [refusd]}
recovery:
  memory: [{act: reboot}]
"""


def test_validate_names_every_mistake_with_its_line(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(MISTAKES)
    told = run("validate", str(path), CHAMPION)
    assert told.exit_code == 2
    for line, words in (
        (3, "unknown key `failure_rat`"),
        (4, "-4 is out of range"),
        (5, "unknown choice `tme`"),
        (6, "2.5"),
        (6, "unknown outcome `refusd`"),
        (8, "unknown act `reboot`"),
    ):
        assert any(
            each.startswith(f"{path}:{line}: ") and words in each
            for each in told.stderr.splitlines()
        ), words
    assert "nearest: `failure_rate`" in told.stderr
    assert "1 of 2 policies are not valid" in told.stderr
    assert "valid, sha256" in told.stdout  # the right one beside it is still told


def test_validate_as_json_has_lines(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(MISTAKES)
    told = run("validate", str(path), "--json")
    assert told.exit_code == 2
    (verdict,) = json.loads(told.stdout)
    assert not verdict["valid"]
    assert verdict["problems"][0]["line"] == 3
    assert verdict["problems"][0]["nearest"] == "failure_rate"


@pytest.mark.parametrize(
    "text",
    [
        "schema: hms.policy/2\n",
        "schema: hms.scenario/1\n",
        "breaker: {}\n",
        "- 1\n",
        "",
        "schema: hms.policy/1\nbreaker: {open_s: .nan}\n",
        "schema: hms.policy/1\nbreaker: {open_s: .inf}\n",
        "schema: hms.policy/1\nbreaker: {open_s: true}\n",
        "schema: hms.policy/1\nbreaker: {open_s: 4, open_s: 5}\n",
        "schema: hms.policy/1\nbreaker: {window_calls: 5, minimum_calls: 10}\n",
        "schema: hms.policy/1\nbreaker: [\n",
    ],
)
def test_validate_refuses_what_is_no_policy(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    told = run("validate", str(path))
    assert told.exit_code == 2
    assert str(path) in told.stderr and "Traceback" not in told.output


def test_newer_schema_is_told_as_such(tmp_path):
    path = tmp_path / "newer.yaml"
    path.write_text("schema: hms.policy/2\n")
    assert "newer than this version reads" in run("validate", str(path)).stderr


def test_unknown_policy_names_the_nearest():
    told = run("show", "polli")
    assert isinstance(told.exception, PolicyError)
    assert told.exception.exit_code == 2
    assert "nearest: `polly`" in str(told.exception)
